"""Media: which pictures a viewer can decode, and the keys it opens them with (spec 05-media, 5.5; 06-security, 6.4)."""

from __future__ import annotations

from collections.abc import Callable

from avl_host.encode.codecs.coders import Formats, decodable
from avl_host.publish.publisher import Publisher
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.endtoend import Decoder, MediaKeys, NeedKeys

#: Given a session, what it decodes, and the time.
Watches = Callable[[HostSession, Formats, float], None]


class MediaService(Service[HostSession]):
    """`watches` is told of a session that wants pictures from now on."""

    def __init__(self, publisher: Publisher, watches: Watches) -> None:
        self._publisher = publisher
        self._watches = watches

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
