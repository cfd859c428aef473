"""Watching: a viewer's media in one session, with the keys it learns and the objects it asks for again (spec 05-media,
5.4)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from avl_protocol.crypto.sframe import MediaKey, ObjectOpener
from avl_protocol.media.track import Track
from avl_protocol.session.media.receiver import MediaReceiver
from avl_protocol.session.viewerevents import Frames, Settled, Sounds, Stuck, ViewerEvent
from avl_protocol.wire.endtoend import Beacon, ControlMessage, Missing, NeedKeys, Replaced


class Watching:
    """Datagrams in, frames and wishes out, as `events` of the session. `send` sends a control message to the host."""

    def __init__(
        self,
        opener: ObjectOpener,
        tracks: Iterable[Track],
        events: deque[ViewerEvent],
        send: Callable[[ControlMessage], None],
    ) -> None:
        self.receiver = MediaReceiver(opener, tracks)
        self._events = events
        self._send = send

    def learn(self, keys: tuple[bytes, ...], now: float) -> None:
        """Take media keys; frames that waited for them are told."""
        for key in keys:
            known = MediaKey.from_bytes(key)
            frames = self.receiver.add_key(known.generation, known.step, known.base, now)
            if frames:
                self._events.append(Frames(frames))

    def datagram(self, data: bytes, now: float) -> float | None:
        """Take a datagram; when `recover` wants to be called."""
        receiver = self.receiver
        frames = receiver.datagram(data, now)
        if receiver.missing_key is not None:
            track, kid = receiver.missing_key
            receiver.missing_key = None
            self._send(NeedKeys(track, kid))
        if frames:
            self._events.append(Frames(frames))
        if receiver.sounds:
            self._events.append(Sounds(tuple(receiver.sounds)))
            receiver.sounds.clear()
        return receiver.next_check(now)

    def beacon(self, beacon: Beacon, now: float) -> None:
        """The host says which objects are the newest."""
        for row in beacon.objects:
            if len(row) >= 2:
                self.receiver.beacon(row[0], row[1], len(row) > 2 and row[2] == 1, now)
        self._events.append(Settled())
        for track, number in self.receiver.tails(now):
            self._events.append(Stuck(track, number))

    def recover(self, now: float) -> float | None:
        """Give up what is missing for too long; when to be called again."""
        for track, number in self.receiver.recoveries(now):
            self._events.append(Stuck(track, number))
        for track, rows in self.receiver.missing(now):
            self._send(Missing(track, rows))
        return self.receiver.next_check(now)

    def replaced(self, answer: Replaced) -> None:
        """The host sends again what objects showed that we lack."""
        rows = [(row[0], row[1]) for row in answer.objects if len(row) == 2]
        self.receiver.replaced(answer.track, rows, answer.newest)
        self._events.append(Settled())
