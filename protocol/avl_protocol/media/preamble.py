"""What stands before the bitstream inside the seal: when, where and on what a frame depends (spec 05-media, 5.3)."""

from __future__ import annotations

from dataclasses import dataclass

from avl_protocol.media.frame import Chroma, Rect
from avl_protocol.wire import varint
from avl_protocol.wire.buffer import Reader
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import MAX_DIRTY_RECTS, CloseCode

_KEY = 1
_SETTLED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Preamble:
    """Times in microseconds of the host's clock.

    `depends`: newest object this one needs, None for a key object. `codec`, `width`, `height` and `chroma` are set
    on key objects
    only and hold for the group.
    """

    group: int
    captured_us: int
    input_echo_us: int
    depends: int | None
    settled: bool = False
    dirty: tuple[Rect, ...] = ()
    codec: str = ""
    width: int = 0
    height: int = 0
    chroma: Chroma = Chroma.YUV420

    @property
    def key(self) -> bool:
        """Whether the object can be decoded alone."""
        return self.depends is None


def encode(preamble: Preamble, bitstream: bytes) -> bytes:
    """The plaintext of an object."""
    if len(preamble.dirty) > MAX_DIRTY_RECTS:
        raise LocalProtocolError("too many rectangles")
    out = [
        bytes(((_KEY if preamble.key else 0) | (_SETTLED if preamble.settled else 0),)),
        varint.encode(preamble.group),
        varint.encode(preamble.captured_us),
        varint.encode(preamble.input_echo_us),
    ]
    if preamble.depends is None:
        codec = preamble.codec.encode("ascii")
        out += [bytes((len(codec),)), codec, varint.encode(preamble.width), varint.encode(preamble.height)]
        out.append(bytes((preamble.chroma,)))
    else:
        out.append(varint.encode(preamble.depends))
    out.append(varint.encode(len(preamble.dirty)))
    for rect in preamble.dirty:
        out += [varint.encode(value) for value in (rect.x, rect.y, rect.width, rect.height)]
    out.append(bitstream)
    return b"".join(out)


def decode(plaintext: bytes) -> tuple[Preamble, memoryview]:
    """Preamble and bitstream. Raises RemoteProtocolError(SESSION_PROTOCOL)."""
    reader = Reader(plaintext, CloseCode.SESSION_PROTOCOL)
    flags = reader.uint(1)
    group, captured, echo = reader.integer(), reader.integer(), reader.integer()
    depends, codec, width, height, chroma = None, "", 0, 0, Chroma.YUV420
    try:
        if flags & _KEY:
            codec = bytes(reader.take(reader.uint(1))).decode("ascii")
            width, height, chroma = reader.integer(), reader.integer(), Chroma(reader.uint(1))
        else:
            depends = reader.integer()
        count = reader.integer()
        if count > MAX_DIRTY_RECTS:
            raise ValueError("too many rectangles")
    except ValueError as error:
        raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, f"preamble: {error}") from None
    dirty = tuple(Rect(*(reader.integer() for _ in range(4))) for _ in range(count))
    settled = bool(flags & _SETTLED)
    return Preamble(
        group=group,
        captured_us=captured,
        input_echo_us=echo,
        depends=depends,
        settled=settled,
        dirty=dirty,
        codec=codec,
        width=width,
        height=height,
        chroma=chroma,
    ), reader.rest()
