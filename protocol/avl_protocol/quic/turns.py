"""Turns: in which order streams and datagrams share what may be sent now.

Control and input come first, since a person waits for them; then media, which may take what the window leaves; then
bulk streams, such as a pasted picture, which nobody sees wait. Within a turn streams take turns too, those first that
were not served last.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from operator import attrgetter
from typing import Generic, NamedTuple, Protocol, TypeVar


class Sending(Protocol):
    """The sending half of a stream."""

    @property
    def buffer_is_empty(self) -> bool:
        """Whether everything written has been sent."""

    @property
    def highest_offset(self) -> int:
        """How many bytes were sent at least once."""


class Stream(Protocol):
    """What has to be known of a stream to give it its turn."""

    @property
    def stream_id(self) -> int | None:
        """Its number."""

    @property
    def sender(self) -> Sending:
        """Its sending half."""

    @property
    def is_blocked(self) -> bool:
        """Whether the peer has to allow more first."""


S = TypeVar("S", bound=Stream)
_number = attrgetter("stream_id")


class Turn(NamedTuple, Generic[S]):
    """Who may send together: `streams`, then datagrams if they may too. `bulk`: neither may make anybody wait.

    `served`: how much each stream had sent before; None where none of them has anything to send.
    """

    streams: Sequence[S]
    datagrams: bool
    bulk: bool
    served: dict[S, int] | None


class Turns:
    """Knows which streams of a connection are bulk."""

    __slots__ = ("_bulk",)

    def __init__(self) -> None:
        self._bulk: set[int] = set()

    def set_bulk(self, stream: int) -> None:
        """Let a stream leave after every datagram."""
        self._bulk.add(stream)

    def is_bulk(self, stream: int) -> bool:
        """Whether a stream leaves after every datagram."""
        return stream in self._bulk

    def plan(self, streams: Sequence[S], known: Container[int], datagrams: bool) -> list[Turn[S]]:
        """The turns of now, in order. `known`: streams that still exist; `datagrams`: whether any wait."""
        last: list[S] = []
        if self._bulk:
            bulk = self._bulk = {stream for stream in self._bulk if stream in known}
            last = [stream for stream in streams if stream.stream_id in bulk]
            if all(stream.sender.buffer_is_empty for stream in last):
                last = []  # none of them makes anybody wait
            else:
                streams = [stream for stream in streams if stream.stream_id not in bulk]
        for stream in streams:
            if not stream.sender.buffer_is_empty and not stream.is_blocked:
                turns = [Turn(streams, False, False, _sent(streams))]
                if datagrams:
                    turns.append(Turn((), True, False, None))
                break
        else:
            turns = [Turn(streams, datagrams, False, None)]
        if last:
            turns.append(Turn(last, False, True, _sent(last)))
        return turns


def order(turn: Turn[S], left: Iterable[S]) -> list[S]:
    """The streams left after a turn, in the order in which they come next: by number, those behind that were served."""
    served = turn.served
    if served is None:
        return sorted(left, key=_number)
    return sorted(left, key=lambda stream: (stream.sender.highest_offset > served[stream], stream.stream_id))


def _sent(streams: Iterable[S]) -> dict[S, int]:
    return {stream: stream.sender.highest_offset for stream in streams}
