"""Objects of exact pixels: rectangles of a desktop as they travel inside the seal (spec 05-media, 5.7.1).

Only the form is read and written here. What is in the compressed frame is the affair of who has pixels: the host's
coder, and the viewer's canvas.
"""

from __future__ import annotations

from dataclasses import dataclass

from avl_protocol.media.bounds import check_size
from avl_protocol.media.frame import Rect
from avl_protocol.wire import varint
from avl_protocol.wire.buffer import Reader
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import CELL, MAX_EXACT_RECTS, CloseCode, ExactCoding

_KEY, _SETTLED = 1, 2
_COLOUR = 3
_PIXEL = 4


@dataclass(frozen=True, slots=True)
class ExactRect:
    """One rectangle. `source`: the left and upper edge of what COPY copies; `colours`: of SOLID and PALETTE, three
    bytes each (blue, green, red)."""

    rect: Rect
    coding: ExactCoding
    colours: bytes = b""
    source: tuple[int, int] = (0, 0)

    @property
    def stride(self) -> int:
        """Bytes of one row in the decompressed frame."""
        if self.coding is ExactCoding.PLAIN:
            return self.rect.width * _PIXEL
        if self.coding is ExactCoding.PALETTE:
            return (self.rect.width * index_bits(len(self.colours) // _COLOUR) + 7) // 8
        return 0

    @property
    def size(self) -> int:
        """Bytes that it takes in the decompressed frame."""
        return self.stride * self.rect.height


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """One object. Times in microseconds of the host's clock, `width` and `height` of the desktop; `pixels` is the
    compressed frame."""

    captured_us: int
    input_echo_us: int
    width: int
    height: int
    rects: tuple[ExactRect, ...]
    pixels: bytes | memoryview = b""
    settled: bool = False

    @property
    def size(self) -> int:
        """Bytes that the frame decompresses to."""
        return sum(one.size for one in self.rects)


def index_bits(colours: int) -> int:
    """Bits of an index into so many colours."""
    return next(bits for bits in (1, 2, 4, 8) if colours <= 1 << bits)


def encode(exact: Exact) -> bytes:
    """The plaintext of an object."""
    if not 0 < len(exact.rects) <= MAX_EXACT_RECTS:
        raise LocalProtocolError(f"an object can't have {len(exact.rects)} rectangles")
    out = [bytes((_KEY | (_SETTLED if exact.settled else 0),))]
    head = (exact.captured_us, exact.input_echo_us, exact.width, exact.height, len(exact.rects))
    out += [varint.encode(value) for value in head]
    for one in exact.rects:
        rect = one.rect
        out += [varint.encode(value) for value in (rect.x, rect.y, rect.width, rect.height)]
        out.append(bytes((one.coding,)))
        if one.coding is ExactCoding.COPY:
            out += [varint.encode(value) for value in one.source]
        elif one.coding is ExactCoding.PALETTE:
            out.append(bytes((len(one.colours) // _COLOUR - 1,)))
        out.append(one.colours)
    out.append(bytes(exact.pixels))
    return b"".join(out)


def decode(plaintext: bytes | memoryview) -> Exact:
    """An object that keeps the rules of 5.7.1, as far as they can be told before its pixels are decompressed.

    Raises RemoteProtocolError(SESSION_PROTOCOL), and Refused(TOO_LARGE) for a desktop that no viewer takes.
    """
    reader = Reader(plaintext, CloseCode.SESSION_PROTOCOL)
    bits = reader.uint(1)
    captured, echo, width, height, count = (reader.integer() for _ in range(5))
    if not bits & _KEY or not 0 < count <= MAX_EXACT_RECTS:
        raise _malformed("no key object, or too many rectangles")
    check_size(width, height)
    rects = tuple(_read(reader, width, height) for _ in range(count))
    if sum(one.rect.width * one.rect.height for one in rects if one.size) > width * height:
        raise _malformed("more pixels than the desktop has")
    pixels = reader.rest()
    if bool(pixels) != any(one.size for one in rects):
        raise _malformed("pixels that no rectangle needs, or none")
    return Exact(
        captured_us=captured,
        input_echo_us=echo,
        width=width,
        height=height,
        rects=rects,
        pixels=pixels,
        settled=bool(bits & _SETTLED),
    )


def _read(reader: Reader, width: int, height: int) -> ExactRect:
    rect = Rect(*(reader.integer() for _ in range(4)))
    if not on_cells(rect, width, height):
        raise _malformed("a rectangle is off the desktop or off its cells")
    number = reader.uint(1)
    if number not in ExactCoding._value2member_map_:
        raise _malformed("an unknown coding")
    coding = ExactCoding(number)
    if coding is ExactCoding.SOLID:
        return ExactRect(rect, coding, bytes(reader.take(_COLOUR)))
    if coding is ExactCoding.COPY:
        source = (reader.integer(), reader.integer())
        if source[0] + rect.width > width or source[1] + rect.height > height:
            raise _malformed("a copy from beyond the desktop")
        return ExactRect(rect, coding, source=source)
    if coding is ExactCoding.PALETTE:
        return ExactRect(rect, coding, bytes(reader.take((reader.uint(1) + 1) * _COLOUR)))
    return ExactRect(rect, coding)


def on_cells(rect: Rect, width: int, height: int) -> bool:
    """Whether a rectangle is not empty, lies within a desktop, and begins and ends at cells or at the desktop's
    edge."""
    right, bottom = rect.x + rect.width, rect.y + rect.height
    return (
        rect.width > 0
        and rect.height > 0
        and right <= width
        and bottom <= height
        and rect.x % CELL == rect.y % CELL == 0
        and (right % CELL == 0 or right == width)
        and (bottom % CELL == 0 or bottom == height)
    )


def _malformed(text: str) -> RemoteProtocolError:
    return RemoteProtocolError(CloseCode.SESSION_PROTOCOL, f"exact pixels: {text}")
