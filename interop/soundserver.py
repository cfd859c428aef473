"""A sound server of one's own: PulseAudio, or PipeWire with its PulseAudio side, with null sinks instead of hardware.

It runs in a folder of its own and is reached by PULSE_SERVER alone, so that neither hears of the other servers of this
machine. Its socket is opened here and handed over as systemd does (sd_listen_fds(3)): who connects before the server is
ready waits for it, and is refused where it ends instead.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

#: Seconds that a server may take to answer, or to end.
PATIENCE = 20.0
#: Starts a program that is handed a descriptor as the first that systemd would give it.
_ACTIVATE = """import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execvp(sys.argv[2], sys.argv[2:])
"""


class SoundServer:
    """`address` is what PULSE_SERVER has to say to reach it. `sinks`: the first is the default one."""

    def __init__(self, folder: Path, sinks: Sequence[str] = ("speakers",), *, pipewire: bool = False) -> None:
        self._folder = folder
        self._sinks = sinks
        self._pipewire = pipewire
        self._processes: list[subprocess.Popen[bytes]] = []
        #: Where PipeWire's PulseAudio side expects it, too.
        self._socket = folder / "pulse" / "native"
        self._socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.address = f"unix:{self._socket}"

    @staticmethod
    def lacking(*, pipewire: bool = False) -> list[str]:
        """Programs of it that this machine does not have."""
        wanted = (
            ("pipewire", "pipewire-pulse", "wireplumber", "dbus-daemon", "pactl")
            if pipewire
            else ("pulseaudio", "pactl")
        )
        return [tool for tool in (*wanted, "pactl") if shutil.which(tool) is None]

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to reach it."""
        return {**os.environ, "PULSE_SERVER": self.address, "XDG_RUNTIME_DIR": str(self._folder)}

    def start(self) -> None:
        """Begin, and wait until it answers. Raises RuntimeError."""
        if self._pipewire:
            bus = ["--session", "--nofork", "--nopidfile", "--nosyslog", "--address=systemd:"]
            self._spawn("dbus-daemon", *bus, listening=self._folder / "bus")
            self._spawn("pipewire", listening=self._folder / "pipewire-0")
            self._spawn("wireplumber")
            self._spawn("pipewire-pulse", listening=self._socket)
        else:
            access = f"module-native-protocol-unix socket={self._socket} auth-anonymous=1"
            flags = ["--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disallow-exit=yes"]
            self._spawn("pulseaudio", "-n", *flags, "-L", access, listening=self._socket)
        for name in self._sinks:
            if self.add_sink(name) == "":
                logs = [path.read_text("utf-8", "replace")[-800:] for path in self._folder.glob("*.log")]
                self.stop()
                raise RuntimeError("the sound server did not start\n" + "\n".join(logs))

    def _spawn(self, program: str, *flags: str, listening: Path | None = None) -> None:
        folder = str(self._folder)
        environment = {**os.environ, "XDG_RUNTIME_DIR": folder, "HOME": folder}
        environment["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={folder}/bus"
        command = [program, *flags]
        given: tuple[int, ...] = ()
        with socket.socket(socket.AF_UNIX) as listener, (self._folder / f"{program}.log").open("wb") as log:
            if listening is not None:
                listening.unlink(missing_ok=True)
                listener.bind(str(listening))
                listener.listen()
                given = (listener.fileno(),)
                command = [sys.executable, "-ISc", _ACTIVATE, str(listener.fileno()), *command]
            self._processes.append(
                subprocess.Popen(
                    command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=given
                )
            )

    def control(self, *command: str) -> subprocess.CompletedProcess[str]:
        """pactl."""
        return subprocess.run(
            ["pactl", *command], env=self.environment, capture_output=True, text=True, timeout=PATIENCE
        )

    def add_sink(self, name: str, rate: int = 48_000) -> str:
        """One more null sink; the number of its module, "" where the server does not answer."""
        # PulseAudio's null sink would else play two seconds at a time until a client asks for less.
        wanted = f"sink_name={name} rate={rate} channels=2 norewinds=1".split()
        return self.control("load-module", "module-null-sink", *wanted).stdout.strip()

    def stop(self, how: int = signal.SIGTERM) -> None:
        """End it; with SIGKILL it dies."""
        while self._processes:
            process = self._processes.pop()
            process.send_signal(how)
            process.wait(PATIENCE)

    def __enter__(self) -> SoundServer:
        self.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self.stop()
