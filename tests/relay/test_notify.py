"""Notices to systemd: lines in a datagram to the socket that it names."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from avl_relay.operators.notify import READY, notify


def test_the_manager_is_told_where_it_listens(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        assert notify(READY, "STATUS=at home", environment={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        assert manager.recv(1024) == b"READY=1\nSTATUS=at home"


def test_an_abstract_socket_is_one_too() -> None:
    name = f"avl-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}")
        assert notify(READY, environment={"NOTIFY_SOCKET": f"@{name}"})
        assert manager.recv(1024) == b"READY=1"


def test_without_a_manager_nobody_is_told(tmp_path: Path) -> None:
    assert not notify(READY, environment={})
    assert not notify(READY, environment={"NOTIFY_SOCKET": "vsock:2:1"})
    assert not notify(READY, environment={"NOTIFY_SOCKET": str(tmp_path / "gone")})
