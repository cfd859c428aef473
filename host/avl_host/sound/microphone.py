"""Microphone: what viewers say, played into a virtual microphone of this desktop (spec 16-sound, 16.5).

It is a null sink of the sound server, whose monitor programs see as a microphone; each viewer who speaks is a stream
into it, so that the server mixes them. Both are taken away when the host ends, and what a host left behind that was
killed when the next one begins.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.endpoint.sound.opus import Decoder
from avl_protocol.endpoint.sound.pulse import PulseError, ServerWatch, Stream
from avl_protocol.wire.onethread import any_thread
from avl_protocol.wire.registry import MicrophoneState

#: What the server calls the sink, and the microphone that programs see.
SINK, SOURCE = "avl_voices", "avl_microphone"
#: Seconds of sound that the server holds, which is the jitter that a voice may have; packets that wait beyond that at
#: most; and packets that are made up in a row where some were left out.
AHEAD, WAITING, MADE_UP = 0.08, 30, 5


class MemoryMicrophone:
    """A double that remembers what was said."""

    def __init__(self) -> None:
        self.said: list[tuple[int, int, tuple[bytes, ...]]] = []
        self.hushed: list[int] = []
        self.there = False

    def start(self) -> None:
        self.there = True

    def close(self) -> None:
        self.there = False

    def play(self, speaker: int, position: int, packets: tuple[bytes, ...]) -> None:
        self.said.append((speaker, position, packets))

    def hush(self, speaker: int) -> None:
        self.hushed.append(speaker)


class PulseMicrophone:
    """Satisfies services/voice.Microphone. `state` is told on a thread of its own."""

    def __init__(self, state: Callable[[MicrophoneState, str], None], faults: Faults) -> None:
        self._state = state
        self._faults = faults
        self._modules: list[int] = []
        self._speakers: dict[int, _Speaker] = {}
        self._watch = ServerWatch(self, faults)

    def start(self) -> None:
        """Make the virtual microphone, as soon as there is a server."""
        self._watch.start()

    def close(self) -> None:
        """Take it away."""
        for speaker in list(self._speakers):
            self.hush(speaker)
        self._watch.close()

    # on the event loop

    def play(self, speaker: int, position: int, packets: tuple[bytes, ...]) -> None:
        if speaker not in self._speakers:
            self._speakers[speaker] = _Speaker(self._faults)
        self._speakers[speaker].say(position, packets)

    def hush(self, speaker: int) -> None:
        if (found := self._speakers.pop(speaker, None)) is not None:
            found.close()

    # Attendant, on the watch's thread

    @any_thread
    def came(self, pulse: Any) -> None:
        for module in pulse.module_list():
            if f"sink_name={SINK}" in (module.argument or "") or f"source_name={SOURCE}" in (module.argument or ""):
                pulse.module_unload(module.index)
        sink = f"sink_name={SINK} rate=48000 channels=1 sink_properties=device.description=avl-voices"
        source = f"master={SINK}.monitor source_name={SOURCE} source_properties=device.description=avl-microphone"
        self._modules = [_null_sink(pulse, sink), pulse.module_load("module-remap-source", source)]
        self._state(MicrophoneState.READY, "")

    @any_thread
    def changed(self, pulse: Any) -> None:
        return

    @any_thread
    def went(self, why: str) -> None:
        self._state(MicrophoneState.NO_SERVER, why)

    @any_thread
    def leaves(self, pulse: Any) -> None:
        for module in reversed(self._modules):
            pulse.module_unload(module)


def _null_sink(pulse: Any, wanted: str) -> int:
    """Its module. PulseAudio's plays two seconds at a time until a client asks for less, so that a voice would begin as
    late; `norewinds` makes it 50 ms, which servers before PulseAudio 15 don't know."""
    from pulsectl import PulseOperationFailed

    try:
        return int(pulse.module_load("module-null-sink", f"{wanted} norewinds=1"))
    except PulseOperationFailed:
        return int(pulse.module_load("module-null-sink", wanted))


class _Speaker:
    """One viewer's voice, decoded and played on a thread of its own."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._packets: queue.SimpleQueue[tuple[int, bytes] | None] = queue.SimpleQueue()
        self._ending = False
        threading.Thread(target=self._run, name="avl-voice", daemon=True).start()

    def say(self, position: int, packets: tuple[bytes, ...]) -> None:
        """Play these next; what comes faster than it can be played is left out."""
        for at, packet in enumerate(packets, position):
            if self._packets.qsize() < WAITING:
                self._packets.put((at, packet))

    def close(self) -> None:
        """Play what waits, then no more."""
        self._packets.put(None)

    def _run(self) -> None:
        self._faults.run(self._play_all)

    def _play_all(self) -> None:
        decoder = Decoder(1)
        stream = None
        expected: int | None = None
        try:
            while (item := self._packets.get()) is not None:
                position, packet = item
                missing = 0 if expected is None else min(MADE_UP, position - expected)
                blocks = [decoder.conceal(packet if n == missing - 1 else b"") for n in range(missing)]
                blocks.append(decoder.decode(packet))
                expected = position + 1
                try:
                    if stream is None:
                        stream = Stream(record=False, device=SINK, channels=1, title="a viewer's voice", ahead=AHEAD)
                    for block in blocks:
                        stream.write(block)
                except PulseError:
                    # The watch has said so: until there is a server again nobody hears this.
                    if stream is not None:
                        stream.close()
                    stream = None
        finally:
            if stream is not None:
                stream.close()
            decoder.close()
