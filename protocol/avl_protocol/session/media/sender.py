"""MediaSender: frames of a track into sealed objects, objects into datagrams, and lost datagrams sent again (spec
05-media; 06-security, 6.4).

One object is sealed once for the whole audience, under a key of the media session (`mediakeys`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from avl_protocol.carrier.carrier import Carrier
from avl_protocol.crypto.sframe import MediaKey, ObjectSealer
from avl_protocol.media import parity
from avl_protocol.media import preamble as preambles
from avl_protocol.media.frame import EncodedFrame, Frame, SoundFrame
from avl_protocol.media.packetizer import packetize
from avl_protocol.media.preamble import Preamble
from avl_protocol.media.track import Track
from avl_protocol.session.media.keys import MediaKeyring
from avl_protocol.wire import datagram
from avl_protocol.wire.registry import MAX_FRAGMENT_PAYLOAD, DatagramType, ObjectFlag

#: Where a track's lifetime is too short for a repair on a long path: it may take so many round trips and seconds, at
#: most.
REPAIR_TRIPS, NOTICED, LONGEST = 1.75, 0.1, 1.2


@dataclass(frozen=True, slots=True)
class SentFragment:
    """The cookie of a media datagram: its bytes and track, when it was first sent, and how often again."""

    data: bytes
    track: Track
    first: float
    again: int = 0


#: Objects of which it is remembered when they were captured: four seconds at 60 pictures a second.
REMEMBERED = 256


class MediaSender:
    """One track of a hosted desktop. `sign` signs with the media session's signer; `keys` are those of all its
    tracks."""

    def __init__(self, media_session: bytes, track: Track, sign: Callable[[bytes], bytes], keys: MediaKeyring) -> None:
        self.track = track
        self._keys = keys
        self._key = key = keys.newest
        self._sealer = ObjectSealer(
            media_session=media_session,
            generation=key.generation,
            step=key.step,
            base=key.base,
            track=track.id,
            sign=sign,
        )
        self._object = 0
        self._group = 0
        self.newest = -1
        #: When the newest objects were captured, by number; viewers report what they have shown of them.
        self._captured: dict[int, float] = {}
        self._last: tuple[int, int, bytes] | None = None
        self._rows = 0

    def captured(self, number: int) -> float | None:
        """When one of the newest REMEMBERED objects was captured, in seconds of our clock; None for any other."""
        return self._captured.get(number)

    @property
    def current_key(self) -> MediaKey:
        """The key objects are sealed with now."""
        return self._key

    def seal(self, frame: Frame | SoundFrame) -> tuple[int, int, bytes]:
        """Object number, flags and sealed object of a frame. A key object begins a group, under the newest of the keys;
        exact pixels and sound always are one."""
        number = self._object
        self._object += 1
        key_object = not isinstance(frame, EncodedFrame) or frame.key
        if key_object:
            self._group += 1
            key = self._keys.begin()
            if key is not self._key:
                self._key = key
                self._sealer.set_key(key.generation, key.step, key.base)
        plaintext = self._picture(frame) if isinstance(frame, EncodedFrame) else frame.data
        flags = int(ObjectFlag.KEY) if key_object else 0
        self.newest = number
        self._captured[number] = frame.captured
        self._captured.pop(number - REMEMBERED, None)
        return number, flags, self._sealer.seal(number, flags, plaintext)

    def _picture(self, frame: EncodedFrame) -> bytes:
        """The plaintext of a picture."""
        return preambles.encode(
            Preamble(
                group=self._group,
                captured_us=round(frame.captured * 1e6),
                input_echo_us=round(frame.input_echo * 1e6),
                depends=None if frame.key else self.newest,
                dirty=frame.dirty,
                codec=frame.codec if frame.key else "",
                width=frame.width if frame.key else 0,
                height=frame.height if frame.key else 0,
                chroma=frame.chroma,
                desktop=frame.desktop,
                place=frame.place,
            ),
            frame.data,
        )

    def send(self, sealed: tuple[int, int, bytes], carrier: Carrier, handle: int, now: float) -> None:
        """Queue an object's datagrams on a carrier, with as much parity as its losses are worth."""
        number, flags, data = sealed
        fragments = packetize(data, handle, self.track.id, number, flags)
        cookies: list[object] = [SentFragment(f, self.track, now) for f in fragments]
        rows = carrier.parity(min(len(fragments), parity.BLOCK))
        if rows:
            fragments += parity.make(data, handle, self.track.id, number, flags, range(rows))
            cookies += [None] * (len(fragments) - len(cookies))
        self._rows = rows if self._last is None or self._last[0] != number else max(self._rows, rows)
        self._last = sealed
        carrier.send_datagrams(fragments, self.track.priority, now + self.track.lifetime, cookies)

    def spare(self, count: int, handle: int) -> list[bytes]:
        """More parity of the newest object, to be sent as a probe: bytes that may turn out to be useful."""
        if self._last is None:
            return []
        number, flags, data = self._last
        rows = self._rows
        if len(data) <= MAX_FRAGMENT_PAYLOAD or rows + count > parity.BLOCK:
            return []
        self._rows = rows + count
        return parity.make(data, handle, self.track.id, number, flags, range(rows, rows + count))[:count]


def repair(cookie: object, acked: bool, carrier: Carrier, now: float) -> bool:
    """Send a lost fragment again while its deadline allows; True when it was. Any hop's sender does this for its own
    hop."""
    if acked or not isinstance(cookie, SentFragment) or cookie.again >= 3:
        return False
    track = cookie.track
    rtt = carrier.rtt or 0.0
    deadline = cookie.first + max(track.lifetime, min(LONGEST, REPAIR_TRIPS * rtt + NOTICED))
    if now + rtt / 2 > deadline or carrier.reliable_datagrams:
        return False
    again = SentFragment(datagram.with_type(cookie.data, DatagramType.REPAIR), track, cookie.first, cookie.again + 1)
    carrier.send_datagrams([again.data], track.priority, deadline, [again])
    return True
