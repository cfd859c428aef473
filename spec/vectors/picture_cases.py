"""Vectors of last pictures (spec 11, 11.9)."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from avl_protocol.crypto import hpke
from avl_protocol.crypto.identity import Identity
from avl_protocol.rights import lastpicture
from avl_protocol.wire import device_id
from spec.vectors.notation import drawn

TAKEN = 1_800_000_000
HOST, OTHER = Identity(drawn("host", 32)), Identity(drawn("other host", 32))


def _pair(label: str) -> tuple[bytes, bytes]:
    private = drawn(label, 32)
    return private, X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def last_pictures() -> dict[str, Any]:
    """Pictures that open, and what is none: for another device, another time, another key, changed or cut."""
    private, public = _pair("picture key")
    stranger = _pair("another picture key")[1]
    image = drawn("a picture", 300)

    def sealed(host: Identity = HOST, key: bytes = public, taken: int = TAKEN, image: bytes = image) -> bytes:
        return lastpicture.seal(host, key, taken, image, lambda size: drawn("ephemeral", size))

    good = sealed()
    # Who has the picture key's public half can seal as well as the host can, and can't sign.
    forged = hpke.seal(
        public,
        lastpicture.info_of(HOST.number, TAKEN),
        HOST.public + OTHER.sign(image) + image,
        lambda size: drawn("ephemeral", size),
    )
    own_host = hpke.seal(
        public,
        lastpicture.info_of(HOST.number, TAKEN),
        OTHER.public + OTHER.sign(lastpicture.statement_of(public, TAKEN, image)) + image,
        lambda size: drawn("ephemeral", size),
    )
    for_other = hpke.seal(
        public,
        lastpicture.info_of(HOST.number, TAKEN),
        HOST.public + HOST.sign(lastpicture.statement_of(stranger, TAKEN, image)) + image,
        lambda size: drawn("ephemeral", size),
    )
    invalid = {
        "sealed to another key": sealed(key=stranger),
        "of another time": sealed(taken=TAKEN + 1),
        "of another device": sealed(host=OTHER),
        "signed by another": forged,
        "signed by another host, which names itself": own_host,
        "signed for another picture key, and sealed anew": for_other,
        "changed": good[:-1] + bytes((good[-1] ^ 1,)),
        "cut": good[:-1],
        "a point of low order": bytes(32) + good[32:],
        "too short": good[:40],
        "nothing": b"",
    }
    return {
        "private": private.hex(),
        "public": public.hex(),
        "ephemeral": drawn("ephemeral", 32).hex(),
        "host": drawn("host", 32).hex(),
        "device": device_id.to_text(HOST.number),
        "taken": TAKEN,
        "valid": [{"image": one.hex(), "sealed": sealed(image=one).hex()} for one in (image, b"")],
        "invalid": [{"why": why, "sealed": what.hex()} for why, what in invalid.items()],
    }
