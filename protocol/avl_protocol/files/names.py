"""Names: which paths may be made of what another machine says, and what a half-written file is called (spec 15, 15.2).

What a name may be is a matter of the receiving system; that it leads nowhere else is not.
"""

from __future__ import annotations

import hashlib
import sys
import unicodedata
from dataclasses import dataclass

from avl_protocol.wire.registry import MAX_FILE_DEPTH, MAX_FILE_NAME, MAX_FILE_PATH, FileReason

#: The end of the name of a file that is not whole yet.
PART = ".avl-part"
#: Names that Windows keeps for devices, whatever follows a dot.
_DEVICES = frozenset(
    (
        "con",
        "prn",
        "aux",
        "nul",
        *(f"com{digit}" for digit in "123456789¹²³"),
        *(f"lpt{digit}" for digit in "123456789¹²³"),
    )
)


@dataclass(frozen=True, slots=True)
class Naming:
    """What a system thinks of names. `devices`: it has Windows' forbidden names and characters; `folds`: it takes names
    that differ only in case for one."""

    devices: bool = False
    folds: bool = False

    def key(self, name: str) -> str:
        """What is the same for names that the system takes for one."""
        return unicodedata.normalize("NFC", name).casefold() if self.folds else name


POSIX, WINDOWS, MACOS = Naming(), Naming(devices=True, folds=True), Naming(folds=True)


def naming_here(platform: str = sys.platform) -> Naming:
    """What this machine's system usually thinks of them."""
    return {"win32": WINDOWS, "darwin": MACOS}.get(platform, POSIX)


def is_name(name: str, naming: Naming = POSIX) -> bool:
    """Whether a file may have this name (R-SESS-265)."""
    if name in ("", ".", "..") or "/" in name or name.endswith(PART):
        return False
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name) or len(name.encode()) > MAX_FILE_NAME:
        return False
    if naming.devices:
        stem = name.split(".", 1)[0].rstrip(" ").casefold()
        return not (name[-1] in ". " or set(name) & set('<>:"\\|?*') or stem in _DEVICES)
    return True


def names_of(path: str, naming: Naming = POSIX) -> tuple[str, ...] | FileReason:
    """The names of a relative path, or why it is none: BAD_NAME."""
    names = tuple(path.split("/"))
    good = len(names) <= MAX_FILE_DEPTH and len(path) <= MAX_FILE_PATH and all(is_name(name, naming) for name in names)
    return names if good and len(path.encode()) <= MAX_FILE_PATH else FileReason.BAD_NAME


def stays(link: tuple[str, ...], text: str) -> bool:
    """Whether a link at these names of a copy leads to a place within it (R-SESS-266)."""
    if not text or text.startswith(("/", "\\")) or (len(text) > 1 and text[1] == ":") or "\0" in text:
        return False
    depth = len(link) - 1
    for name in text.replace("\\", "/").split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(name, 1)
        if depth < 0:
            return False
    return True


def part_of(name: str) -> str:
    """What a file of this name is called until it is whole: it lies beside it, hidden."""
    part = f".{name}{PART}"
    if len(part.encode()) <= MAX_FILE_NAME:
        return part
    return f".{hashlib.sha256(name.encode()).hexdigest()}{PART}"
