"""What this machine lacks to be a host, and the exact line that mends it."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avl_protocol.endpoint.diagnosis.finding import Finding
from avl_protocol.wire.registry import Chroma

if TYPE_CHECKING:  # which needs what may be missing
    from avl_host.encode.codecs.coder import Coder

#: Modules of the host extra.
MODULES = ("av", "mss", "numpy", "pynput", "xcffib")
#: X extensions that capture and input stand on, and what each is for.
EXTENSIONS = (
    ("DAMAGE", "to learn what was drawn"),
    ("MIT-SHM", "to fetch pixels without copying them through a socket"),
    ("XFIXES", "for the pointer's shape and the clipboard"),
    ("RANDR", "for monitors and changes of size"),
    ("XTEST", "for keyboard and pointer"),
    ("XInputExtension", "for --consent ask, fingers and pens"),
)

_NAMES = {Chroma.YUV420: "4:2:0", Chroma.YUV444: "4:4:4"}
_NO_DISPLAY = (
    "start the host in the desktop's terminal, or name its display: avl-host run --display :0 ... "
    "(on a machine without a screen: Xvfb :9 -noreset -screen 0 1920x1080x24 & and --display :9; "
    "to try avl without any: --source pattern)"
)
_XORG = (
    "log out, choose the Xorg session at the login screen (GNOME: the gear, 'GNOME on Xorg'; "
    "Plasma: 'Plasma (X11)') and start the host again"
)


def check(display: str | None, environment: Mapping[str, str] | None = None) -> list[Finding]:
    """Look at this machine; `display` is the display to share (None: that of the environment)."""
    surroundings = os.environ if environment is None else environment
    found = list(_packages())
    wayland = surroundings.get("XDG_SESSION_TYPE") == "wayland" or bool(surroundings.get("WAYLAND_DISPLAY"))
    name = display or surroundings.get("DISPLAY")
    if wayland:
        found.append(
            Finding(
                False,
                "session",
                "This is a Wayland session; avl shares X11 desktops, and through Xwayland only X11 windows would be "
                "seen.",
                _XORG,
            )
        )
    if not name:
        found.append(Finding(False, "display", "There is no X11 display here (DISPLAY is not set).", _NO_DISPLAY))
    elif importlib.util.find_spec("xcffib") is not None:
        found.extend(_display(name))
    return found


def _packages() -> Iterator[Finding]:
    missing = [name for name in MODULES if importlib.util.find_spec(name) is None]
    if missing:
        yield Finding(
            False,
            "packages",
            f"Python packages are missing: {', '.join(missing)}.",
            'python3 -m pip install "avl[host]"',
        )
    else:
        yield Finding(True, "packages", "all Python packages of the host are installed")
    if "av" not in missing:
        import av

        if "libx264" in av.codecs_available:
            yield Finding(True, "encoder", f"libx264 in PyAV {av.__version__}")
        else:
            yield Finding(
                False,
                "encoder",
                f"PyAV {av.__version__} was built without libx264.",
                "python3 -m pip install --force-reinstall --only-binary av av",
            )


def encoders(fails: Callable[[Coder], str] | None = None) -> Iterator[Finding]:
    """What this machine codes with beside libx264, each tried; what does not work is left out, and nobody misses it."""
    if importlib.util.find_spec("av") is None:
        return
    from avl_host.encode.codecs.probe import failure
    from avl_host.encode.codecs.table import CODERS

    for coder in CODERS:
        why = (fails or failure)(coder)
        codec = coder.codec.name
        use = "used where it works" if coder.hardware else f"used with --codec {codec.lower()}"
        text = f"not used: {why}" if why else f"codes {' and '.join(_NAMES[chroma] for chroma in coder.formats)}, {use}"
        yield Finding(True, f"{codec}, {coder.library}", text)


def ownership(folder: Path) -> Iterator[Finding]:
    """Who owns the host of this state folder, where there is one."""
    if not folder.is_dir():
        return
    from avl_host.enrol import fingerprint
    from avl_host.rights.owner import load_owner
    from avl_protocol.endpoint.program.state import StateError, StateFolder

    try:
        kept = StateFolder(folder)
        if kept.read("identity.key") is None:
            return
        owner = load_owner(kept, kept.identity(bytes).number)
    except StateError as error:
        yield Finding(False, "owner", f"The state folder can't be read: {error}.", "mend what it says")
        return
    text = f"the key {fingerprint(owner.thumbprint)}" if owner else "nobody; avl-host enroll RELAY makes it yours"
    yield Finding(True, "owner", text)


def _display(name: str) -> Iterator[Finding]:
    import xcffib
    import xcffib.xproto

    try:
        connection: Any = xcffib.connect(name)  # type: ignore[no-untyped-call]
    except xcffib.ConnectionException:
        yield Finding(
            False,
            "display",
            f"No X server answers at {name}, or it refuses this user.",
            f"run the host as the user logged in there, or there: xhost +si:localuser:$(id -un), then --display {name}",
        )
        return
    try:
        yield from _server(connection, name)
    finally:
        connection.disconnect()


def _server(connection: Any, name: str) -> Iterator[Finding]:
    setup = connection.get_setup()
    screen = setup.roots[connection.pref_screen]
    size = f"{screen.width_in_pixels}x{screen.height_in_pixels}"
    bits = next((f.bits_per_pixel for f in setup.pixmap_formats if f.depth == screen.root_depth), 0)
    if screen.root_depth in (24, 32) and bits == 32:
        yield Finding(True, "display", f"{name}, {size}, depth {screen.root_depth}")
    else:
        yield Finding(
            False,
            "display",
            f"{name} has depth {screen.root_depth}, {bits} bits a pixel; 24 with 32 bits a pixel is needed.",
            f"start the X server with depth 24 (Xvfb {name} -noreset -screen 0 {size}x24)",
        )
    asked = [(wanted, why, connection.core.QueryExtension(len(wanted), wanted)) for wanted, why in EXTENSIONS]
    missing = [(wanted, why) for wanted, why, cookie in asked if not cookie.reply().present]
    for wanted, why in missing:
        yield Finding(
            False,
            wanted,
            f"The X server lacks the extension {wanted}, needed {why}.",
            f"start the X server with +extension {wanted} (and without -extension {wanted})",
        )
    if not missing:
        yield Finding(True, "extensions", ", ".join(wanted for wanted, _ in EXTENSIONS))
    yield devices()


def devices() -> Finding:
    """What becomes of viewers' fingers, pens and fine wheels. Nothing is missing where they are a mouse."""
    from avl_host.input.uinput import missing

    if why := missing():
        text = f"fingers and pens of viewers are a mouse, the wheel turns by whole notches: {why}"
    else:
        text = "fingers, pens and parts of a notch as such, if the X server takes the devices (Xvfb takes none)"
    return Finding(True, "devices", text)


def sound() -> Iterator[Finding]:
    """Where this machine's sound would be taken from. Nothing is missing where there is none: the desktop is shared
    without it."""
    if importlib.util.find_spec("av") is None:
        return
    from avl_host.sound.sources import whence
    from avl_protocol.endpoint.sound.opus import OpusError, library

    try:
        library()
        text = whence()
    except OpusError as error:
        text = f"none is shared: {error}"
    yield Finding(True, "sound", text)
