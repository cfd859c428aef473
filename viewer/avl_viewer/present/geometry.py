"""Where the desktop lies in the window: fitted or pixel for pixel, centred or panned; all in device pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from avl_protocol.media.frame import Rect

#: A desktop that leaves so much of the window free at most, as a part of it, is shown in a whole factor: no pixel of it
#: is blurred then.
SLACK = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """A desktop of `width` x `height` seen in a window of `window_width` x `window_height` device pixels.

    Fitted, it is scaled as large as it can be seen whole, or hardly smaller in a whole factor. Pixel for pixel, one
    desktop pixel is one device pixel, and `pan_x`, `pan_y` is the desktop pixel in the window's top left corner on an
    axis where the desktop is the larger. What is seen may be a part of the desktop that begins at its pixel `origin_x`,
    `origin_y`, such as one monitor.
    """

    width: int = 0
    height: int = 0
    window_width: int = 0
    window_height: int = 0
    exact: bool = False
    pan_x: int = 0
    pan_y: int = 0
    origin_x: int = 0
    origin_y: int = 0

    @property
    def scale(self) -> float:
        """Device pixels for one desktop pixel."""
        if self.exact or not (self.width and self.height and self.window_width and self.window_height):
            return 1.0
        fitted = min(self.window_width / self.width, self.window_height / self.height)
        whole = math.floor(fitted)
        return float(whole) if whole and fitted - whole <= SLACK * whole else fitted

    @property
    def sharp(self) -> bool:
        """Whether each desktop pixel is as many whole device pixels as any other."""
        return self.scale.is_integer()

    @property
    def left(self) -> int:
        """The window's x of the desktop's left edge; negative when panned."""
        return _start(self.width * self.scale, self.window_width, self.pan_x if self.exact else 0)

    @property
    def top(self) -> int:
        """The window's y of the desktop's top edge."""
        return _start(self.height * self.scale, self.window_height, self.pan_y if self.exact else 0)

    @property
    def pannable(self) -> bool:
        """Whether some of the desktop lies outside the window."""
        return self.exact and (self.width > self.window_width or self.height > self.window_height)

    def panned(self, dx: int, dy: int) -> Geometry:
        """The same moved by desktop pixels, as far as there is something to see."""
        return replace(
            self,
            pan_x=max(0, min(self.pan_x + dx, self.width - self.window_width)),
            pan_y=max(0, min(self.pan_y + dy, self.height - self.window_height)),
        )

    def to_desktop(self, x: float, y: float) -> tuple[int, int]:
        """The desktop pixel under a point of the window; the nearest one for a point beside the desktop."""
        scale = self.scale
        at_x, at_y = math.floor((x - self.left) / scale), math.floor((y - self.top) / scale)
        at_x, at_y = max(0, min(at_x, self.width - 1)), max(0, min(at_y, self.height - 1))
        return self.origin_x + at_x, self.origin_y + at_y

    def from_desktop(self, x: int, y: int) -> tuple[float, float]:
        """The point of the window at the middle of a desktop pixel."""
        scale = self.scale
        return self.left + (x - self.origin_x + 0.5) * scale, self.top + (y - self.origin_y + 0.5) * scale

    def to_window(self, rect: Rect) -> Rect:
        """The device pixels that a rectangle of what is seen touches, with the seam that smooth scaling blends."""
        scale = self.scale
        if self.sharp:
            factor = int(scale)
            left, top = rect.x * factor + self.left, rect.y * factor + self.top
            return Rect(left, top, rect.width * factor, rect.height * factor)
        seam = math.ceil(scale) + 1
        left = math.floor(rect.x * scale) + self.left - seam
        top = math.floor(rect.y * scale) + self.top - seam
        right = math.ceil((rect.x + rect.width) * scale) + self.left + seam
        bottom = math.ceil((rect.y + rect.height) * scale) + self.top + seam
        return Rect(left, top, right - left, bottom - top)

    @property
    def target(self) -> Rect:
        """The whole desktop in the window."""
        scale = self.scale
        return Rect(self.left, self.top, round(self.width * scale), round(self.height * scale))


def _start(size: float, room: int, pan: int) -> int:
    return -pan if size > room else round((room - size) / 2)
