"""Somebody else's upload: a TCP transfer without end, beside a session under test.

`sink` takes all that comes; `send` sends until it is ended, with the kernel's own TCP.
"""

from __future__ import annotations

import argparse
import json
import socket
from pathlib import Path

from avl_protocol.wire.target import parse_address

CHUNK = 1 << 16


def sink(listen: tuple[str, int], ready: Path) -> None:
    """Take one transfer to its end; `ready` gets the address."""
    with socket.create_server(listen) as server:
        ready.write_text(json.dumps({"address": ":".join(map(str, server.getsockname()[:2]))}), "utf-8")
        peer, _ = server.accept()
        with peer:
            while peer.recv(CHUNK):
                continue


def send(target: tuple[str, int]) -> None:
    """Send until the other end has gone."""
    with socket.create_connection(target) as peer:
        while True:
            peer.sendall(bytes(CHUNK))


def main() -> None:
    """Read the command line and do it."""
    reader = argparse.ArgumentParser(description="A TCP transfer beside a session.")
    reader.add_argument("--listen", type=parse_address)
    reader.add_argument("--ready-file", type=Path)
    reader.add_argument("--to", type=parse_address)
    chosen = reader.parse_args()
    if chosen.to is not None:
        send(chosen.to)
    else:
        sink(chosen.listen, chosen.ready_file)


if __name__ == "__main__":
    main()
