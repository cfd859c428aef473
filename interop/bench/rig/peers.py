"""Products that ours is measured beside, where they are installed: how they are started, and what is missing here.

They are no dependency of ours, and run with what they do by default. A viewer of theirs fills the same screen as ours
does, pixel for pixel.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interop.bench.rig.browser import kiosk
from interop.bench.rig.wire import Wire

#: Ports of their servers, in a network where nobody else is.
VNC, WEB = 5900, 6080
#: Where Debian puts noVNC.
NOVNC = Path("/usr/share/novnc")
#: A page of nothing but noVNC's picture, by its library: the page that comes with it has a bar over a part of it.
PAGE = """<!doctype html><meta charset="utf-8"><title>noVNC</title>
<style>html, body, #screen { margin: 0; width: 100%; height: 100%; overflow: hidden; }</style>
<div id="screen"></div>
<script type="module">
import RFB from "./core/rfb.js";
new RFB(document.getElementById("screen"), `ws://${location.host}/websockify`).focusOnClick = true;
</script>
"""
#: Starts a program: its role in the figures, its name, its command.
Starts = Callable[[str, str, list[str | Path], Mapping[str, str]], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a product runs: the host's and the viewer's display, what lies between, and a folder of its own."""

    displays: tuple[str, str]
    wire: Wire
    folder: Path
    start: Starts


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One product. `needs`: the programs and files it consists of; `serve` starts its server and says at which TCP port
    it will listen; `view` starts its viewer."""

    needs: tuple[str, ...]
    serve: Callable[[Place], int]
    view: Callable[[Place], None]

    def missing(self) -> list[str]:
        """What of it is not on this machine."""
        return [need for need in self.needs if not (Path(need).exists() if "/" in need else shutil.which(need))]


def _vnc(place: Place) -> int:
    command = ["X0tigervnc", "-display", place.displays[0], "-SecurityTypes", "None", "-rfbport", str(VNC)]
    place.start("host", "x0vncserver", place.wire.host_side(command), {"DISPLAY": place.displays[0]})
    return VNC


def _native(place: Place) -> None:
    options = ["-FullScreen", "-RemoteResize=0", "-SecurityTypes", "None", "-MenuKey="]
    command = ["xtigervncviewer", *options, f"{place.wire.address}::{VNC}"]
    here = {"DISPLAY": place.displays[1], "HOME": str(place.folder)}
    place.start("viewer", "xtigervncviewer", place.wire.viewer_side(command), here)


def _web(place: Place) -> int:
    _vnc(place)
    root = place.folder / "web"
    root.mkdir()
    for part in ("core", "vendor"):
        (root / part).symlink_to(NOVNC / part)
    (root / "index.html").write_text(PAGE, "utf-8")
    command: list[str | Path] = ["websockify", "--web", root, str(WEB), f"127.0.0.1:{VNC}"]
    place.start("relay", "websockify", place.wire.host_side(command), {})
    return WEB


def _browser(place: Place) -> None:
    url = f"http://{place.wire.address}:{WEB}/index.html"
    command = place.wire.viewer_side(kiosk(url, place.folder / "profile"))
    place.start("viewer", "chromium", command, {"DISPLAY": place.displays[1], "DBUS_SESSION_BUS_ADDRESS": "disabled:"})


PEERS = {
    "tigervnc": Peer(needs=("X0tigervnc", "xtigervncviewer"), serve=_vnc, view=_native),
    "novnc": Peer(
        needs=("X0tigervnc", "websockify", "chromium", str(NOVNC / "core" / "rfb.js")), serve=_web, view=_browser
    ),
}


def listening(process: int, port: int) -> bool:
    """Whether somebody listens at a TCP port in the network of a process (/proc/PID/net/tcp, state 0A)."""
    for table in ("tcp", "tcp6"):
        path = Path("/proc", str(process), "net", table)
        lines = path.read_text().splitlines()[1:] if path.exists() else []
        for fields in map(str.split, lines):
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                return True
    return False
