"""What is measured: programs that carry a host's datagrams to viewers, and who feeds and who watches each."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from interop.bench.relay import turn
from interop.bench.relay.part import HERE
from interop.stage import kept

Command = list[str | Path]


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """The three processes of a measurement, given its folder and what their command lines end with (part.py).

    `serve` is told where a profile of itself should go, None where none is wanted.
    """

    name: str
    serve: Callable[[Path, Command, Path | None], Command]
    source: Command
    audience: Command


def _module(name: str, *roles: str) -> Command:
    return [sys.executable, "-m", f"interop.bench.relay.{name}", *roles]


def avl(program: Path) -> Product:
    """A relay of ours."""

    def serve(folder: Path, mine: Command, stacks: Path | None) -> Command:
        ports = ["--listen", f"{HERE}:0", "--http", f"{HERE}:0", "--public", HERE, "--per-address", "4096"]
        begins: Command = [program] if stacks is None else [*_module("sampler"), stacks]
        return [*begins, "serve", *ports, *kept(folder, "relay")]

    return Product(name="avl", serve=serve, source=_module("source"), audience=_module("audience"))


def chromium(program: Path) -> Product:
    """A relay of ours with viewers in Chromium."""
    return replace(avl(program), name="avl, Chromium", audience=_module("browsers"))


def _peer(name: str, module: str, role: str = "serve") -> Product:
    def serve(folder: Path, mine: Command, stacks: Path | None) -> Command:
        return [*_module(module, role), folder, *mine]

    return Product(
        name=name,
        serve=serve,
        source=_module(module, "source"),
        audience=_module(module, "watch"),
    )


#: Others, and whether this machine has what they need.
PEERS: dict[str, tuple[Product, Callable[[], bool]]] = {
    "aioquic": (_peer("aioquic", "stock"), lambda: True),
    "aioquic-uvloop": (_peer("aioquic-uvloop", "stock", "swift"), lambda: find_spec("uvloop") is not None),
    "coturn": (_peer("coturn", "turn"), turn.possible),
}
