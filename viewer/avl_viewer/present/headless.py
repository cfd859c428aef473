"""A presenter without a screen: keeps the canvas for the automation API, the command line and tests.

A picture counts as presented as soon as it is here. Colours are converted only when somebody looks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from avl_protocol.media.frame import Monitor
from avl_protocol.session.input.ledger import Dropped
from avl_protocol.wire.clipformats import Copy
from avl_protocol.wire.registry import InputDevice
from avl_viewer.present.company import Company
from avl_viewer.present.marks import Mark, Marks
from avl_viewer.present.presenter import CursorShape, Picture, Status
from avl_viewer.services.sound import HostSound
from avl_viewer.transfers import Shown

if TYPE_CHECKING:  # who only types loads neither numpy nor a decoder
    import numpy as np
    from numpy.typing import NDArray


class HeadlessPresenter:
    """Satisfies Presenter. The `on_...` hooks are called in the thread that reports (pictures: the decoder's).

    The last value of everything is kept: `size`, `monitors`, `cursor_shape`, `taken` (devices), `clipboard_text`,
    `host_copy` (None where it is the text alone), `remarked`, `state`, `around`, `marks`, of each desktop the newest
    picture and whether it is exact, and `first`, the desktop that LAYOUT tells of.
    """

    def __init__(
        self,
        now: Callable[[], float],
        *,
        on_picture: Callable[[Picture], None] | None = None,
        on_layout: Callable[[int, int, tuple[Monitor, ...]], None] | None = None,
        on_cursor: Callable[[CursorShape], None] | None = None,
        on_clipboard: Callable[[str], None] | None = None,
        on_remark: Callable[[str], None] | None = None,
        on_exact: Callable[[int, bool], None] | None = None,
        on_status: Callable[[Status], None] | None = None,
        on_watched: Callable[[], None] | None = None,
    ) -> None:
        self._now = now
        self._on_picture = on_picture
        self._on_layout = on_layout
        self._on_cursor = on_cursor
        self._on_clipboard = on_clipboard
        self._on_remark = on_remark
        self._on_exact = on_exact
        self._on_status = on_status
        self._on_watched = on_watched
        self._presented: Callable[[int, int, float], None] | None = None
        self._latest: dict[int, Picture] = {}
        self._exact: set[int] = set()
        self.first: int | None = None
        self.size: tuple[int, int] | None = None
        self.monitors: tuple[Monitor, ...] = ()
        self.watching: dict[int, int] = {}
        self.cursor_shape: CursorShape | None = None
        self.taken = InputDevice(0)
        self.clipboard_text: str | None = None
        self.host_copy: Copy | None = None
        self.remarked: str | None = None
        self.state: Status | None = None
        #: Who else is here, and what is pointed at and drawn.
        self.around = Company()
        self.marks = Marks()
        self.host_sound = HostSound()
        self.speaking = False

    def latest(self, desktop: int | None = None) -> Picture | None:
        """The newest picture of a desktop (None: of the first), None before there is any."""
        desktop = self.first if desktop is None else desktop
        return None if desktop is None else self._latest.get(desktop)

    @property
    def is_exact(self) -> bool:
        """Whether every pixel of the first desktop equals the host's, as far as is known."""
        return self.first in self._exact

    @property
    def shown(self) -> bool:
        """Whether every pixel of the first desktop shows something."""
        picture = self.latest()
        return picture is not None and picture.canvas.shown

    def screenshot(self) -> NDArray[np.uint8]:
        """The first desktop as (height, width, 3) RGB, the caller's own. Raises LookupError before anything is
        shown."""
        picture = self.latest()
        if picture is None:
            raise LookupError("no picture has arrived yet")
        return picture.canvas.rgb()

    def tracks(self, tracks: tuple[int, ...]) -> None:
        self.first = tracks[0] if tracks else None
        self._exact.clear()
        self._latest = {}
        self.marks.clear()

    def picture(self, picture: Picture) -> None:
        if self.first is None:
            self.first = picture.desktop
        self._latest[picture.desktop] = picture
        if self._presented is not None:
            self._presented(picture.track, picture.number, self._now())
        if self._on_picture is not None:
            self._on_picture(picture)

    def layout(self, width: int, height: int, monitors: tuple[Monitor, ...]) -> None:
        self.size, self.monitors = (width, height), monitors
        if self._on_layout is not None:
            self._on_layout(width, height, monitors)

    def watched(self, monitors: dict[int, int]) -> None:
        self.watching = monitors
        if self._on_watched is not None:
            self._on_watched()

    @property
    def monitor(self) -> Monitor | None:
        """The monitor that is looked at by itself; None: the whole desktop is."""
        number = self.watching.get(self.first, 0) if self.first is not None else 0
        return next((one for one in self.monitors if number and one.number == number), None)

    def cursor(self, cursor: CursorShape) -> None:
        self.cursor_shape = cursor
        if self._on_cursor is not None:
            self._on_cursor(cursor)

    def devices(self, devices: InputDevice) -> None:
        self.taken = devices

    def clipboard(self, text: str) -> None:
        self.clipboard_text, self.host_copy = text, None
        if self._on_clipboard is not None:
            self._on_clipboard(text)

    def copied(self, copy: Copy) -> None:
        if isinstance(copy.content, str):
            self.clipboard(copy.content)
        else:
            self.clipboard_text = None
        self.host_copy = copy

    def remark(self, text: str) -> None:
        self.remarked = text
        if self._on_remark is not None:
            self._on_remark(text)

    def exact(self, desktop: int, exact: bool) -> None:
        if exact:
            self._exact.add(desktop)
        else:
            self._exact.discard(desktop)
        if self._on_exact is not None:
            self._on_exact(desktop, exact)

    def status(self, status: Status) -> None:
        self.state = status
        if self._on_status is not None:
            self._on_status(status)

    def company(self, company: Company) -> None:
        self.around = company

    def mark(self, mark: Mark) -> None:
        self.marks.take(mark, self._now())

    def sound(self, host: HostSound) -> None:
        self.host_sound = host

    def microphone(self, on: bool) -> None:
        self.speaking = on

    def transfers(self, transfers: tuple[Shown, ...]) -> None:
        """Who began one follows it."""

    def dropped(self, dropped: list[Dropped]) -> None:
        """Who asked for the input is told by an exception."""

    def attach(self, presented: Callable[[int, int, float], None]) -> None:
        self._presented = presented
