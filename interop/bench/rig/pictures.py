"""The pictures of the benchmark, drawn from a seed: the same on every machine, and nobody else's.

The film has what films have: texture with the spectrum of natural pictures, a pan, light that wanders, things with
sharp edges that move, and grain. The page has what screens have: small coloured text.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from interop.bench.rig.layout import LINE, PANE, SIZE

Pixels = NDArray[np.uint8]
#: Frames before the film begins again; its end fits its beginning.
FILM_FRAMES = 120
#: Lines of the page that scrolls, before it begins again.
SCROLLED_LINES = 300
FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf")
PAPER = (24, 28, 40)
INKS = [
    (214, 220, 240),
    (230, 140, 130),
    (150, 220, 140),
    (240, 200, 110),
    (120, 180, 250),
    (200, 150, 240),
    (110, 120, 140),
]
SPRITES = [(220, 50, 40), (40, 190, 90), (60, 90, 230), (240, 220, 70), (16, 16, 16), (238, 238, 238)]
_SPRITE = 88
_PAN_X, _PAN_Y = 240, 120


def bgrx(rgb: Pixels) -> Pixels:
    """RGB, shape (height, width, 3), as an X server has it: shape (height, width, 4)."""
    pixels = np.zeros((*rgb.shape[:2], 4), np.uint8)
    pixels[:, :, :3] = rgb[:, :, ::-1]
    return pixels


def text(width: int, height: int, seed: int, size: int = 12, leading: int = 16) -> Pixels:
    """Coloured words of made-up code: BGRX, shape (height, width, 4). `size` and `leading` in pixels."""
    source = np.random.default_rng(seed)
    image = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(image)
    font = ImageFont.truetype(str(FONT), size) if FONT.exists() else ImageFont.load_default(size)
    letters = list("abcdefghijklmnopqrstuvwxyz_ABCDEFGHKLMNRST0123456789.,:()[]{}=+-*/<>!&|#'\"")
    for line in range(height // leading):
        x = 6.0 + 4 * size * int(source.integers(0, 5)) * 0.6
        while x < width:
            word = "".join(source.choice(letters, int(source.integers(2, 11))))
            draw.text((x, line * leading), word, INKS[int(source.integers(0, len(INKS)))], font=font)
            x += draw.textlength(word + " ", font=font)
            if source.random() < 0.01:
                break
    return bgrx(np.asarray(image))


def desk() -> Pixels:
    """A still desktop: BGRX, shape of the screen."""
    width, height = SIZE
    slope = np.linspace(40, 84, width)[None, :] + np.linspace(0, 24, height)[:, None]
    rgb = np.stack([slope * 0.6, slope * 0.8, slope], axis=2).astype(np.uint8)
    pixels = bgrx(rgb)
    pixels[12:164, 40:1880] = text(1840, 152, 3)
    pixels[PANE.y : PANE.y + PANE.height, PANE.x : PANE.x + PANE.width] = text(PANE.width, PANE.height, 4)
    return pixels


class Scroll:
    """A long page of text in the pane, a line further with every frame; it begins again without a seam."""

    def __init__(self) -> None:
        page = text(PANE.width, SCROLLED_LINES * LINE, seed=6, leading=LINE)
        self._rows = np.concatenate([page, page[: PANE.height]])

    def frame(self, number: int) -> Pixels:
        """BGRX, shape (PANE.height, PANE.width, 4), without strips; not to be written to."""
        first = number % SCROLLED_LINES * LINE
        return self._rows[first : first + PANE.height]


def texture(width: int, height: int, seed: int) -> NDArray[np.float32]:
    """Colours with the spectrum of natural pictures: shape (height, width, 3), about 0 to 255, not bounded."""
    return _texture(width, height, np.random.default_rng(seed))


def _texture(width: int, height: int, source: np.random.Generator) -> NDArray[np.float32]:
    distance = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    weight = 1 / np.maximum(distance, 1 / width) ** 1.15
    waves = [np.fft.ifft2(np.fft.fft2(source.standard_normal((height, width))) * weight).real for _ in range(3)]
    colour = np.stack([118 + 44 * wave / wave.std() for wave in waves], axis=2)
    mixed: NDArray[np.float32] = (0.6 * colour + 0.4 * colour.mean(axis=2, keepdims=True)).astype(np.float32)
    return mixed


class Film:
    """Frames by number; frame n + FILM_FRAMES is frame n."""

    def __init__(self) -> None:
        self._width, self._height = PANE.width, PANE.height
        source = np.random.default_rng(11)
        self._texture = _texture(self._width + 2 * _PAN_X, self._height + 2 * _PAN_Y, source)
        self._grain = [source.normal(0, 2, (self._height, self._width, 1)).astype(np.float32) for _ in range(8)]
        self._rows = np.arange(self._height, dtype=np.float32)
        self._columns = np.arange(self._width, dtype=np.float32)

    def frame(self, number: int) -> Pixels:
        """BGRX, shape (PANE.height, PANE.width, 4), without strips."""
        turn = 2 * math.pi * (number % FILM_FRAMES) / FILM_FRAMES
        x, y = round(_PAN_X * (1 + math.sin(turn))), round(_PAN_Y * (1 + math.cos(turn)))
        frame = self._texture[y : y + self._height, x : x + self._width].copy()
        frame += self._light(turn)[:, :, None]
        for place, colour in enumerate(SPRITES):
            across = 0.5 + 0.5 * math.sin(turn * (1 + place % 3) + place)
            down = 0.5 + 0.5 * math.cos(turn * (1 + (place + 1) % 3) + 2 * place)
            left, top = int((self._width - _SPRITE) * across), int((self._height - _SPRITE - 60) * down) + 30
            frame[top : top + _SPRITE, left : left + _SPRITE] = colour
        frame += self._grain[number % len(self._grain)]
        return bgrx(np.clip(frame, 0, 255).astype(np.uint8))

    def _light(self, turn: float) -> NDArray[np.float32]:
        x = self._width * (0.5 + 0.4 * math.cos(2 * turn))
        y = self._height * (0.5 + 0.4 * math.sin(3 * turn))
        spread = np.float32(2 * 180**2)
        return np.float32(55) * np.outer(
            np.exp(-((self._rows - y) ** 2) / spread), np.exp(-((self._columns - x) ** 2) / spread)
        )
