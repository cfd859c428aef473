"""What the page and the programs of an account make of the same secrets: tests/web/account.json holds both to it.

The file is read by tests/web/account.test.js, too. `python -m tests.protocol.test_account_mirror` writes it anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from avl_protocol.crypto.identity import Identity
from avl_protocol.rights.effective import Consent
from avl_protocol.rights.jws import encode, thumbprint
from avl_protocol.rights.personkey import recovery_secret, unwrap, wrap
from avl_protocol.rights.sharelink import Share
from avl_protocol.rights.statements import AccessGrant, Enrolment, KeyLink, RevocationList, device_audience, sign
from avl_protocol.wire.registry import PRESETS

FILE = Path(__file__).parents[1] / "web" / "account.json"
SEED, HOLDER, SECRET = bytes(range(32)), bytes(range(32, 64)), bytes(range(16))
NOW, DEVICE = 1_800_000_000, 12345
RECOVERY = "01234-56789-ABCDE-FGHJK-MNPQR-S"


def _once(data: bytes) -> Callable[[int], bytes]:
    return lambda size: data[:size]


def made() -> dict[str, Any]:
    """Everything that is compared."""
    owner, holder, share = Identity(SEED), Identity(HOLDER), Share(SECRET)
    grant = AccessGrant(
        audience=device_audience(DEVICE),
        permissions=PRESETS["OPERATOR"],
        not_before=NOW - 60,
        expires=NOW + 3600,
        id=encode(SECRET),
        holder=holder.public,
        uses=3,
        longest=600,
        consent=Consent.ALWAYS,
        role="Operator",
        name="Bo ✓",
        share=True,
    )
    link = KeyLink(holder=holder.public, not_before=NOW - 60, expires=NOW + 30 * 86_400, browser=True, name="Chrome")
    enrolment = Enrolment(audience=device_audience(DEVICE), issued=NOW, groups=("lab",), name="Lab")
    revocation = RevocationList(sequence=8, issued=NOW, grants=frozenset({encode(SECRET)}))
    names = sorted(encode(bytes([n]) * 16) for n in (1, 2, 3))
    ends = [NOW + 100, NOW + 200, 0]
    known = {name: end for name, end in zip(names, ends, strict=True) if end}
    first = RevocationList(sequence=0, issued=NOW).next(NOW, grants=names, ends=known)
    return {
        "ending": {
            "names": names,
            "ends": ends,
            "first": sign(owner, first),
            "second": sign(owner, first.next(NOW + 100)),
        },
        "seed": encode(SEED),
        "holder": encode(holder.public),
        "now": NOW,
        "device": str(DEVICE),
        "jti": encode(SECRET),
        "thumbprint": thumbprint(owner.public),
        "grant": sign(owner, grant),
        "link": sign(owner, link),
        "enrolment": sign(owner, enrolment),
        "revocation": sign(owner, revocation),
        "recovery": RECOVERY,
        "copy": wrap(SEED, recovery_secret(RECOVERY), _once(bytes(12))),
        "share": {
            "secret": encode(SECRET),
            "id": share.id,
            "pass": encode(share.access_pass),
            "public": encode(share.identity.public),
        },
    }


def test_programs_make_what_the_file_says() -> None:
    assert json.loads(FILE.read_text("utf-8")) == made()


def test_the_copy_opens_to_the_key() -> None:
    copy = json.loads(FILE.read_text("utf-8"))["copy"]
    assert unwrap(copy, recovery_secret(RECOVERY.lower().replace("-", " "))).public == Identity(SEED).public


if __name__ == "__main__":
    FILE.write_text(json.dumps(made(), indent=2, ensure_ascii=False) + "\n", "utf-8")
