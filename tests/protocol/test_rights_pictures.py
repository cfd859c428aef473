"""Last pictures: who may have them by what was signed, and that they open for nobody else."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hpke as peer
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from avl_protocol.crypto import hpke
from avl_protocol.crypto.identity import Identity
from avl_protocol.rights import jws
from avl_protocol.rights.lastpicture import verify_reader
from avl_protocol.rights.statements import PictureKey, RevocationList, sign
from avl_protocol.wire.errors import GrantRefused
from avl_protocol.wire.registry import MAX_CLOCK_SKEW, PRESETS, GrantRefusal, Permission
from tests.protocol.rights_of import DAY, FRIEND, GUEST, OWNER, TRUST, WALL, chain, grant, grant_id, key_link

KEY = hashlib.sha256(b"a picture key").digest()


def picture_key(signer: Identity = FRIEND, **changes: Any) -> str:
    return sign(signer, replace(PictureKey(key=KEY, issued=WALL, expires=WALL + DAY), **changes))


def refusal(tokens: list[str], **more: Any) -> GrantRefusal | None:
    try:
        verify_reader(tokens, more.get("trust", TRUST), more.get("wall", WALL))
    except GrantRefused as error:
        return error.why
    return None


def test_sealing_is_hpke_as_others_have_it() -> None:
    """RFC 9180 in an implementation that is not ours, both ways."""
    suite = peer.Suite(peer.KEM.X25519, peer.KDF.HKDF_SHA256, peer.AEAD.AES_256_GCM)
    private = X25519PrivateKey.from_private_bytes(KEY)
    public = private.public_key()
    ours = hpke.seal(public.public_bytes_raw(), b"what it is for", b"a picture", lambda size: b"\x07" * size)
    assert len(ours) == len(b"a picture") + hpke.OVERHEAD
    assert suite.decrypt(ours, private, b"what it is for") == b"a picture"
    theirs = suite.encrypt(b"a picture", X25519PublicKey.from_public_bytes(public.public_bytes_raw()), b"for this")
    assert hpke.open_sealed(private, b"for this", theirs) == b"a picture"
    for info, wrong in ((b"for that", theirs), (b"for this", theirs[:-1]), (b"for this", bytes(32) + theirs[32:])):
        with pytest.raises(hpke.NotSealed):
            hpke.open_sealed(private, info, wrong)
    with pytest.raises(ValueError):
        hpke.seal(bytes(32), b"", b"to a point of low order", lambda size: b"\x07" * size)


def test_a_picture_key_counts_where_its_person_may_come() -> None:
    key, person, rights = verify_reader([*chain((OWNER, grant())), picture_key()], TRUST, WALL)
    assert (key, person) == (KEY, FRIEND.public) and rights is not None and rights.permissions == PRESETS["OPERATOR"]
    handed_on = grant(permissions=PRESETS["OPERATOR"] | Permission.DELEGATE)
    child = grant(GUEST, PRESETS["VIEWER"], id=grant_id("child"))
    tokens = [*chain((OWNER, handed_on), (FRIEND, child)), picture_key(GUEST)]
    key, person, rights = verify_reader(tokens, TRUST, WALL)
    assert (key, person) == (KEY, GUEST.public) and rights is not None and rights.permissions == PRESETS["VIEWER"]
    assert verify_reader([picture_key(OWNER)], TRUST, WALL) == (KEY, OWNER.public, None)


def test_a_relay_cannot_make_itself_a_reader() -> None:
    ours = chain((OWNER, grant()))
    taken = replace(TRUST, revocation=RevocationList(sequence=1, issued=WALL, grants=frozenset({grant_id("a grant")})))
    assert refusal([]) is GrantRefusal.FORGED
    assert refusal([picture_key(GUEST)]) is GrantRefusal.FORGED  # not the owner's
    assert refusal([*ours, picture_key(GUEST)]) is GrantRefusal.FORGED  # another key behind a good chain
    assert refusal([*ours, picture_key()[:-4] + "AAAA"]) is GrantRefusal.FORGED
    assert refusal(ours) is GrantRefusal.FORGED  # no picture key at all
    assert refusal([*ours, sign(FRIEND, key_link()), picture_key()]) is GrantRefusal.FORGED
    assert refusal([*chain((GUEST, grant())), picture_key()]) is GrantRefusal.FORGED
    assert refusal([*ours, jws.sign(FRIEND, PictureKey.TYPE, {"key": jws.encode(KEY)})]) is GrantRefusal.FORGED
    assert refusal([*ours, picture_key()], trust=taken) is GrantRefusal.REVOKED
    assert refusal([*ours, picture_key(expires=WALL + 2 * DAY)], wall=WALL + DAY + 1) is GrantRefusal.STALE


def test_a_picture_key_has_its_time() -> None:
    ours = chain((OWNER, grant()))
    assert refusal([*ours, picture_key()], wall=WALL + DAY) is GrantRefusal.EXPIRED
    assert refusal([*ours, picture_key(issued=WALL + MAX_CLOCK_SKEW)]) is None
    assert refusal([*ours, picture_key(issued=WALL + MAX_CLOCK_SKEW + 1)]) is GrantRefusal.NOT_YET
