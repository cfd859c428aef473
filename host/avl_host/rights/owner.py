"""Owner: whose host this is, as pinned by its person's act (spec 11, 11.6)."""

from __future__ import annotations

from dataclasses import dataclass

from avl_protocol.endpoint.program.state import StateError, StateFolder
from avl_protocol.rights.jws import NotSigned, thumbprint
from avl_protocol.rights.statements import Enrolment, device_audience, enrolment_of

_FILE = "owner.jwt"


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner's key (32 bytes), and the enrolment that it signed."""

    key: bytes
    enrolment: Enrolment

    @property
    def thumbprint(self) -> str:
        """What a person compares with what the owner's program shows."""
        return thumbprint(self.key)


def owner_of(token: str, number: int) -> Owner:
    """The owner that an enrolment of the device of this number names. Raises ValueError that says what is wrong."""
    try:
        key, enrolment = enrolment_of(token)
    except NotSigned as error:
        raise ValueError(f"this is no enrolment: {error}") from None
    if enrolment.audience != device_audience(number):
        raise ValueError("this is the enrolment of another device")
    return Owner(key, enrolment)


def pin_owner(state: StateFolder, enrolment_token: str) -> Owner:
    """Make who signed this enrolment the owner of the host with this state folder, in the place of any before.

    To be called by its person's act, never because a relay said so (R-RIGHT-7). A host that runs is told with the
    request `{"ask": "owner"}` at its socket. Raises ValueError for what is no enrolment of this device, StateError.
    """
    owner = owner_of(enrolment_token, state.identity(_no_identity).number)
    state.write(_FILE, enrolment_token.encode())
    return owner


def forget_owner(state: StateFolder) -> None:
    """Nobody owns the host any more. Raises StateError."""
    state.write(_FILE, b"")


def load_owner(state: StateFolder, number: int) -> Owner | None:
    """The owner as pinned; None where there is none, or where the enrolment is another device's. Raises StateError."""
    token = state.read(_FILE)
    if not token:
        return None
    try:
        return owner_of(token.decode(), number)
    except ValueError:
        return None  # the folder was copied, or the host has become another device: nobody owns that


def _no_identity(size: int) -> bytes:
    raise StateError("this host has no identity yet: start it once with 'avl-host run'")
