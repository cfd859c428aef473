"""Last pictures: a small picture of a desktop, signed by its host, sealed to one person (spec 11, 11.9)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from avl_protocol.crypto import hpke
from avl_protocol.crypto.hpke import NotSealed
from avl_protocol.crypto.identity import PUBLIC_BYTES, SIGNATURE_BYTES, Identity, device_number, verify
from avl_protocol.rights.chain import ChainRights, Trust, holder_of, verify_chain
from avl_protocol.rights.jws import NotSigned
from avl_protocol.rights.statements import PictureKey, read
from avl_protocol.wire import device_id
from avl_protocol.wire.errors import GrantRefused
from avl_protocol.wire.registry import MAX_CLOCK_SKEW, MAX_LAST_PICTURE, GrantRefusal

#: Bytes of a picture that can be sealed.
MOST_IMAGE = MAX_LAST_PICTURE - hpke.OVERHEAD - PUBLIC_BYTES - SIGNATURE_BYTES
_LABEL = b"avl/1 last picture\0"


def seal(host: Identity, key: bytes, taken: int, image: bytes, entropy: Callable[[int], bytes]) -> bytes:
    """A picture for who holds the picture key `key` (32 bytes). `taken`: Unix seconds; `image` has at most MOST_IMAGE
    bytes. Raises ValueError for a key that nothing can be sealed to."""
    signature = host.sign(statement_of(key, taken, image))
    return hpke.seal(key, info_of(host.number, taken), host.public + signature + image, entropy)


def open_picture(private: X25519PrivateKey, device: int, taken: int, sealed: bytes) -> bytes:
    """The picture of a device that was sealed to a picture key. Raises NotSealed for what it is not, whoever sealed
    it."""
    plain = hpke.open_sealed(private, info_of(device, taken), sealed)
    public, signature = plain[:PUBLIC_BYTES], plain[PUBLIC_BYTES : PUBLIC_BYTES + SIGNATURE_BYTES]
    image = plain[PUBLIC_BYTES + SIGNATURE_BYTES :]
    said = statement_of(private.public_key().public_bytes_raw(), taken, image)
    if device_number(public) != device or not verify(public, signature, said):
        raise NotSealed("that is not the picture that this device has left")
    return image


def verify_reader(tokens: Sequence[str], trust: Trust, wall: float) -> tuple[bytes, bytes, ChainRights | None]:
    """The picture key (32 bytes) of a row of READERS, the key of its person, and what the chain before it gives them;
    None: it is the owner's own. `wall`: Unix seconds. Raises GrantRefused."""
    *grants, token = tokens or ("",)
    rights, person = None, trust.owner
    if grants:
        person = holder_of(grants, trust.owner)
        rights = verify_chain(grants, trust, holder=person, wall=wall)
    try:
        key = read(PictureKey, token, person)
    except NotSigned:
        raise GrantRefused(GrantRefusal.FORGED) from None
    if wall >= key.expires:
        raise GrantRefused(GrantRefusal.EXPIRED)
    if wall < key.issued - MAX_CLOCK_SKEW:
        raise GrantRefused(GrantRefusal.NOT_YET)
    return key.key, person, rights


def info_of(device: int, taken: int) -> bytes:
    """What a picture of this device is sealed with."""
    return _LABEL + device_id.to_text(device).replace("-", "").encode() + taken.to_bytes(8, "big")


def statement_of(key: bytes, taken: int, image: bytes) -> bytes:
    """What the host signs."""
    return _LABEL + key + taken.to_bytes(8, "big") + image
