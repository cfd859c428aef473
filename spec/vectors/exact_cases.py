"""Vectors of exact pixels: objects and what they say, objects that are dropped, stories of a canvas, and of what a
viewer lacks (spec 05-media, 5.7).

The canvas of the stories is a plain one, pixel by pixel, that shares nothing with the viewers'.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import zstandard

from avl_protocol.media import exact
from avl_protocol.media.exact import Exact, ExactRect, index_bits
from avl_protocol.media.frame import Rect
from avl_protocol.media.gaps import Gaps
from avl_protocol.wire import varint
from avl_protocol.wire.errors import Refused, RemoteProtocolError
from avl_protocol.wire.registry import CELL, MAX_EXACT_RECTS, MAX_MISSING_ROWS, ExactCoding
from spec.vectors.notation import drawn

_ZSTD = zstandard.ZstdCompressor(level=1)
SOLID, COPY, PALETTE, PLAIN = ExactCoding.SOLID, ExactCoding.COPY, ExactCoding.PALETTE, ExactCoding.PLAIN


def _made(size: tuple[int, int], rects: tuple[ExactRect, ...], pixels: bytes = b"", **more: Any) -> Exact:
    """An object whose frame holds `pixels`."""
    frame = _ZSTD.compress(pixels) if pixels else b""
    values = {"captured_us": 5_000_000, "input_echo_us": 0, **more}
    return Exact(width=size[0], height=size[1], rects=rects, pixels=frame, **values)


def _noise(label: str, count: int) -> bytes:
    return drawn(label, count)


WHOLE = Rect(0, 0, 40, 24)
_PLAIN = _noise("exact/plain", 16 * 16 * 4)
_TWO = bytes(byte & 0x11 for byte in _noise("exact/two", 2 * 16))
VALID: list[tuple[str, Exact]] = [
    ("one colour", _made((40, 24), (ExactRect(WHOLE, SOLID, b"\x10\x20\x30"),))),
    ("four bytes a pixel", _made((40, 24), (ExactRect(Rect(16, 0, 16, 16), PLAIN),), _PLAIN, settled=True)),
    (
        "two colours at the desktop's edge, and a copy",
        _made(
            (40, 24),
            (
                ExactRect(Rect(32, 16, 8, 8), PALETTE, bytes(range(6))),
                ExactRect(Rect(0, 0, 16, 16), COPY, source=(24, 8)),
            ),
            bytes(range(0, 160, 20)),
            input_echo_us=4_999_000,
        ),
    ),
    (
        "three colours, sixteen and seventeen in one frame",
        _made(
            (64, 16),
            tuple(
                ExactRect(Rect(16 * at, 0, 16, 16), PALETTE, _noise(f"exact/{count}", 3 * count))
                for at, count in enumerate((3, 16, 17))
            ),
            bytes(64) + _noise("exact/four bits", 128) + bytes(byte % 17 for byte in _noise("exact/eight bits", 256)),
        ),
    ),
    (
        "as many rectangles as there may be",
        _made(
            (512, 512),
            tuple(
                ExactRect(Rect(16 * (at % 32), 16 * (at // 32), 16, 16), SOLID, at.to_bytes(3, "big"))
                for at in range(MAX_EXACT_RECTS)
            ),
        ),
    ),
]


def _raw(
    *, bits: int = 1, size: tuple[int, int] = (40, 24), count: int = 1, rects: bytes = b"", rest: bytes = b""
) -> bytes:
    head = b"".join(varint.encode(value) for value in (5_000_000, 0, *size, count))
    return bytes((bits,)) + head + rects + rest


def _rect(x: int, y: int, width: int, height: int, coding: int, rest: bytes = b"") -> bytes:
    return b"".join(varint.encode(value) for value in (x, y, width, height)) + bytes((coding,)) + rest


def _frame(size: int) -> bytes:
    return _ZSTD.compress(bytes(size))


TOO_MANY = MAX_EXACT_RECTS + 1
BOMB = _ZSTD.compress(bytes(1 << 24))
UNSIZED = zstandard.ZstdCompressor(level=1, write_content_size=False).compress(bytes(1024))
INVALID: list[tuple[str, bytes]] = [
    ("no key object", _raw(bits=0, rects=_rect(0, 0, 16, 16, 0, b"abc"))),
    ("no rectangle", _raw(count=0)),
    (
        "a rectangle too many",
        _raw(count=MAX_EXACT_RECTS + 1, rects=_rect(0, 0, 16, 16, 0, b"abc") * (MAX_EXACT_RECTS + 1)),
    ),
    ("an empty rectangle", _raw(rects=_rect(0, 0, 0, 16, 0, b"abc"))),
    ("a rectangle beyond the edge", _raw(rects=_rect(32, 0, 16, 16, 0, b"abc"))),
    ("a rectangle far beyond", _raw(rects=_rect(1 << 60, 1 << 60, 16, 16, 0, b"abc"))),
    ("a huge rectangle", _raw(rects=_rect(0, 0, (1 << 62) - 1, 16, 0, b"abc"))),
    ("a rectangle that begins within a cell", _raw(rects=_rect(8, 0, 8, 16, 0, b"abc"))),
    ("a rectangle that ends within a cell", _raw(rects=_rect(0, 0, 16, 20, 0, b"abc"))),
    ("an unknown coding", _raw(rects=_rect(0, 0, 16, 16, 4))),
    ("a copy from beyond the edge", _raw(rects=_rect(0, 0, 16, 16, 1, varint.encode(25) + varint.encode(0)))),
    ("a colour cut short", _raw(rects=_rect(0, 0, 16, 16, 0, b"ab"))),
    ("a palette cut short", _raw(rects=_rect(0, 0, 16, 16, 2, b"\x02abcdefgh"))),
    ("pixels that nothing needs", _raw(rects=_rect(0, 0, 16, 16, 0, b"abc"), rest=_frame(4))),
    ("no pixels", _raw(rects=_rect(0, 0, 16, 16, 3))),
    ("a frame that is too short", _raw(rects=_rect(0, 0, 16, 16, 3), rest=_frame(1023))),
    ("a frame that is too long", _raw(rects=_rect(0, 0, 16, 16, 3), rest=_frame(1025))),
    ("a frame that grows to 16 MiB", _raw(rects=_rect(0, 0, 16, 16, 3), rest=BOMB)),
    ("a frame that names no size", _raw(rects=_rect(0, 0, 16, 16, 3), rest=UNSIZED)),
    ("a frame cut short", _raw(rects=_rect(0, 0, 16, 16, 3), rest=_ZSTD.compress(_PLAIN)[:-9])),
    ("no frame at all", _raw(rects=_rect(0, 0, 16, 16, 3), rest=b"pixels")),
    ("bytes behind the frame", _raw(rects=_rect(0, 0, 16, 16, 3), rest=_frame(1024) + b"x")),
    ("more pixels than the desktop has", _raw(count=2, rects=_rect(0, 0, 40, 24, 3) * 2, rest=_frame(2 * 40 * 24 * 4))),
    (
        "an index without a colour",
        _raw(rects=_rect(0, 0, 16, 16, 2, b"\x02" + bytes(9)), rest=_ZSTD.compress(b"\xff" * 64)),
    ),
]
REFUSED: list[tuple[str, bytes]] = [
    ("a desktop without pixels", _raw(size=(0, 24), rects=_rect(0, 0, 16, 16, 0, b"abc"))),
    ("a side that is too long", _raw(size=(8193, 24), rects=_rect(0, 0, 16, 16, 0, b"abc"))),
    ("too many pixels", _raw(size=(8192, 8192), rects=_rect(0, 0, 16, 16, 0, b"abc"))),
]


def told(one: Exact) -> dict[str, Any]:
    """What an object says."""
    return {
        "captured_us": one.captured_us,
        "input_echo_us": one.input_echo_us,
        "settled": one.settled,
        "size": [one.width, one.height],
        "bytes": one.size,
        "rects": [
            {
                "rect": _sides(each.rect),
                "coding": each.coding.name,
                **({"colours": each.colours.hex()} if each.colours else {}),
                **({"source": list(each.source)} if each.coding is COPY else {}),
            }
            for each in one.rects
        ],
    }


def _sides(rect: Rect) -> list[int]:
    return [rect.x, rect.y, rect.width, rect.height]


# ------------------------------------------------------------------------------------------------------------- canvas


@dataclass
class PlainCanvas:
    """The rules of 5.7.2, pixel by pixel: of each what it shows, since which capture, and from where."""

    size: tuple[int, int] = (0, 0)
    pixels: dict[tuple[int, int], tuple[int, str, bytes]] = field(default_factory=dict)
    newest: int = -1

    def _follow(self, size: tuple[int, int], captured: int) -> bool:
        if size != self.size:
            if captured <= self.newest:
                return False
            self.size, self.pixels = size, {}
        self.newest = max(self.newest, captured)
        return True

    def show(self, one: Exact, complete: bool) -> bool:
        """Exact pixels; whether all of them could be used."""
        if not self._follow((one.width, one.height), one.captured_us):
            return True
        data = zstandard.ZstdDecompressor().decompress(bytes(one.pixels)) if one.pixels else b""
        at, all_used = 0, True
        for each in one.rects:
            block = data[at : at + each.size]
            at += each.size
            if each.coding is COPY:
                if not (complete and self._known(each, one.captured_us)):
                    all_used = False
                    continue
                copied = [
                    self.pixels[each.source[0] + x, each.source[1] + y][2]
                    for y in range(each.rect.height)
                    for x in range(each.rect.width)
                ]
                colours = iter(copied)
            else:
                colours = iter(list(_colours(each, block)))
            for y in range(each.rect.y, each.rect.y + each.rect.height):
                for x in range(each.rect.x, each.rect.x + each.rect.width):
                    colour = next(colours)
                    if self.pixels.get((x, y), (-1, "", b""))[0] <= one.captured_us:
                        self.pixels[x, y] = (one.captured_us, "exact", colour)
        return all_used

    def _known(self, each: ExactRect, captured: int) -> bool:
        left, top = (value // CELL * CELL for value in each.source)
        right = min(self.size[0], -(-(each.source[0] + each.rect.width) // CELL) * CELL)
        bottom = min(self.size[1], -(-(each.source[1] + each.rect.height) // CELL) * CELL)
        found = [self.pixels.get((x, y)) for x in range(left, right) for y in range(top, bottom)]
        return all(one is not None and one[1] == "exact" and one[0] <= captured for one in found)

    def picture(self, size: tuple[int, int], captured: int, rects: Iterable[Rect], colour: bytes) -> None:
        """Rectangles of a picture, all of it of one colour."""
        if not self._follow(size, captured):
            return
        for rect in rects:
            for y in range(rect.y, rect.y + rect.height):
                for x in range(rect.x, rect.x + rect.width):
                    there = self.pixels.get((x, y), (-1, "", b""))
                    if there[0] < captured or (there[0] == captured and there[1] != "exact"):
                        self.pixels[x, y] = (captured, "picture", colour)

    def seen(self) -> dict[str, Any]:
        """Size, SHA-256 of blue, green and red of all pixels row by row, those that show nothing black, and how many
        pixels are exact."""
        black = (0, "", b"\0\0\0")
        rows = [self.pixels.get((x, y), black) for y in range(self.size[1]) for x in range(self.size[0])]
        digest = hashlib.sha256(b"".join(one[2] for one in rows)).hexdigest()
        return {"size": list(self.size), "pixels": digest, "exact": sum(one[1] == "exact" for one in rows)}


def _colours(each: ExactRect, block: bytes) -> Iterable[bytes]:
    width, height = each.rect.width, each.rect.height
    if each.coding is SOLID:
        yield from [each.colours] * (width * height)
    elif each.coding is PLAIN:
        yield from (block[4 * at : 4 * at + 3] for at in range(width * height))
    else:
        bits = index_bits(len(each.colours) // 3)
        for row in range(height):
            line = int.from_bytes(block[row * each.stride : (row + 1) * each.stride], "big")
            for column in range(width):
                index = line >> (8 * each.stride - bits * (column + 1)) & ((1 << bits) - 1)
                yield each.colours[3 * index : 3 * index + 3]


def _solid(size: tuple[int, int], captured: int, rect: Rect, colour: str, *more: ExactRect) -> Exact:
    return _made(size, (ExactRect(rect, SOLID, bytes.fromhex(colour)), *more), captured_us=captured)


def _noisy(size: tuple[int, int], captured: int, rect: Rect, label: str) -> Exact:
    return _made(size, (ExactRect(rect, PLAIN),), _noise(label, rect.width * rect.height * 4), captured_us=captured)


def _copy(size: tuple[int, int], captured: int, rect: Rect, source: tuple[int, int]) -> Exact:
    return _made(size, (ExactRect(rect, COPY, source=source),), captured_us=captured)


D = (48, 40)
ALL = Rect(0, 0, 48, 40)
#: A story: ("exact", object, complete) or ("picture", size, captured, rectangles, colour).
Step = tuple[Any, ...]
STORIES: list[tuple[str, list[Step]]] = [
    (
        "the newest capture wins, in whatever order",
        [
            ("exact", _solid(D, 100, ALL, "102030"), True),
            ("exact", _noisy(D, 300, Rect(16, 16, 16, 16), "canvas/a"), True),
            ("exact", _solid(D, 200, Rect(0, 16, 48, 24), "ffffff"), False),
        ],
    ),
    (
        "pictures and exact pixels of one desktop",
        [
            ("exact", _noisy(D, 100, ALL, "canvas/b"), True),
            ("picture", D, 200, [Rect(0, 0, 32, 16)], "00ff00"),
            ("exact", _solid(D, 300, Rect(16, 0, 16, 16), "0000ff"), True),
            ("picture", D, 250, [Rect(0, 0, 48, 16)], "ff0000"),
            ("picture", D, 300, [Rect(0, 0, 48, 40)], "808080"),
        ],
    ),
    (
        "exact pixels of the same capture are better than a picture",
        [
            ("picture", D, 100, [ALL], "00ff00"),
            ("exact", _noisy(D, 100, Rect(0, 0, 16, 40), "canvas/c"), True),
            ("picture", D, 100, [ALL], "0000ff"),
        ],
    ),
    (
        "a page scrolls up and down, over itself",
        [
            ("exact", _noisy(D, 100, ALL, "canvas/d"), True),
            ("exact", _copy(D, 200, Rect(0, 0, 48, 32), (0, 5)), True),
            ("exact", _copy(D, 300, Rect(0, 16, 48, 24), (0, 9)), True),
            ("exact", _copy(D, 400, Rect(16, 16, 16, 16), (3, 1)), True),
        ],
    ),
    (
        "a copy sees what the rectangles before it have done",
        [
            ("exact", _noisy(D, 100, ALL, "canvas/e"), True),
            (
                "exact",
                _solid(D, 200, Rect(0, 0, 16, 16), "aabbcc", ExactRect(Rect(16, 16, 16, 16), COPY, source=(8, 0))),
                True,
            ),
        ],
    ),
    (
        "copies from where nothing is known, where a picture is shown, and behind what is missing",
        [
            ("exact", _copy(D, 100, Rect(0, 0, 16, 16), (16, 16)), True),
            ("exact", _noisy(D, 200, ALL, "canvas/f"), True),
            ("picture", D, 300, [Rect(32, 0, 16, 16)], "00ff00"),
            ("exact", _copy(D, 400, Rect(0, 0, 16, 16), (31, 0)), True),
            ("exact", _copy(D, 400, Rect(0, 0, 16, 16), (16, 1)), False),
            ("exact", _copy(D, 400, Rect(0, 0, 16, 16), (16, 1)), True),
        ],
    ),
    (
        "a copy whose source is newer than it",
        [
            ("exact", _noisy(D, 100, ALL, "canvas/g"), True),
            ("exact", _solid(D, 300, Rect(16, 16, 16, 16), "ffffff"), True),
            ("exact", _copy(D, 200, Rect(0, 0, 16, 16), (16, 8)), True),
            ("exact", _copy(D, 200, Rect(0, 0, 16, 16), (32, 8)), True),
        ],
    ),
    (
        "the desktop becomes smaller; what comes late of the larger one is dropped",
        [
            ("exact", _noisy(D, 100, ALL, "canvas/h"), True),
            ("exact", _noisy((20, 17), 300, Rect(16, 0, 4, 17), "canvas/i"), True),
            ("exact", _solid(D, 200, ALL, "ffffff"), True),
            ("picture", D, 250, [ALL], "00ff00"),
            ("picture", (20, 17), 400, [Rect(0, 0, 16, 16)], "0000ff"),
        ],
    ),
]


def _told_story(steps: list[Step]) -> list[dict[str, Any]]:
    canvas = PlainCanvas()
    out = []
    for step in steps:
        if step[0] == "exact":
            _, one, complete = step
            used = canvas.show(one, complete)
            out.append({"object": exact.encode(one).hex(), "complete": complete, "used": used, **canvas.seen()})
        else:
            _, size, captured, rects, colour = step
            canvas.picture(size, captured, rects, bytes.fromhex(colour))
            shown = {
                "desktop": list(size),
                "captured_us": captured,
                "rects": [_sides(r) for r in rects],
                "colour": colour,
            }
            out.append({"picture": shown, **canvas.seen()})
    return out


# --------------------------------------------------------------------------------------------------------------- gaps

#: A story of what came: (seconds, call, arguments).
GAPS: list[tuple[str, int, list[tuple[float, str, tuple[Any, ...]]]]] = [
    ("all comes in order", 7, [(0.0, "came", (7,)), (0.1, "came", (8,)), (0.2, "due", (0.15,))]),
    (
        "one is late, one never comes and is replaced",
        0,
        [
            (0.0, "came", (0,)),
            (0.1, "came", (3,)),
            (0.15, "came", (1,)),
            (0.2, "due", (0.15,)),
            (0.26, "due", (0.15,)),
            (0.3, "due", (0.15,)),
            (0.35, "replaced", ([[2, 2]],)),
            (0.6, "due", (0.15,)),
        ],
    ),
    (
        "the first ones are lost whole, and a beacon tells of the last",
        40,
        [
            (0.0, "came", (43,)),
            (1.0, "told", (45,)),
            (1.1, "due", (0.15,)),
            (1.3, "due", (0.15,)),
            (1.4, "told", (45,)),
        ],
    ),
    (
        "a row divides a gap",
        0,
        [(0.0, "came", (9,)), (0.1, "replaced", ([[3, 5], [8, 20]],)), (0.2, "left_out", (9,)), (0.5, "due", (0.15,))],
    ),
    (
        "more gaps than rows become one",
        0,
        [*((0.01 * n, "came", (2 * n + 1,)) for n in range(MAX_MISSING_ROWS + 1)), (2.0, "due", (0.15,))],
    ),
]


def _lived(first: int, steps: list[tuple[float, str, tuple[Any, ...]]]) -> list[dict[str, Any]]:
    gaps = Gaps(first)
    out = []
    for now, call, arguments in steps:
        step: dict[str, Any] = {"at": round(now * 1000), "do": call, "with": list(arguments)}
        if call == "due":
            step["with"] = [round(arguments[0] * 1000)]
            step["out"] = [list(row) for row in gaps.due(now, *arguments)]
        elif call == "replaced":
            gaps.replaced([(row[0], row[1]) for row in arguments[0]])
        else:
            getattr(gaps, call)(*arguments, now)
        out.append({**step, "rows": [list(row) for row in gaps.rows], "newest": gaps.newest})
    return out


def dropped(plaintext: bytes) -> str | None:
    """Why the form of an object is refused before its pixels are looked at: the close code's name; None: it is not."""
    try:
        exact.decode(plaintext)
    except (RemoteProtocolError, Refused) as error:
        return error.code.name
    return None


def exacts() -> dict[str, Any]:
    """All of it."""
    return {
        "valid": [{"why": why, "plaintext": exact.encode(one).hex(), **told(one)} for why, one in VALID],
        "invalid": [{"why": why, "plaintext": raw.hex()} for why, raw in INVALID],
        "too_large": [{"why": why, "plaintext": raw.hex()} for why, raw in REFUSED],
        "canvas": [{"about": about, "steps": _told_story(steps)} for about, steps in STORIES],
        "gaps": [{"about": about, "first": first, "steps": _lived(first, steps)} for about, first, steps in GAPS],
    }
