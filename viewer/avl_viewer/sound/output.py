"""SoundOutput: this machine's loudspeakers; with the double that plays to a program."""

from __future__ import annotations

import sys
from typing import Protocol

from avl_protocol.endpoint.sound.pulse import PulseError, Stream
from avl_viewer.sound.playback import CHANNELS

#: Seconds of sound between us and the loudspeaker: what a busy machine may be late, and not more.
AHEAD = 0.04


class OutputError(Exception):
    """There are no loudspeakers, or no longer; the text says what to do."""


class SoundOutput(Protocol):
    """Plays blocks of 10 ms. All of it may raise OutputError."""

    @property
    def ahead(self) -> float:
        """Seconds between what is written and what is heard, once so much was written."""

    def write(self, samples: bytes) -> None:
        """Play this next; waits until there is room."""

    def close(self) -> None:
        """End."""


class PulseOutput:
    """A sink of PulseAudio, or PipeWire's; without a name the default one."""

    ahead = AHEAD

    def __init__(self, device: str | None = None) -> None:
        try:
            self._stream = Stream(record=False, device=device, channels=CHANNELS, title="a desktop", ahead=AHEAD)
        except PulseError as error:
            raise OutputError(str(error)) from error

    def write(self, samples: bytes) -> None:
        try:
            self._stream.write(samples)
        except PulseError as error:
            raise OutputError(str(error)) from error

    def close(self) -> None:
        self._stream.close()


def open_output() -> SoundOutput:
    """This machine's loudspeakers. Raises OutputError."""
    if sys.platform in ("win32", "darwin"):
        from avl_viewer.sound.portaudio import PortAudioOutput

        return PortAudioOutput()
    return PulseOutput()
