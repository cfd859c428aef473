"""Stages: what a sign-in still lacks, by what was proved so far. One pure function decides.

A password, or another provider's word, is one factor. A passkey is two, since the authenticator verified its person. A
device that nobody of this account has signed in from is approved by another one, unless a passkey or a recovery code
was shown: a stolen password and a code read over a shoulder open nothing elsewhere.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum


class Proof(StrEnum):
    """What somebody has shown."""

    PASSWORD = "password"
    PROVIDER = "provider"
    TOTP = "totp"
    PASSKEY = "passkey"
    RECOVERY = "recovery"
    SETUP = "setup"
    APPROVED = "approved"


class Stage(StrEnum):
    """What comes next."""

    FACTOR = "factor"
    APPROVAL = "approval"
    ENROL = "enrol"
    FULL = "full"


#: Proofs that are, or stand for, a second factor.
SECOND = frozenset({Proof.TOTP, Proof.PASSKEY, Proof.RECOVERY})
#: Proofs that a new device needs no approval after.
TRUSTED = frozenset({Proof.PASSKEY, Proof.RECOVERY, Proof.SETUP, Proof.APPROVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of a person who signs in. `factors`: kinds of factors they have; `device_known`: they have signed
    in from this device; `devices_known`: from any; `demanded`: their role must have a second factor."""

    factors: Set[Proof]
    device_known: bool
    devices_known: bool
    demanded: bool


def stage(standing: Standing, proved: Set[Proof]) -> Stage:
    """What is lacking. A new device comes before the enrolment of a factor: else a stolen password would enrol one."""
    if standing.factors & {Proof.TOTP, Proof.PASSKEY} and not proved & SECOND:
        return Stage.FACTOR
    if standing.devices_known and not standing.device_known and not proved & TRUSTED:
        return Stage.APPROVAL
    if standing.demanded and not standing.factors & {Proof.TOTP, Proof.PASSKEY}:
        return Stage.ENROL
    return Stage.FULL


def ways(standing: Standing, stage: Stage) -> tuple[str, ...]:
    """What leads on from here, for the page to offer: `totp`, `passkey`, `recovery`, `approval`, `enrol`."""
    if stage is Stage.FACTOR:
        return tuple(kind for kind in (Proof.PASSKEY, Proof.TOTP, Proof.RECOVERY) if kind in standing.factors)
    if stage is Stage.APPROVAL:
        others = (kind for kind in (Proof.PASSKEY, Proof.RECOVERY) if kind in standing.factors)
        return ("approval", *others)
    return ("enrol",) if stage is Stage.ENROL else ()
