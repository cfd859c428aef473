"""avl-host with one more source than its command line can name: a second card, on a track of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from avl_host import cli, machine
from avl_host.agent import Parts
from avl_host.config import HostSettings

_open_parts = machine.open_parts


def open_parts(settings: HostSettings, *more: Any) -> Parts:
    """The parts, with the second card."""
    return _open_parts(replace(settings, more_sources=("pattern:320x180",)), *more)


if __name__ == "__main__":
    machine.open_parts = open_parts  # type: ignore[assignment]
    cli.main()
