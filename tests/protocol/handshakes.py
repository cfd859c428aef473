"""Handshakes for tests: two ends wired together, and entropy that repeats."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from avl_protocol.crypto.handshake import HostHandshake, ViewerHandshake
from avl_protocol.crypto.identity import Identity
from avl_protocol.crypto.schedule import SessionKeys
from avl_protocol.wire.registry import SESSION_VERSIONS

WALL = 1_800_000_000
SESSION = bytes(range(16))


class Seeded:
    """Entropy that a test can repeat: SHA-256 in counter mode."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()
        self._counter = 0

    def __call__(self, size: int) -> bytes:
        out = b""
        while len(out) < size:
            out += hashlib.sha256(self._seed + b"/" + self._counter.to_bytes(8, "big")).digest()
            self._counter += 1
        return out[:size]


def identity(name: str) -> Identity:
    """The identity of this name."""
    return Identity(hashlib.sha256(name.encode()).digest())


HOST = identity("host")
VIEWER = identity("viewer")


def viewer(code: str = "7K3P-9QX2", **changes: object) -> ViewerHandshake:
    """A viewer that means HOST, save for what `changes` says."""
    values: dict[str, object] = {
        "own": VIEWER,
        "device_number": HOST.number,
        "session_id": SESSION,
        "code": code,
        "name": "a viewer",
        "permissions": 31,
        "versions": SESSION_VERSIONS,
        "entropy": Seeded("viewer"),
        "wall": WALL,
    }
    return ViewerHandshake(**{**values, **changes})  # type: ignore[arg-type]


def host(**changes: object) -> HostHandshake:
    """HOST, save for what `changes` says."""
    values: dict[str, object] = {"own": HOST, "session_id": SESSION, "entropy": Seeded("host"), "wall": WALL}
    return HostHandshake(**{**values, **changes})  # type: ignore[arg-type]


@dataclass
class Run:
    """A handshake between two ends; `change` may replace each body on its way, and is told its number, from 1."""

    viewer: ViewerHandshake
    host: HostHandshake
    codes: tuple[str | None, str | None] = ("7K3P9QX2", None)
    change: Callable[[int, bytes], bytes] = lambda number, body: body

    def challenge(self) -> bytes:
        """Messages 1 to 3; returns CHALLENGE."""
        (second,) = self.host.receive(self.change(1, self.viewer.start())).send
        (third,) = self.viewer.receive(self.change(2, second))
        assert self.host.receive(self.change(3, third)).asks is not None
        return self.host.challenge(self.codes)

    def confirm(self) -> int:
        """All up to CONFIRM; returns the index of the code that was confirmed."""
        (confirm,) = self.viewer.receive(self.change(4, self.challenge()))
        which = self.host.receive(self.change(5, confirm)).confirmed
        assert which is not None
        return which

    def admit(self) -> tuple[SessionKeys, SessionKeys]:
        """All of it; returns the keys of viewer and host."""
        self.confirm()
        self.viewer.receive(self.change(6, self.host.wait(30)))
        self.viewer.receive(self.change(7, self.host.admit()))
        return self.viewer.keys, self.host.keys
