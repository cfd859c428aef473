"""Presenter: where decoded pictures and everything a person should notice go; the window and the headless one
satisfy it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from avl_protocol.media.frame import Monitor, Rect
from avl_protocol.session.input.ledger import Dropped
from avl_protocol.wire.clipformats import Copy
from avl_protocol.wire.registry import InputDevice
from avl_viewer.present.company import Company
from avl_viewer.present.marks import Mark
from avl_viewer.services.sound import HostSound
from avl_viewer.transfers import Shown

if TYPE_CHECKING:  # who only types loads neither numpy nor a decoder
    from avl_viewer.decode.canvas import Canvas


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What an object, number `number` of `track`, has changed on a desktop's canvas.

    `desktop` is the number of the desktop's first track. `dirty` is in desktop pixels; who skips pictures must add them
    up. `canvas` shows them after its `refresh`. Times are seconds of our clock: captured at the host, last fragment
    received, decoded.
    """

    desktop: int
    track: int
    number: int
    canvas: Canvas
    dirty: tuple[Rect, ...]
    captured: float
    received: float
    decoded: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CursorShape:
    """The host's pointer: straight RGBA, row by row; 0 x 0 hides it."""

    serial: int
    width: int
    height: int
    hot_x: int
    hot_y: int
    rgba: bytes


@dataclass(frozen=True, slots=True)
class Status:
    """What a person should know about the connection. `text` is a whole sentence, empty while all is well.

    `stage`: "connecting", "waiting" (a person at the host is asked), "running", "stale" (the host is not heard),
    "lost" (being re-established),
    "ended" (over; `exit_status` is what the command line exits with).
    """

    stage: str
    text: str = ""
    exit_status: int = 0


class Presenter(Protocol):
    """Called from the network thread, `picture` from the decoder's thread too; none of them may block."""

    def tracks(self, tracks: tuple[int, ...]) -> None:
        """A session begins, of desktops with these first tracks, or has others from now on; the first of them is the
        one that is looked at."""

    def picture(self, picture: Picture) -> None:
        """Show this next, with all of its desktop that was not shown yet. Report with `presented` when it is on the
        screen. Who shows one desktop alone leaves the others out."""

    def layout(self, width: int, height: int, monitors: tuple[Monitor, ...]) -> None:
        """The desktop's size and monitors."""

    def watched(self, monitors: dict[int, int]) -> None:
        """Desktops, by their first tracks, are single monitors with these numbers of LAYOUT; 0, and those that are not
        named: the whole."""

    def cursor(self, cursor: CursorShape) -> None:
        """The pointer's new shape."""

    def devices(self, devices: InputDevice) -> None:
        """What the host's system takes beside keys, buttons and places."""

    def clipboard(self, text: str) -> None:
        """The host's clipboard changed: this text was copied there, or ("") it was emptied."""

    def copied(self, copy: Copy) -> None:
        """The same, with formats beside the text, or without any; the service fetches them by the copy's stamp."""

    def remark(self, text: str) -> None:
        """A whole sentence about something that did not go as a person meant it; the session goes on."""

    def exact(self, desktop: int, exact: bool) -> None:
        """Every pixel of a desktop equals the host's now, or no longer does."""

    def status(self, status: Status) -> None:
        """The connection's state changed."""

    def company(self, company: Company) -> None:
        """Who else is here, and who has control."""

    def mark(self, mark: Mark) -> None:
        """Somebody points or draws over the picture, or has wiped that away."""

    def sound(self, host: HostSound) -> None:
        """What the host says of its sound: whether there is any, and who speaks there."""

    def microphone(self, on: bool) -> None:
        """What is said here is sent to the host from now on, or no longer."""

    def transfers(self, transfers: tuple[Shown, ...]) -> None:
        """All transfers of files, as they stand now."""

    def dropped(self, dropped: list[Dropped]) -> None:
        """Input came to nothing: a person is to know how much."""

    def attach(self, presented: Callable[[int, int, float], None]) -> None:
        """`presented(track, number, at)` is to be called (from any thread) when a picture is on the screen."""
