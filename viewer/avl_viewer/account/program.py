"""Program: a state folder that is signed in, with everything that is kept there, and the way to the relay's API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.api.calls import Api
from avl_protocol.endpoint.api.http import relay_http
from avl_protocol.endpoint.api.proofs import Prover
from avl_protocol.endpoint.loop.world import World
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.rights.statements import RevocationList, sign
from avl_viewer.account import keyfile, signin
from avl_viewer.account.account import Account
from avl_viewer.account.chains import ChainFiles
from avl_viewer.account.credentials import ProgramCredentials
from avl_viewer.account.devices import DeviceFile
from avl_viewer.account.namedowners import NamedOwners
from avl_viewer.account.signin import SignIn

#: Seconds after which an owner's revocation list is signed anew: hosts take none that is older than a day.
STALE = 6 * 3600
#: File of what the person's key said of this program's: "this program is mine".
LINK_FILE = "link.jwt"


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept in a state folder."""

    state: StateFolder
    identity: Identity
    person: Identity | None
    link: str
    devices: DeviceFile
    chains: ChainFiles
    owners: NamedOwners


def kept_in(state: StateFolder, world: World) -> Kept:
    """Read the folder. Raises StateError."""
    link = state.read(LINK_FILE) or b""
    return Kept(
        state=state,
        identity=state.identity(world.entropy),
        person=keyfile.load(state),
        link=link.decode("ascii", "replace"),
        devices=DeviceFile(state),
        chains=ChainFiles(state),
        owners=NamedOwners(state),
    )


@asynccontextmanager
async def account_of(world: World, kept: Kept, timeout: float = 10.0) -> AsyncIterator[Account]:
    """The account that the folder is signed in to. Raises NotSignedIn, StateError, Refused, ApiError, OSError."""
    signed = signin.load(kept.state)
    async with relay_http(world, signed.address, timeout) as http:
        prover = Prover(kept.identity, world.clock, world.entropy)
        keep = _Keeper(kept.state, signed).token
        credentials = ProgramCredentials(http, prover, world.clock, refresh=signed.refresh, keep=keep)
        yield Account(Api(http, credentials))


@dataclass(slots=True)
class _Keeper:
    """Writes each refresh token down as it comes."""

    state: StateFolder
    signed: SignIn

    def token(self, token: str) -> None:
        """The next one. Raises StateError: one that is lost ends the sign-in."""
        self.signed = self.signed.refreshed(token)
        signin.save(self.state, self.signed)


async def freshen(account: Account, owner: Identity, wall: float) -> None:
    """Sign the owner's revocation list anew where it grows old. Raises ApiError, OSError."""
    last = await account.revocations(owner.public)
    if last is not None and wall - last.issued < STALE:
        return
    following = last.next(int(wall)) if last is not None else RevocationList(sequence=1, issued=int(wall))
    await account.publish(sign(owner, following))


def forget(state: StateFolder) -> None:
    """Keep nothing of a sign-in; the program's own identity stays."""
    signin.forget(state)
    keyfile.forget(state)
    DeviceFile(state).forget()
    ChainFiles(state).forget()
    NamedOwners(state).forget()
    (state.path / LINK_FILE).unlink(missing_ok=True)
