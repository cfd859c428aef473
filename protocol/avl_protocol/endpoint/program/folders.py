"""Where programs keep their state: known without loading anything, so that a short command starts quickly."""

from __future__ import annotations

import os
from pathlib import Path


def default_folder(program: str) -> Path:
    """`$AVL_PROGRAM_STATE`, where that is set; else `$XDG_STATE_HOME/avl/PROGRAM`, or its default under the home
    folder."""
    if named := os.environ.get(f"AVL_{program.upper()}_STATE"):
        return Path(named)
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "avl" / program
