"""Time-based one-time passwords (RFC 6238): six digits that change every 30 s, each taken once.

pyotp takes the same code twice within its window; so the step of the last one taken is kept, and only later steps count
(RFC 6238, 5.2).
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime

import pyotp

from avl_relay.people import opaque

SECRET_BYTES = 20
STEP = 30
#: Steps that a clock may be off.
WINDOW = 1


def new_secret(entropy: opaque.Entropy) -> str:
    """A secret of 160 bits in base32, as apps take it."""
    return base64.b32encode(entropy(SECRET_BYTES)).decode()


def address(secret: str, login: str, issuer: str) -> str:
    """The `otpauth:` address that apps read from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)


def taken(secret: str, code: str, last: int, now: float) -> int | None:
    """The step whose code this is; None when it is wrong, or not later than `last`, the step of the code taken
    before (0: none). The caller keeps the step before it answers."""
    digits = code.replace(" ", "")
    if not re.fullmatch(r"[0-9]{6}", digits):
        return None
    current, found = int(now) // STEP, None
    for step in range(current - WINDOW, current + WINDOW + 1):
        moment = datetime.fromtimestamp(step * STEP, UTC)
        if opaque.same(pyotp.TOTP(secret).at(moment), digits) and step > last:
            found = step
    return found
