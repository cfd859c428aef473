"""Passkeys (Web Authentication, level 3): what a browser is asked, and what its authenticator's answer proves.

User verification is demanded each time, so that one passkey is two factors: what somebody has, and what the device
knows them by. The challenge is kept by the caller and taken once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import webauthn
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from avl_relay.people import opaque

CHALLENGE_BYTES = 32
#: Seconds that a person may take, and a challenge holds.
PATIENCE = 300
#: What each passkey is asked to derive the secret from that wraps the person key (PRF extension); the label is public.
PRF_LABEL = b"avl/1 person key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """One credential. `credential` and `public_key`: base64url; `site`: the RP ID it was made for."""

    credential: str
    public_key: str
    count: int
    site: str


class PasskeyRefused(Exception):
    """The answer proves nothing; the text is for the log."""


def to_register(
    *, challenge: bytes, site: str, person: str, login: str, name: str, present: Sequence[Passkey]
) -> dict[str, Any]:
    """`PublicKeyCredentialCreationOptionsJSON`. `person`: base64url name of the row, the user handle."""
    options = webauthn.generate_registration_options(
        rp_id=site,
        rp_name="avl",
        user_id=opaque.data(person),
        user_name=login,
        user_display_name=name or login,
        challenge=challenge,
        timeout=PATIENCE * 1000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=_named(present, site),
    )
    return _with_prf(options)


def registered(answer: dict[str, Any], *, challenge: bytes, site: str, origin: str) -> Passkey:
    """The passkey that a browser made. Raises PasskeyRefused."""
    try:
        proved = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site,
            expected_origin=origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise PasskeyRefused(str(error)) from None
    return Passkey(
        credential=opaque.text(proved.credential_id),
        public_key=opaque.text(proved.credential_public_key),
        count=proved.sign_count,
        site=site,
    )


def to_sign_in(*, challenge: bytes, site: str, of: Sequence[Passkey] = ()) -> dict[str, Any]:
    """`PublicKeyCredentialRequestOptionsJSON`. Without `of` the browser offers what it has."""
    options = webauthn.generate_authentication_options(
        rp_id=site,
        challenge=challenge,
        timeout=PATIENCE * 1000,
        allow_credentials=_named(of, site),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return _with_prf(options)


def credential_of(answer: dict[str, Any]) -> str:
    """Which credential an answer says it is of, base64url; empty where it says none."""
    named = answer.get("id")
    return named if isinstance(named, str) else ""


def signed_in(answer: dict[str, Any], passkey: Passkey, *, challenge: bytes, site: str, origin: str) -> int:
    """The signature counter to keep. Raises PasskeyRefused, also where the counter went back: a copy is in use."""
    try:
        proved = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site,
            expected_origin=origin,
            credential_public_key=opaque.data(passkey.public_key),
            credential_current_sign_count=passkey.count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise PasskeyRefused(str(error)) from None
    return proved.new_sign_count


def _named(passkeys: Sequence[Passkey], site: str) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=opaque.data(each.credential)) for each in passkeys if each.site == site]


def _with_prf(options: Any) -> dict[str, Any]:
    """The options as JSON, with the input of the PRF extension (base64url; the page makes bytes of it)."""
    made: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    made["extensions"] = {**made.get("extensions", {}), "prf": {"eval": {"first": opaque.text(PRF_LABEL)}}}
    return made
