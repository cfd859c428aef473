"""Sealed objects for tests of what carries them: a sender with a known signer, and frames that need no codec."""

from __future__ import annotations

from avl_protocol.crypto.identity import Identity
from avl_protocol.crypto.sframe import MediaKey, ObjectOpener
from avl_protocol.media import exact as exacts
from avl_protocol.media.exact import Exact, ExactRect
from avl_protocol.media.frame import Chroma, EncodedFrame, ExactFrame, Frame, Rect
from avl_protocol.media.packetizer import packetize
from avl_protocol.media.track import Track, exact, video
from avl_protocol.session.media.keys import MediaKeyring
from avl_protocol.session.media.receiver import MediaReceiver
from avl_protocol.session.media.sender import MediaSender
from avl_protocol.wire.registry import ExactCoding, TrackKind
from tests.protocol.handshakes import Seeded

SIGNER = Identity(bytes(range(32)))
MEDIA_SESSION = b"media session 16"
TRACK, EXACT_TRACK = 1, 2
VIDEO, EXACT = video(TRACK), exact(EXACT_TRACK)
#: The desktop of these frames, and all of it as a place.
DESKTOP = (640, 480)
EVERYWHERE = Rect(0, 0, *DESKTOP)


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
        desktop=DESKTOP,
        place=EVERYWHERE,
    )


def exact_pixels(*, size: int = 0, captured: float = 1.0, settled: bool = False) -> Exact:
    """An object of one rectangle: a colour, or `size` bytes that stand where compressed pixels would."""
    one = ExactRect(EVERYWHERE, ExactCoding.PLAIN) if size else ExactRect(EVERYWHERE, ExactCoding.SOLID, b"abc")
    return Exact(
        captured_us=round(captured * 1e6),
        input_echo_us=500_000,
        width=DESKTOP[0],
        height=DESKTOP[1],
        rects=(one,),
        pixels=bytes(size),
        settled=settled,
    )


def exact_frame(pixels: Exact | None = None) -> ExactFrame:
    """What a host makes of an object of exact pixels, of a colour where nothing else is said."""
    made = pixels or exact_pixels()
    return ExactFrame(
        data=exacts.encode(made),
        captured=made.captured_us / 1e6,
        input_echo=made.input_echo_us / 1e6,
        settled=made.settled,
    )


class Source:
    """A sender of one track, and its objects as datagrams."""

    def __init__(self, track: Track = VIDEO, keys: MediaKeyring | None = None) -> None:
        self.keys = keys or MediaKeyring(Seeded("media"))
        self.sender = MediaSender(MEDIA_SESSION, track, SIGNER.sign, self.keys)

    def send(self, key: bool = True, size: int = 100, handle: int = 7, *, settled: bool = False) -> list[bytes]:
        """The next object's datagrams: a picture, or exact pixels where the track is of those."""
        if self.sender.track.kind == TrackKind.EXACT:
            return self.object(exact_frame(exact_pixels(size=size, settled=settled)), handle)
        return self.object(frame(key, bytes([self.sender.newest % 251 + 1]) * size), handle)

    def object(self, made: Frame, handle: int = 7) -> list[bytes]:
        """A frame as the next object's datagrams."""
        number, flags, data = self.sender.seal(made)
        return packetize(data, handle, self.sender.track.id, number, flags)

    def receiver(self, key: MediaKey | None = None, *others: Track) -> MediaReceiver:
        """Somebody who was told of this track and `others`, given `key` (the current one) and nothing else."""
        made = MediaReceiver(ObjectOpener(MEDIA_SESSION, SIGNER.public), (self.sender.track, *others))
        given = key or self.sender.current_key
        made.add_key(given.generation, given.step, given.base, 0.0)
        return made
