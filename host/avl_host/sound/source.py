"""SoundSource: where what plays on this machine comes from, 10 ms at a time; with its double in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from avl_protocol.wire.registry import SoundState

#: Given 10 ms: 480 floats for each of two channels, interleaved, and when the first was heard, in seconds of the clock.
Heard = Callable[[bytes, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundListener:
    """Who is told, on the source's own thread. `state` says whether there is sound to be had, and a sentence for the
    person at the host where there is none."""

    heard: Heard
    state: Callable[[SoundState, str], None]


class SoundSource(Protocol):
    """Sound of this machine. It takes nothing while it is stopped."""

    def start(self, listener: SoundListener) -> None:
        """Begin to listen, and go on whatever becomes of the sound server, until `stop`. Returns at once."""

    def stop(self) -> None:
        """Listen no more; nothing is told afterwards. It may be started again."""


class MemorySource:
    """A source that is played by hand, on whichever thread calls it."""

    def __init__(self) -> None:
        self.listener: SoundListener | None = None
        self.starts = 0

    def start(self, listener: SoundListener) -> None:
        self.listener = listener
        self.starts += 1

    def stop(self) -> None:
        self.listener = None

    def play(self, samples: bytes, captured: float) -> None:
        """10 ms are heard, if anybody listens."""
        if self.listener is not None:
            self.listener.heard(samples, captured)

    def say(self, state: SoundState, text: str = "") -> None:
        """There is sound to be had, or none."""
        if self.listener is not None:
            self.listener.state(state, text)
