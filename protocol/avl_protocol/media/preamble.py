"""What stands before the bitstream inside the seal: when, where and on what a frame depends (spec 05-media, 5.3)."""

from __future__ import annotations

from dataclasses import dataclass

from avl_protocol.media.bounds import fits
from avl_protocol.media.exact import on_cells
from avl_protocol.media.frame import Chroma, Rect
from avl_protocol.wire import varint
from avl_protocol.wire.buffer import Reader
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import MAX_DIRTY_RECTS, CloseCode

_KEY = 1
_NOWHERE = Rect(0, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preamble:
    """Times in microseconds of the host's clock; `dirty`: what of the desktop is to be shown from this picture.

    `depends`: newest object this one needs, None for a key object. What follows is set on key objects only and holds
    for the group: codec, size and chroma of the picture, the size of the desktop, and the place in it that the picture
    is of.
    """

    group: int
    captured_us: int
    input_echo_us: int
    depends: int | None
    dirty: tuple[Rect, ...] = ()
    codec: str = ""
    width: int = 0
    height: int = 0
    chroma: Chroma = Chroma.YUV420
    desktop: tuple[int, int] = (0, 0)
    place: Rect = _NOWHERE

    @property
    def key(self) -> bool:
        """Whether the object can be decoded alone."""
        return self.depends is None


def encode(preamble: Preamble, bitstream: bytes) -> bytes:
    """The plaintext of an object."""
    if len(preamble.dirty) > MAX_DIRTY_RECTS:
        raise LocalProtocolError("too many rectangles")
    out = [
        bytes((_KEY if preamble.key else 0,)),
        varint.encode(preamble.group),
        varint.encode(preamble.captured_us),
        varint.encode(preamble.input_echo_us),
    ]
    if preamble.depends is None:
        codec = preamble.codec.encode("ascii")
        out += [bytes((len(codec),)), codec, varint.encode(preamble.width), varint.encode(preamble.height)]
        out.append(bytes((preamble.chroma,)))
        out += [varint.encode(value) for value in (*preamble.desktop, *_sides(preamble.place))]
    else:
        out.append(varint.encode(preamble.depends))
    out.append(varint.encode(len(preamble.dirty)))
    for rect in preamble.dirty:
        out += [varint.encode(value) for value in _sides(rect)]
    out.append(bitstream)
    return b"".join(out)


def _sides(rect: Rect) -> tuple[int, int, int, int]:
    return rect.x, rect.y, rect.width, rect.height


def decode(plaintext: bytes) -> tuple[Preamble, memoryview]:
    """Preamble and bitstream. Raises RemoteProtocolError(SESSION_PROTOCOL). Whether viewers take these sizes is asked
    by who reads them: of a desktop that they do not take, any place is read."""
    reader = Reader(plaintext, CloseCode.SESSION_PROTOCOL)
    flags = reader.uint(1)
    group, captured, echo = reader.integer(), reader.integer(), reader.integer()
    depends, codec, width, height, chroma, desktop, place = None, "", 0, 0, Chroma.YUV420, (0, 0), _NOWHERE
    try:
        if flags & _KEY:
            codec = bytes(reader.take(reader.uint(1))).decode("ascii")
            width, height, chroma = reader.integer(), reader.integer(), Chroma(reader.uint(1))
            desktop = (reader.integer(), reader.integer())
            place = _rect(reader)
            if fits(*desktop) and not on_cells(place, *desktop):
                raise ValueError("a picture of what is no part of the desktop")
        else:
            depends = reader.integer()
        count = reader.integer()
        if count > MAX_DIRTY_RECTS:
            raise ValueError("too many rectangles")
    except ValueError as error:
        raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, f"preamble: {error}") from None
    dirty = tuple(_rect(reader) for _ in range(count))
    return Preamble(
        group=group,
        captured_us=captured,
        input_echo_us=echo,
        depends=depends,
        dirty=dirty,
        codec=codec,
        width=width,
        height=height,
        chroma=chroma,
        desktop=desktop,
        place=place,
    ), reader.rest()


def _rect(reader: Reader) -> Rect:
    return Rect(*(reader.integer() for _ in range(4)))


def shows(preamble: Preamble, group: Preamble) -> bool:
    """Whether a picture of a group keeps to its place: rectangles at cells, within it."""
    place = group.place
    return all(
        on_cells(rect, *group.desktop)
        and place.x <= rect.x
        and place.y <= rect.y
        and rect.x + rect.width <= place.x + place.width
        and rect.y + rect.height <= place.y + place.height
        for rect in preamble.dirty
    )
