"""Sealed objects for tests of what carries them: a sender with a known signer, and frames that need no codec."""

from __future__ import annotations

from avl_protocol.crypto.identity import Identity
from avl_protocol.crypto.sframe import MediaKey, ObjectOpener
from avl_protocol.media.frame import Chroma, EncodedFrame, Rect
from avl_protocol.media.packetizer import packetize
from avl_protocol.media.track import Track, video
from avl_protocol.session.media.keys import MediaKeyring
from avl_protocol.session.media.receiver import MediaReceiver
from avl_protocol.session.media.sender import MediaSender
from tests.protocol.handshakes import Seeded

SIGNER = Identity(bytes(range(32)))
MEDIA_SESSION = b"media session 16"
TRACK = 1
VIDEO = video(TRACK)


def frame(key: bool, data: bytes = b"\0\0\0\1bitstream", captured: float = 1.0) -> EncodedFrame:
    """An encoded frame of no particular picture."""
    return EncodedFrame(
        key=key,
        data=data,
        captured=captured,
        input_echo=0.5,
        codec="avc1.F40034",
        width=640,
        height=480,
        chroma=Chroma.YUV444,
        desktop=(640, 480),
        place=Rect(0, 0, 640, 480),
    )


class Source:
    """A sender of one track, and its objects as datagrams."""

    def __init__(self, track: Track = VIDEO, keys: MediaKeyring | None = None) -> None:
        self.keys = keys or MediaKeyring(Seeded("media"))
        self.sender = MediaSender(MEDIA_SESSION, track, SIGNER.sign, self.keys)

    def send(self, key: bool, size: int = 100, handle: int = 7) -> list[bytes]:
        """The next object's datagrams."""
        number, flags, data = self.sender.seal(frame(key, bytes([self.sender.newest % 251 + 1]) * size))
        return packetize(data, handle, self.sender.track.id, number, flags)

    def receiver(self, key: MediaKey | None = None, *others: Track) -> MediaReceiver:
        """Somebody who was told of this track and `others`, given `key` (the current one) and nothing else."""
        made = MediaReceiver(ObjectOpener(MEDIA_SESSION, SIGNER.public), (self.sender.track, *others))
        given = key or self.sender.current_key
        made.add_key(given.generation, given.step, given.base, 0.0)
        return made
