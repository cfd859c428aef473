"""Worker: what one of several processes of a relay is given, and what all of them have to agree on.

They are one relay: whoever connects may come to any of them, and come back to another. So the certificates that a page
names, and the tags by which hosts tell sources apart, are the same everywhere. They are made from a secret that is
drawn once, so that a worker that has crashed knows them again without asking anybody.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from avl_protocol.crypto.hkdf import expand

#: The order of the curve P-256 (FIPS 186-5; SP 800-186, 3.2.1.3): private keys are from 1 to below it.
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Worker `number` (from 0) of `of`. Its sockets are its own of each port; `twin` is the TCP one of UDP's number,
    None where that was taken. `begun`: when the relay began, in unix seconds. `folder`: where workers find each
    other; nobody else may enter it."""

    number: int
    of: int
    secret: bytes
    begun: float
    folder: Path
    udp: socket.socket
    twin: socket.socket | None
    page: socket.socket

    @property
    def ports(self) -> tuple[socket.socket, ...]:
        """All sockets that this worker was given."""
        return tuple(port for port in (self.udp, self.twin, self.page) if port is not None)


def derived(secret: bytes, purpose: str, size: int) -> bytes:
    """So many bytes that all workers know, for one purpose."""
    return expand(secret, b"avl relay worker " + purpose.encode(), size)


def certificate_key(secret: bytes, begins: float) -> tuple[ec.EllipticCurvePrivateKey, Callable[[int], bytes]]:
    """The key of the certificate that begins at a unix time, and what its random parts are drawn from."""
    purpose = f"certificate {begins!r}"
    # 16 bytes more than the order has make what modulo favours too little to matter (FIPS 186-5, A.2.1).
    number = int.from_bytes(derived(secret, purpose, 48), "big") % (ORDER - 1) + 1
    return ec.derive_private_key(number, ec.SECP256R1()), lambda size: derived(secret, purpose + " serial", size)
