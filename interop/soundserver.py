"""A sound server of one's own: PulseAudio, or PipeWire with its PulseAudio side, with null sinks instead of hardware.

It runs in a folder of its own and is reached by PULSE_SERVER alone, so that neither hears of the other servers of this
machine.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

#: Seconds that a server may take to answer.
PATIENCE = 20.0


class SoundServer:
    """PulseAudio in `folder`. `address` is what PULSE_SERVER has to say to reach it."""

    def __init__(self, folder: Path, sinks: Sequence[str] = ("speakers",)) -> None:
        self._folder = folder
        self._sinks = sinks
        self._process: subprocess.Popen[bytes] | None = None
        self._socket = folder / "native"
        self.address = f"unix:{self._socket}"

    @staticmethod
    def there() -> bool:
        """Whether this machine has PulseAudio."""
        return shutil.which("pulseaudio") is not None

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to reach it."""
        return {**os.environ, "PULSE_SERVER": self.address, "XDG_RUNTIME_DIR": str(self._folder)}

    def start(self) -> None:
        """Begin, and wait until it answers. Raises RuntimeError."""
        sinks = [f"module-null-sink sink_name={name} rate=48000 channels=2" for name in self._sinks]
        modules = [*sinks, f"module-native-protocol-unix socket={self._socket} auth-anonymous=1"]
        self._socket.unlink(missing_ok=True)
        environment = {**os.environ, "XDG_RUNTIME_DIR": str(self._folder), "HOME": str(self._folder)}
        self._process = subprocess.Popen(
            ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disallow-exit=yes"]
            + [part for module in modules for part in ("-L", module)],
            env={**environment, "PULSE_RUNTIME_PATH": str(self._folder / "pulse")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self._folder / "pulseaudio.log").open("wb"),
        )
        asked = self.control("info", timeout=PATIENCE)
        if asked.returncode:
            self.stop()
            raise RuntimeError((self._folder / "pulseaudio.log").read_text("utf-8", "replace")[-800:])

    def control(self, *command: str, timeout: float = PATIENCE) -> subprocess.CompletedProcess[str]:
        """pactl, which waits until the server is there."""
        line = ["pactl", *command]
        if self._process is not None:
            self._wait_for_socket(timeout)
        return subprocess.run(line, env=self.environment, capture_output=True, text=True, timeout=timeout)

    def _wait_for_socket(self, timeout: float) -> None:
        """Until the server listens, or has ended."""
        until = time.monotonic() + timeout
        while not self._socket.exists() and time.monotonic() < until:
            if self._process is None or self._process.poll() is not None:
                return
            time.sleep(0.02)

    def stop(self, how: int = signal.SIGTERM) -> None:
        """End it; with SIGKILL it dies."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.wait(PATIENCE)

    def __enter__(self) -> SoundServer:
        self.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self.stop()
