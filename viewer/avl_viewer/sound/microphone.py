"""Microphone: what is said at this machine into packets, from a thread of its own, while a person has it on."""

from __future__ import annotations

import sys
import threading
from array import array
from collections.abc import Callable
from typing import Protocol

from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.endpoint.sound.opus import Encoder, OpusError
from avl_protocol.endpoint.sound.pulse import PulseError, Stream
from avl_viewer.sound.output import OutputError

#: Bits per second of a voice.
BITRATE = 32_000
#: The loudest sample of what counts as silence (-60 dBFS: microphones hiss), and packets of it that are still sent.
SILENT, LINGER = 1e-3, 30


class SoundInput(Protocol):
    """Gives blocks of 10 ms of one channel. All of it may raise OutputError."""

    def read(self) -> bytes:
        """The next 10 ms; waits for them."""

    def close(self) -> None:
        """End."""


class PulseInput:
    """PulseAudio's default source, or PipeWire's."""

    def __init__(self) -> None:
        try:
            self._stream = Stream(record=True, device=None, channels=1, title="the microphone, for a desktop")
        except PulseError as error:
            raise OutputError(str(error)) from error

    def read(self) -> bytes:
        try:
            return self._stream.read()
        except PulseError as error:
            raise OutputError(str(error)) from error

    def close(self) -> None:
        self._stream.close()


def open_input() -> SoundInput:
    """This machine's microphone. Raises OutputError."""
    if sys.platform in ("win32", "darwin"):
        from avl_viewer.sound.portaudio import PortAudioInput

        return PortAudioInput()
    return PulseInput()


class MicrophoneThread:
    """`say(passed, packet)` is told each packet and how many times 10 ms passed since the one before; `failed` why no
    more will come. Both are called on the thread."""

    def __init__(
        self,
        open_input: Callable[[], SoundInput],
        *,
        say: Callable[[int, bytes], None],
        failed: Callable[[str], None],
        faults: Faults,
    ) -> None:
        self._open_input = open_input
        self._say = say
        self._failed = failed
        self._ending = False
        threading.Thread(target=faults.run, args=(self._run,), name="avl-microphone", daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self._ending = True

    def _run(self) -> None:
        source, encoder = None, None
        try:
            encoder = Encoder(voice=True, bitrate=BITRATE)
            source = self._open_input()
            passed, quiet = 0, LINGER
            while not self._ending:
                samples = source.read()
                passed += 1
                values = array("f", samples)
                quiet = quiet + 1 if -SILENT <= min(values) <= max(values) <= SILENT else 0
                if quiet <= LINGER and not self._ending:
                    self._say(passed, encoder.encode(samples))
                    passed = 0
        except (OutputError, OpusError) as error:
            if not self._ending:
                self._failed(str(error))
        finally:
            if source is not None:
                source.close()
            if encoder is not None:
                encoder.close()
