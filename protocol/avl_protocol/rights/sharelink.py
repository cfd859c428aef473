"""A share link: an address whose fragment holds a secret, which is a viewer's identity (spec 11, 11.7).

The fragment never leaves the browser, so that the relay that hands the page and the chain out learns neither the
identity nor the secret.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from avl_protocol.crypto.hkdf import expand, extract
from avl_protocol.crypto.identity import Identity
from avl_protocol.rights.jws import decode, encode

SECRET_BYTES = 16


@dataclass(frozen=True, slots=True)
class Share:
    """What follows from the secret (16 random bytes). Raises ValueError for a secret of another size."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != SECRET_BYTES:
            raise ValueError(f"the secret of a share link has {SECRET_BYTES} bytes")

    @property
    def identity(self) -> Identity:
        """The viewer's identity, which the grant is given to."""
        return Identity(self._derive(b"avl/1 share identity", 32))

    @property
    def access_pass(self) -> bytes:
        """What the relay is shown, which keeps its hash: 32 bytes."""
        return self._derive(b"avl/1 share pass", 32)

    @property
    def id(self) -> str:
        """Under which the relay keeps the chain: base64url of 16 bytes."""
        return encode(self._derive(b"avl/1 share id", 16))

    def link(self, page: str, device_id: str) -> str:
        """The address: `page` without a fragment, the device ID as people read it."""
        return f"{page}#d={device_id}&s={encode(self.secret)}"

    def _derive(self, label: bytes, size: int) -> bytes:
        return expand(extract(b"", self.secret), label, size)


def share_of(text: str) -> Share:
    """The share of the `s` of a fragment. Raises ValueError."""
    return Share(decode(text))
