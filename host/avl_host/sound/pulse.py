"""PulseSource: the monitor of PulseAudio's default sink, whichever that is, also where PipeWire plays its part.

One thread watches the server and says which sink is the default one; another reads what that plays. A server that ends
is waited for; another default sink is another stream, and nothing else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from avl_host.sound.monitor import MonitorStream
from avl_host.sound.source import SoundListener
from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.endpoint.sound.pulse import BLOCK, PulseError, ServerWatch, connect
from avl_protocol.wire.registry import SoundState

#: Seconds until a stream that the server refused is tried again, where nothing else happens before.
RETRY = 1.0
#: What PipeWire calls the default sink until it has chosen one, of which it tells.
UNDECIDED = "@DEFAULT_SINK@"
NO_SINK = "The sound server has no output to listen to: connect one, or type: pactl load-module module-null-sink"


def whence() -> str:
    """The server and its default sink, or what to do where there is none."""
    try:
        pulse = connect()
    except PulseError as error:
        return f"none is shared: {error}"
    try:
        server, sinks = pulse.server_info(), {sink.name: sink.description for sink in pulse.sink_list()}
    finally:
        pulse.close()
    name = server.default_sink_name
    if not sinks:
        return f"none is shared: {NO_SINK}"
    return f"{server.server_name} {server.server_version}, of {sinks.get(name, 'the default output')} ({name})"


@dataclass(frozen=True, slots=True)
class _Monitor:
    """What a sink plays. The sink's number tells it from another of that name, which is another stream."""

    name: str
    sink: int


class PulseSource:
    """Satisfies SoundSource. `clock`: seconds, as the host's."""

    def __init__(self, clock: Callable[[], float], faults: Faults) -> None:
        self._clock = clock
        self._faults = faults
        self._run: _Run | None = None

    def start(self, listener: SoundListener) -> None:
        if self._run is None:
            self._run = _Run(listener, self._clock, self._faults)
            self._run.start()

    def stop(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            run.stop()


class _Run:
    """From one start to one stop. It attends to the watch, and reads on a thread of its own."""

    def __init__(self, listener: SoundListener, clock: Callable[[], float], faults: Faults) -> None:
        self._listener = listener
        self._clock = clock
        self._faults = faults
        self._watch = ServerWatch(self, faults)
        #: What is shared between the threads: the monitor to read, and whether to go on.
        self._news = threading.Condition()
        self._monitor: _Monitor | None = None
        self._ending = False
        self._reader = threading.Thread(target=self._run, name="avl-sound", daemon=True)

    def start(self) -> None:
        self._watch.start()
        self._reader.start()

    def stop(self) -> None:
        self._ending = True
        self._listen_to(None)
        # Nobody waits here for a server that hangs: what it still says is heard by nobody.
        threading.Thread(target=self._watch.close, name="avl-sound-end", daemon=True).start()

    def _tell(self, state: SoundState, text: str = "") -> None:
        if not self._ending:
            self._listener.state(state, text)

    # Attendant, on the watch's thread

    def came(self, pulse: Any) -> None:
        self.changed(pulse)

    def changed(self, pulse: Any) -> None:
        name = pulse.server_info().default_sink_name
        sinks = {sink.name: _Monitor(sink.monitor_source_name, sink.index) for sink in pulse.sink_list()}
        self._listen_to(sinks.get(name))
        if name not in sinks and not (sinks and name == UNDECIDED):
            self._tell(SoundState.FAILED, NO_SINK)

    def went(self, why: str) -> None:
        self._listen_to(None)
        self._tell(SoundState.NO_SERVER, why)

    def leaves(self, pulse: Any) -> None:
        return

    def _listen_to(self, monitor: _Monitor | None) -> None:
        with self._news:
            self._monitor = monitor
            self._news.notify_all()

    # the reader's thread

    def _run(self) -> None:
        self._faults.run(self._read_all)

    def _read_all(self) -> None:
        while not self._ending:
            with self._news:
                if self._monitor is None:
                    self._news.wait()
                    continue
                monitor = self._monitor
            try:
                self._read(monitor)
            except PulseError as error:
                with self._news:
                    # A sink that is taken away ends its stream: of which the watch tells, too, and of what is next.
                    lasting = self._monitor == monitor and not self._news.wait(RETRY)
                if lasting:
                    self._tell(SoundState.FAILED, str(error))

    def _read(self, monitor: _Monitor) -> None:
        """Until another is to be read. Raises PulseError."""
        stream = MonitorStream(monitor.name, "the desktop, for its viewers")
        try:
            self._tell(SoundState.HEARD)
            while self._monitor == monitor and not self._ending:
                samples = stream.read()
                if not self._ending:
                    self._listener.heard(samples, self._clock() - BLOCK)
        finally:
            stream.close()
