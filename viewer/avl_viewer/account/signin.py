"""SignIn: at which relay this program is signed in, and as whom. Kept in the state folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.wire.target import RelayAddress, parse_relay

FILE = "account.json"
#: Said where a name is of no use.
NOT_SIGNED_IN = "this program is not signed in: avl login RELAY"


class NotSignedIn(Exception):
    """There is no sign-in; the text says what to do."""

    def __init__(self) -> None:
        super().__init__(NOT_SIGNED_IN)


@dataclass(frozen=True, slots=True)
class SignIn:
    """One sign-in. `relay` as it was given (HOST:PORT?pin=FP), `page` for people; `refresh` brings the next access
    token, and is replaced each time."""

    relay: str
    page: str
    person: str
    login: str
    refresh: str

    @property
    def address(self) -> RelayAddress:
        """Where the relay is. Raises ValueError."""
        return parse_relay(self.relay)

    def refreshed(self, token: str) -> SignIn:
        """The same, with the next refresh token."""
        return replace(self, refresh=token)


def load(state: StateFolder) -> SignIn:
    """The sign-in that is kept. Raises NotSignedIn, StateError."""
    data = state.read(FILE)
    if data is None:
        raise NotSignedIn
    try:
        found = SignIn(**json.loads(data))
        found.address  # noqa: B018  (raises for what is damaged)
    except (ValueError, TypeError):
        raise NotSignedIn from None
    return found


def save(state: StateFolder, signed: SignIn) -> None:
    """Keep it. Raises StateError."""
    state.write(FILE, json.dumps(asdict(signed)).encode() + b"\n")


def forget(state: StateFolder) -> None:
    """Keep it no more."""
    (state.path / FILE).unlink(missing_ok=True)
