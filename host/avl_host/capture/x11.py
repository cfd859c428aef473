"""X11CaptureSource: a desktop under X11, looked at when DAMAGE says that something was drawn.

Nothing is polled: the worker sleeps in select until the server speaks. Rows that were drawn to are fetched at full
width through MIT-SHM, so that each lands at its place in one buffer which always holds the whole desktop; no pixel is
copied to assemble it.
"""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, TypeVar

import numpy as np
import xcffib
import xcffib.damage
import xcffib.randr
import xcffib.shm
import xcffib.xfixes
import xcffib.xproto
from numpy.typing import NDArray

from avl_host.capture.cells import (
    Cells,
    changed_cells,
    changed_within,
    grid,
    mark,
    rectangles,
    row_bands,
    take_over,
    touched,
)
from avl_host.capture.shared_memory import SharedPixels
from avl_host.capture.source import CursorImage, Picture, SourceLost
from avl_protocol.media.frame import Monitor, Rect

_EXTENSIONS = (
    ("DAMAGE", xcffib.damage.key, (1, 1)),
    ("MIT-SHM", xcffib.shm.key, ()),
    ("XFIXES", xcffib.xfixes.key, (5, 0)),
    ("RANDR", xcffib.randr.key, (1, 5)),
)
_LAYOUT_EVENTS = (
    xcffib.randr.ScreenChangeNotifyEvent,
    xcffib.randr.NotifyEvent,
    xcffib.xproto.ConfigureNotifyEvent,
)
#: What RandR calls rotations, in degrees.
_DEGREES = {1: 0, 2: 90, 4: 180, 8: 270}
#: Pixels to the inch of a usual monitor, and of those from which on things are to be drawn larger.
_USUAL, _FINE = 96, 144
_ALL_PLANES = 0xFFFFFFFF
#: Of a rectangle that was drawn so much must be moving already, or it is compared.
FILM_PART = 0.9
#: At most so many rectangles that cover at most this part of their rows are fetched and compared by themselves.
NARROW_COUNT, NARROW_PART = 8, 0.5
_Answer = TypeVar("_Answer")


class Unsupported(SourceLost):
    """The display is there but lacks an extension or speaks another pixel format; another source may do."""


class X11CaptureSource:
    """All monitors of one X11 display as one desktop, or one `monitor` of it alone, by RandR's name.

    `display` is a name such as ":0"; `clock` gives seconds of the host's clock. Raises SourceLost when the display
    cannot be reached or has no such monitor, Unsupported when it cannot be captured this way.
    """

    def __init__(self, display: str, clock: Callable[[], float], monitor: str | None = None) -> None:
        self._display = display
        self._monitor = monitor
        #: Where on the display what is captured begins.
        self._left = self._top = 0
        self._clock = clock
        try:
            self._x: Any = xcffib.connect(display)  # type: ignore[no-untyped-call]
        except xcffib.ConnectionException as error:
            raise SourceLost(
                f"No X11 display answers at {display}. Is DISPLAY right, and may this user connect (xhost, XAUTHORITY)?"
            ) from error
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._shared: SharedPixels | None = None
        #: Where parts of rows are fetched to.
        self._aside: SharedPixels | None = None
        self._width = self._height = 0
        self._listed: tuple[Monitor, ...] | None = None
        self._damaged = True
        self._cursor_changed = True
        self._resized = False
        self._fresh = True
        #: What the last picture changed, which the one to compare with still lacks.
        self._behind: Cells | None = None
        #: Of what it was not compared lately.
        self._believed: Cells | None = None
        with ExitStack() as undo:
            undo.callback(self.close)
            self._asked(self._set_up)
            undo.pop_all()

    def _set_up(self) -> None:
        x = self._x
        setup = x.get_setup()
        screen = setup.roots[x.pref_screen]
        self._root = screen.root
        bits = next((f.bits_per_pixel for f in setup.pixmap_formats if f.depth == screen.root_depth), 0)
        if screen.root_depth not in (24, 32) or bits != 32 or setup.image_byte_order != 0:
            raise Unsupported(
                f"The display {self._display} has depth {screen.root_depth} with {bits} bits a pixel; "
                "24 or 32 bits deep, 32 bits a pixel, is needed (Xvfb: -screen 0 1920x1080x24)."
            )
        found: list[Any] = []
        for name, key, version in _EXTENSIONS:
            # Asked by name first: a request to an extension that is not there closes the connection.
            if not x.core.QueryExtension(len(name), name).reply().present:
                raise Unsupported(f"The X server at {self._display} lacks the {name} extension.")
            extension = x(key)
            reply = extension.QueryVersion(*version).reply()
            if name == "RANDR" and (reply.major_version, reply.minor_version) < (1, 5):
                raise Unsupported(f"The X server at {self._display} has RANDR older than 1.5.")
            found.append(extension)
        self._damage, self._shm, self._fixes, self._randr = found
        self._damage_id = x.generate_id()
        self._damage.Create(self._damage_id, self._root, xcffib.damage.ReportLevel.NonEmpty)
        self._region = x.generate_id()
        self._fixes.CreateRegion(self._region, 0, [])
        self._fixes.SelectCursorInput(self._root, xcffib.xfixes.CursorNotifyMask.DisplayCursor)
        notify = xcffib.randr.NotifyMask
        self._randr.SelectInput(self._root, notify.ScreenChange | notify.CrtcChange | notify.OutputChange)
        # RandR tells of sizes; that the desktop was divided into other monitors only the root window's event tells.
        structure = xcffib.xproto.EventMask.StructureNotify
        x.core.ChangeWindowAttributes(self._root, xcffib.xproto.CW.EventMask, [structure])
        self._measure()
        x.flush()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the desktop in pixels."""
        return self._width, self._height

    def monitors(self) -> tuple[Monitor, ...]:
        """The monitors RandR tells of; one as large as the desktop where it tells of none. Raises SourceLost."""
        if self._listed is None:
            self._listed = self._asked(self._list_monitors)
        return self._listed

    def _list_monitors(self) -> tuple[Monitor, ...]:
        told = self._randr.GetMonitors(self._root, True).reply().monitors
        names = [self._x.core.GetAtomName(m.name) for m in told]
        turned = self._rotations()
        out = tuple(
            Monitor(
                name.reply().name.to_string(),
                m.x,
                m.y,
                m.width,
                m.height,
                bool(m.primary),
                scale=_scale(m),
                rotation=next((turned[output] for output in m.outputs if output in turned), 0),
            )
            for m, name in zip(told, names, strict=True)
        )
        return out or (Monitor("desktop", 0, 0, self._width, self._height, True),)

    def _rotations(self) -> dict[int, int]:
        """By how many degrees the picture of each output is turned."""
        resources = self._randr.GetScreenResourcesCurrent(self._root).reply()
        asked = [self._randr.GetCrtcInfo(crtc, resources.config_timestamp) for crtc in resources.crtcs]
        shown = [cookie.reply() for cookie in asked]
        return {output: _DEGREES.get(crtc.rotation & 0xF, 0) for crtc in shown for output in crtc.outputs}

    def wait(self, timeout: float | None) -> bool:
        """Sleep until the server tells of a change, `wake` is called or `timeout` seconds passed. Raises SourceLost."""
        self._keep(self._believed)
        if self._asked(self._hear):
            return True
        readable, _, _ = select.select([self._x.get_file_descriptor(), self._wake_read], [], [], timeout)
        if self._wake_read in readable:
            os.read(self._wake_read, 4096)
        return self._asked(self._hear)

    def _hear(self) -> bool:
        """Note what the server told, and another size at once: it is told of though nobody wants a picture."""
        told = self._take_events()
        if self._resized:
            self._measure()
        return told

    def wake(self) -> None:
        """Make `wait` return; from any thread."""
        with contextlib.suppress(BlockingIOError):  # Full: there are wake-ups in it already.
            os.write(self._wake_write, b"\0")

    def grab(self, whole: bool = False, moving: Cells | None = None) -> Picture | None:
        """Fetch what was drawn since the last grab. None when no pixel differs, unless `whole`. What is drawn within
        `moving` is not compared, as that is a film and differs everywhere. Raises SourceLost."""
        return self._asked(lambda: self._grab(whole, moving))

    def _grab(self, whole: bool, moving: Cells | None) -> Picture | None:
        self._take_events()
        if self._resized:
            self._measure()
        captured = self._clock()
        drawn: list[Rect] = []
        if self._damaged or whole:
            # Subtract first: whatever is drawn from here on is told of again.
            self._damaged = False
            self._damage.Subtract(self._damage_id, 0, self._region)
            told = self._fixes.FetchRegion(self._region).reply().rectangles
            drawn = [Rect(r.x, r.y, r.width, r.height) for r in told]
            if self._monitor is not None:
                drawn = self._within(drawn)
        if self._fresh:
            drawn = [Rect(0, 0, self._width, self._height)]
        shared = self._shared
        assert shared is not None
        self._believed = moving
        self._keep(moving)
        try:
            self._fetch(drawn)
        except xcffib.xproto.MatchError:
            # The desktop shrank a moment ago; its event follows.
            self._resized = self._damaged = True
            return None
        grabbed = self._clock()
        if self._fresh:
            self._fresh = False
            changed = np.ones(grid(self._width, self._height), np.bool_)
        else:
            changed = self._changes(shared.pixels, drawn, moving)
        if changed.any():
            self._behind = changed if self._behind is None else self._behind | changed
        elif not whole:
            return None
        compared = self._clock()
        return Picture(
            pixels=shared.pixels,
            changed=changed,
            captured=captured,
            grab_seconds=grabbed - captured,
            compare_seconds=compared - grabbed,
        )

    def _keep(self, believed: Cells | None) -> None:
        """Keep what the last grab saw, to compare the next one with; but for what is believed to move. Done before
        anybody waits for a picture, where there is time before."""
        if self._behind is None or self._shared is None:
            return
        moving = believed if believed is not None and believed.shape == self._behind.shape else False
        if (behind := self._behind & ~np.asarray(moving)).any():
            take_over(self._previous, self._shared.pixels, behind)
        self._behind &= moving

    def _changes(self, pixels: NDArray[np.uint8], drawn: list[Rect], moving: Cells | None) -> Cells:
        """The cells that differ: found by comparing, or believed."""
        film: list[Rect] = []
        if moving is not None and moving.shape == grid(self._width, self._height):
            film = [rect for rect in drawn if moving[touched(rect)].mean() > FILM_PART]
        others = [rect for rect in drawn if rect not in film]
        if self._narrow(others):
            changed = changed_within(self._previous, pixels, others)
        else:
            changed = changed_cells(self._previous, pixels, row_bands(others, self._height))
        if film and moving is not None:
            believed = np.zeros_like(changed)
            mark(believed, film)
            # What stands still beside a film is often drawn with it.
            beside = rectangles(believed & ~moving, self._width, self._height)
            changed |= believed & moving | changed_within(self._previous, pixels, beside)
        # Of what was believed the pixels before are not known: where nothing was drawn nothing has changed.
        told = np.zeros_like(changed)
        mark(told, drawn)
        changed &= told
        return changed

    def _narrow(self, rects: list[Rect]) -> bool:
        """Whether a few rectangles cover much less than the rows that they lie in."""
        if len(rects) > NARROW_COUNT:
            return False
        bands = row_bands(rects, self._height)
        rows = sum(bottom - top for top, bottom in bands)
        return sum(rect.width * rect.height for rect in rects) < NARROW_PART * rows * self._width

    def _fetch(self, drawn: list[Rect]) -> None:
        """Bring the pixels of rectangles up to date: in whole rows, each of which lands at its place, or where they are
        narrow one by one, by way of a second segment."""
        shared = self._shared
        assert shared is not None
        if not self._narrow(drawn):
            bands = [
                (0, top, self._width, bottom - top, top * self._width * 4)
                for top, bottom in row_bands(drawn, self._height)
            ]
            self._get(shared, bands)
            return
        if self._aside is None:
            self._aside = SharedPixels(self._x, self._shm, self._width, self._height)
        inside = [rect for rect in drawn if rect.x < self._width and rect.y < self._height]
        places, at = [], 0
        for rect in inside:
            width, height = min(rect.width, self._width - rect.x), min(rect.height, self._height - rect.y)
            places.append((rect.x, rect.y, width, height, at))
            at += width * height * 4
        if at > self._aside.pixels.nbytes:
            self._get(shared, [(0, 0, self._width, self._height, 0)])
            return
        self._get(self._aside, places)
        flat = self._aside.pixels.reshape(-1)
        for x, y, width, height, at in places:
            part = flat[at : at + width * height * 4].reshape(height, width, 4)
            shared.pixels[y : y + height, x : x + width] = part

    def _get(self, into: SharedPixels, places: list[tuple[int, int, int, int, int]]) -> None:
        """Have the server write parts of the desktop, (x, y, width, height), behind each other in rows of their own
        width, each from a byte of a segment on."""
        pending = [
            self._shm.GetImage(
                self._root,
                self._left + x,
                self._top + y,
                width,
                height,
                _ALL_PLANES,
                xcffib.xproto.ImageFormat.ZPixmap,
                into.segment,
                at,
            )
            for x, y, width, height, at in places
        ]
        for cookie in pending:
            cookie.reply()

    def cursor(self) -> CursorImage | None:
        """The pointer's shape if it changed since this was last asked. Raises SourceLost."""
        if not self._cursor_changed:
            return None
        self._cursor_changed = False
        return self._asked(self._read_cursor)

    def pointer(self) -> tuple[int, int] | None:
        """Where the pointer is now, in desktop coordinates. Raises SourceLost."""
        told = self._asked(lambda: self._x.core.QueryPointer(self._root).reply())
        return told.root_x - self._left, told.root_y - self._top

    def _read_cursor(self) -> CursorImage | None:
        try:
            told = self._fixes.GetCursorImage().reply()
        except (xcffib.xproto.AccessError, xcffib.xproto.CursorError):
            return None  # The program that made this shape is gone; the server then shows it to nobody.
        return CursorImage(
            serial=told.cursor_serial,
            width=told.width,
            height=told.height,
            hot_x=told.xhot,
            hot_y=told.yhot,
            rgba=straight_rgba(np.array(told.cursor_image, np.uint32)),
        )

    def close(self) -> None:
        """Let go of the display; idempotent."""
        self._shared = self._aside = None
        if self._wake_read >= 0:
            os.close(self._wake_read)
            os.close(self._wake_write)
            self._wake_read = self._wake_write = -1
            self._x.disconnect()

    def _measure(self) -> None:
        """Learn the desktop's size and get a buffer for it."""
        geometry = self._x.core.GetGeometry(self._root).reply()
        place = Rect(0, 0, geometry.width, geometry.height)
        if self._monitor is not None:
            place = self._place(place)
        self._resized = False
        if self._shared is not None:
            if place == Rect(self._left, self._top, self._width, self._height):
                return
            self._shared.detach()
            if self._aside is not None:
                self._aside.detach()
                self._aside = None
        self._left, self._top = place.x, place.y
        self._width, self._height = place.width, place.height
        try:
            self._shared = SharedPixels(self._x, self._shm, self._width, self._height)
        except (OSError, xcffib.xproto.AccessError) as error:
            raise Unsupported(
                f"The X server at {self._display} shares no memory with this process (a remote or confined display?)."
            ) from error
        self._previous = np.empty((self._height, self._width, 4), np.uint8)
        self._behind = None
        self._fresh = True

    def _place(self, screen: Rect) -> Rect:
        """Where the monitor is, as far as the screen reaches there. Raises SourceLost."""
        for monitor in self._list_monitors():
            place = _common(Rect(monitor.x, monitor.y, monitor.width, monitor.height), screen)
            if monitor.name == self._monitor and place.width and place.height:
                return place
        raise SourceLost(f"The monitor {self._monitor} of {self._display} is not there any more.")

    def _within(self, drawn: list[Rect]) -> list[Rect]:
        """What of these rectangles of the display lies on the monitor, from its top left."""
        place = Rect(self._left, self._top, self._width, self._height)
        parts = (_common(rect, place) for rect in drawn)
        return [
            Rect(part.x - self._left, part.y - self._top, part.width, part.height)
            for part in parts
            if part.width > 0 and part.height > 0
        ]

    def _take_events(self) -> bool:
        """Note what the server told; True when a picture, pointer shape or size may have changed."""
        told = False
        while (event := self._x.poll_for_event()) is not None:
            if isinstance(event, xcffib.damage.NotifyEvent):
                self._damaged = told = True
            elif isinstance(event, xcffib.xfixes.CursorNotifyEvent):
                self._cursor_changed = told = True
            elif isinstance(event, _LAYOUT_EVENTS):
                self._resized = self._damaged = told = True
                self._listed = None
        return told

    def _asked(self, ask: Callable[[], _Answer]) -> _Answer:
        """Send a request to the server. Raises SourceLost, whose text says what to do."""
        try:
            return ask()
        except xcffib.ConnectionException as error:
            raise SourceLost(
                f"The X server at {self._display} is gone. Start it again, then start the host again."
            ) from error
        except xcffib.XcffibException as error:
            raise SourceLost(f"The X server at {self._display} refused a request: {error!r}") from error


def _scale(monitor: Any) -> int:
    """How many hundredths as large as usual things are best drawn on a monitor, by its measures where those are known:
    in whole steps of a usual one, as desktops do it."""
    if monitor.width_in_millimeters < 100:
        return 100
    dots = monitor.width / (monitor.width_in_millimeters / 25.4)
    return 100 * max(1, round(dots / _USUAL)) if dots >= _FINE else 100


def _common(one: Rect, other: Rect) -> Rect:
    """What two rectangles have in common; without pixels where that is nothing."""
    left, top = max(one.x, other.x), max(one.y, other.y)
    right = min(one.x + one.width, other.x + other.width)
    bottom = min(one.y + one.height, other.y + other.height)
    return Rect(left, top, max(0, right - left), max(0, bottom - top))


def straight_rgba(premultiplied: NDArray[np.uint32]) -> bytes:
    """RGBA bytes with straight alpha from the premultiplied ARGB words of XFixes."""
    alpha = (premultiplied >> 24) & 0xFF
    channels = np.stack([(premultiplied >> shift) & 0xFF for shift in (16, 8, 0)], axis=-1)
    divisor = np.maximum(alpha, 1)[..., None]
    straight = np.minimum((channels * 255 + divisor // 2) // divisor, 255)
    return np.concatenate([straight, alpha[..., None]], axis=-1).astype(np.uint8).tobytes()
