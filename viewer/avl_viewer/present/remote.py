"""Remote: the session as a window sees it; every method may be called from any thread and returns at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Protocol

from avl_protocol.session.fetching import Fetched
from avl_protocol.wire.clipformats import Copy
from avl_viewer.files import Folder
from avl_viewer.transfers import Problems


class HostFiles(Protocol):
    """Files of the host, as a window moves them. The presenter is told how transfers go; `number` is one of theirs."""

    def put(self, paths: list[Path], to: str = "", problems: Problems = ()) -> None:
        """Send files and folders of this machine into a folder of the host; `problems`: what was to be sent, too, and
        why it can't be."""

    def get(self, paths: tuple[str, ...], to: Path) -> None:
        """Fetch files and folders of the host into a folder of this machine, which is made where it is not there."""

    def pause(self, number: int, paused: bool) -> None:
        """Let nothing more of it come or go, or go on."""

    def cancel(self, number: int) -> None:
        """End it."""

    def again(self, number: int) -> None:
        """Begin anew what failed or was cancelled."""

    def forget(self, number: int | None) -> None:
        """Tell of it no longer, or of none that is over."""

    def decide(self, number: int, file: int, replace: bool, everything: bool) -> None:
        """What is in the way of its file is replaced, or stays; `everything`: and so with all that follow."""

    def list(self, path: str, after: str, most: int) -> Future[Folder]:
        """What is in a folder of the host, behind a name. Fails with Refused or FilesError; cancelled it is not listed
        any further."""


class Remote(Protocol):
    """One desktop being watched."""

    @property
    def files(self) -> HostFiles:
        """The host's files."""

    @property
    def permissions(self) -> int:
        """What the host granted (registry "permissions"); 0 until it has."""

    def send_input(self, events: list[tuple[Any, ...]]) -> None:
        """Send input events (registry "input_events"), in order."""

    def point(self, x: int, y: int, laser: bool) -> None:
        """Tell the others that our pointer is at this desktop pixel; `laser`: that we point at something."""

    def draw(self, points: list[tuple[int, int]], begins: bool) -> None:
        """Draw through these desktop pixels over the picture, as another stroke or going on with the last."""

    def wipe(self, everybody: bool) -> None:
        """Wipe away what we drew, or what all did."""

    def control(self, act: int, to: int = 0) -> None:
        """Ask for control, let go of it, or give it to a person (registry "control_acts")."""

    def fit(self, width: int, height: int, scale: int) -> None:
        """Have the desktop take this size in pixels, with things drawn `scale` hundredths as large as usual; 0 x 0: it
        need not any more."""

    def watch_monitors(self, names: tuple[str, ...]) -> None:
        """See these monitors of the host by themselves, the first of them first; without any the whole desktop."""

    def set_clipboard(self, text: str) -> None:
        """Make this text the host's clipboard."""

    def offer_copy(self, copy: Copy, read: Callable[[str], Future[Fetched]]) -> None:
        """Make this copy the host's clipboard; `read` is called, in any thread, for a format that somebody pastes
        there, for files with the list that our system has of them."""

    def fetch_copy(self, stamp: int, format: str) -> Future[bytes]:
        """The host's copy of a stamp in a format, for files a list of where they are on this machine, for our system.
        Fails with Refused; cancelled it is not fetched any further."""

    def listen(self, muted: bool, volume: float) -> None:
        """Play the host's sound at this volume (0 to 1); muted, it is not even sent."""

    def speak(self, on: bool) -> None:
        """Let the host hear this machine's microphone, or no longer."""

    def stats(self) -> dict[str, Any]:
        """The session's figures.

        path, rtt_ms, fps, bitrate_bps, loss, input_to_photon_ms{p50,p95}, glass_to_glass_ms{p50,p95}, stages_ms{}.
        """

    def close(self) -> None:
        """Leave; the presenter is told the status "ended"."""
