"""What Chromium's canvas shows of exact pixels and pictures is what the native viewer's shows of the same objects."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import zstandard
from numpy.typing import NDArray

from avl_protocol.media import exact as exacts
from avl_protocol.media import preamble as preambles
from avl_protocol.media.exact import Exact, ExactRect, index_bits
from avl_protocol.media.frame import Chroma, Rect
from avl_protocol.media.preamble import Preamble
from avl_protocol.session.media.receiver import ReceivedExact, ReceivedFrame
from avl_protocol.wire.registry import CELL, ExactCoding
from avl_viewer.decode.canvas import Canvas
from avl_viewer.decode.video import VideoDecoder
from tests.browser.page import Page
from tests.viewer.pictures import encode

WIDTH, HEIGHT = 333, 205
PLACE = Rect(64, 48, 160, 96)
#: Of a channel, between two programs that convert YUV to RGB.
ALIKE = 6


@dataclass
class Story:
    """Objects, and the native canvas that was shown them."""

    seed: int
    canvas: Canvas = field(default_factory=Canvas)
    told: list[dict[str, Any]] = field(default_factory=list)
    left_out: int = 0

    def __post_init__(self) -> None:
        self._source = np.random.default_rng(self.seed)
        self._units = encode([film(number) for number in range(2)], Chroma.YUV420)
        self._decoder = VideoDecoder(threads=1)
        self._pictures = 0

    def _rect(self) -> Rect:
        """Some cells."""
        columns, rows = -(-WIDTH // CELL), -(-HEIGHT // CELL)
        left, top = int(self._source.integers(columns)), int(self._source.integers(rows))
        right, bottom = int(self._source.integers(left, columns)) + 1, int(self._source.integers(top, rows)) + 1
        return Rect(
            left * CELL,
            top * CELL,
            min(right * CELL, WIDTH) - left * CELL,
            min(bottom * CELL, HEIGHT) - top * CELL,
        )

    def _coded(self, rect: Rect) -> tuple[ExactRect, bytes]:
        """A rectangle of some coding, and its part of the frame."""
        coding = ExactCoding(int(self._source.integers(4)))
        if coding is ExactCoding.SOLID:
            return ExactRect(rect, coding, self._source.bytes(3)), b""
        if coding is ExactCoding.COPY:
            x = int(self._source.integers(WIDTH - rect.width + 1))
            y = int(self._source.integers(HEIGHT - rect.height + 1))
            return ExactRect(rect, coding, source=(x, y)), b""
        if coding is ExactCoding.PLAIN:
            return ExactRect(rect, coding), self._source.bytes(rect.width * rect.height * 4)
        count = int(self._source.choice([1, 2, 3, 4, 7, 16, 100, 256]))
        one = ExactRect(rect, coding, self._source.bytes(3 * count))
        indices = self._source.integers(0, count, (rect.height, rect.width), np.uint8)
        return one, packed(indices, index_bits(count), one.stride)

    def exact(self, captured: int, count: int = 3, whole: bool = False, shows: bool = False) -> None:
        """An object of some rectangles."""
        if whole:
            rect = Rect(0, 0, WIDTH, HEIGHT)
            coded = [(ExactRect(rect, ExactCoding.PLAIN), self._source.bytes(WIDTH * HEIGHT * 4))]
        else:
            coded = [self._coded(self._rect()) for _ in range(count)]
            while sum(one.rect.width * one.rect.height for one, _ in coded if one.size) > WIDTH * HEIGHT:
                coded.pop()
            coded = coded or [(ExactRect(Rect(0, 0, CELL, CELL), ExactCoding.SOLID, b"abc"), b"")]
        content = b"".join(part for _, part in coded)
        exact = Exact(
            captured_us=captured,
            input_echo_us=0,
            width=WIDTH,
            height=HEIGHT,
            rects=tuple(one for one, _ in coded),
            pixels=zstandard.ZstdCompressor(level=1).compress(content) if content else b"",
        )
        number, plaintext = len(self.told), exacts.encode(exact)
        received = ReceivedExact(
            track=2, number=number, exact=exacts.decode(plaintext), size=1, complete=True, first=0, last=0
        )
        self.left_out += not self.canvas.show(received).complete
        self.told.append({"kind": "exact", "number": number, "plaintext": plaintext.hex(), "shows": shows})

    def picture(self, captured: int, dirty: Rect) -> None:
        """A picture of PLACE, of which `dirty` is to be seen."""
        unit = self._units[self._pictures]
        key = self._pictures == 0
        common: dict[str, Any] = {
            "group": 1,
            "captured_us": captured,
            "input_echo_us": 0,
            "dirty": (dirty,),
            "codec": "avc1.64000D",
            "width": PLACE.width,
            "height": PLACE.height,
            "chroma": Chroma.YUV420,
            "desktop": (WIDTH, HEIGHT),
            "place": PLACE,
        }
        preamble = Preamble(depends=None if key else 0, **common)
        number, plaintext = len(self.told), preambles.encode(preamble, unit)
        received = ReceivedFrame(
            track=1,
            number=number,
            preamble=preamble,
            data=unit,
            size=1,
            codec="",
            width=PLACE.width,
            height=PLACE.height,
            chroma=Chroma.YUV420,
            desktop=(WIDTH, HEIGHT),
            place=PLACE,
            first=0,
            last=0,
        )
        self.canvas.stage(self._decoder.decode(unit), received)
        self.canvas.refresh()
        self._pictures += 1
        self.told.append({"kind": "picture", "number": number, "plaintext": plaintext.hex(), "shows": True})

    def close(self) -> None:
        """Let go of the decoder."""
        self._decoder.close()


def film(number: int) -> NDArray[np.uint8]:
    """A picture of PLACE: RGB."""
    rows, columns = np.mgrid[0 : PLACE.height, 0 : PLACE.width]
    slope = (rows * 2 + columns + 40 * number) % 256 / 2 + 60
    return np.stack([slope, 220 - slope / 2, slope * 0.8], axis=2).astype(np.uint8)


def packed(indices: NDArray[np.uint8], bits: int, stride: int) -> bytes:
    """Rows of indices, the first in the highest bits, each row from a byte on."""
    wide = np.zeros((len(indices), stride * 8 // bits), np.uint8)
    wide[:, : indices.shape[1]] = indices
    each = wide.reshape(len(indices), stride, 8 // bits)
    shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
    return bytes((each << shifts).sum(axis=2, dtype=np.uint8).tobytes())


@pytest.mark.browser
@pytest.mark.parametrize("seed", [1, 2])
def test_chromium_composes_what_the_native_viewer_composes(seed: int) -> None:
    story = Story(seed)
    source = np.random.default_rng(seed + 100)
    story.exact(1000, whole=True, shows=True)
    for _ in range(60):
        story.exact(int(source.integers(1000, 3000)))
    story.picture(3500, Rect(PLACE.x, PLACE.y, 96, 96))
    for _ in range(20):
        story.exact(int(source.integers(3000, 4000)), count=1)
    story.picture(4500, Rect(PLACE.x + 32, PLACE.y + 32, 128, 64))
    for _ in range(10):
        story.exact(int(source.integers(4000, 4600)), count=1, shows=False)
    story.exact(5000, count=1, shows=True)
    story.close()
    canvases: list[bytes] = []
    answers = {
        "/story": lambda body: json.dumps(story.told).encode(),
        "/canvas": lambda body: canvases.append(body) or b"",  # type: ignore[func-returns-value]
    }
    with Page("tests/browser/compose.html", answers) as page:
        report = page.run()
    assert report["told"] == {"broken": 0, "leftOut": story.left_out, "damaged": 0}
    assert story.left_out > 3
    assert report["size"] == [WIDTH, HEIGHT]
    assert report["share"] == pytest.approx(story.canvas.exact, abs=1e-4)
    assert 0.5 < report["share"] < 1, "some of the pictures is still seen"
    video = {"codec": "avc1.64000D", "chroma": "YUV420", "width": 160, "height": 96}
    assert report["video"] == {**video, "encoder": None, "decoder": "software"}
    shown = np.frombuffer(canvases[0], np.uint8).reshape(HEIGHT, WIDTH, 4)[:, :, :3]
    differs = np.abs(shown.astype(int) - story.canvas.rgb().astype(int)).max(axis=2)
    place = np.zeros(differs.shape, bool)
    place[PLACE.y : PLACE.y + PLACE.height, PLACE.x : PLACE.x + PLACE.width] = True
    assert int(differs[~place].max()) == 0
    assert int(differs[place].max()) <= ALIKE
    assert float((differs > 0).mean()) <= 1 - report["share"]
