"""Media: which pictures a viewer can decode, the keys it opens them with, and what it misses (spec 05-media, 5.5 and
5.7.4; 06-security, 6.4)."""

from __future__ import annotations

from collections.abc import Callable

from avl_host.encode.codecs.coders import Formats, decodable
from avl_host.publish.publisher import Publisher
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.endtoend import Decoder, MediaKeys, Missing, NeedKeys, Replaced
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import MAX_MISSING_ROWS, CloseCode

#: Given a session, what it decodes, and the time.
Watches = Callable[[HostSession, Formats, float], None]


class MediaService(Service[HostSession]):
    """`watches` is told of a session that wants pictures from now on; `after` is called when something was sent that
    nobody waited for."""

    def __init__(self, publisher: Publisher, watches: Watches, after: Callable[[], None]) -> None:
        self._publisher = publisher
        self._watches = watches
        self._after = after

    def moved(self, session: HostSession, now: float) -> None:
        """The keys may be others since it was reached last."""
        session.send(MediaKeys((self._publisher.join_key().to_bytes(),)))

    def decodes(self, session: HostSession, message: Decoder, now: float) -> None:
        """A viewer says what it can decode: it wants pictures."""
        self._watches(session, decodable(message), now)

    def keys_needed(self, session: HostSession, message: NeedKeys, now: float) -> None:
        """A viewer met an object of a key that it has not: give it the one of now, and an object to begin with."""
        session.send(MediaKeys((self._publisher.join_key().to_bytes(),)))
        self._publisher.request_key(message.track)

    def missing(self, session: HostSession, message: Missing, now: float) -> None:
        """A viewer lacks exact pixels. Raises RemoteProtocolError for rows that are none."""
        rows = tuple((row[0], row[1]) for row in message.objects if len(row) == 2 and 0 <= row[0] <= row[1])
        if len(rows) != len(message.objects) or len(rows) > MAX_MISSING_ROWS:
            raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "rows of MISSING that are none")

        def tell(rows: tuple[tuple[int, int], ...], newest: int) -> None:
            session.send(Replaced(message.track, rows, newest))
            self._after()

        self._publisher.request_missing(message.track, rows, tell)
