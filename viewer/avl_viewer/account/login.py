"""Login: this program becomes one of a person's, by a code that they approve in a browser."""

from __future__ import annotations

import platform
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.api.calls import Api
from avl_protocol.endpoint.api.deviceflow import DEVICE_CODE, Pending, begin, wait
from avl_protocol.endpoint.api.http import relay_http
from avl_protocol.endpoint.api.proofs import Prover
from avl_protocol.endpoint.loop.world import World
from avl_protocol.rights.personkey import recovery_secret, unwrapped_seed
from avl_protocol.wire.target import RelayAddress, own_page
from avl_viewer.account import keyfile, program, signin
from avl_viewer.account.account import Account
from avl_viewer.account.credentials import ProgramCredentials
from avl_viewer.account.program import LINK_FILE, Kept
from avl_viewer.account.signin import SignIn


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person has to do: open `url`, or type `code` at the page."""

    code: str
    url: str


async def login(
    world: World,
    kept: Kept,
    relay: RelayAddress,
    *,
    name: str,
    software: str,
    tell: Callable[[Asked], None],
    sleep: Callable[[float], Awaitable[object]],
    person: str = "",
) -> SignIn:
    """Sign in, and keep it. `tell` is given what a person has to do; `person`: whose approval it has to be, by their
    id, "" for anybody's. What is kept of the same person at the same relay stays, their key before all. Raises Refused,
    ApiError, OSError, StateError, and ValueError where somebody else has approved it."""
    prover = Prover(kept.identity, world.clock, world.entropy)
    async with relay_http(world, relay) as http:
        api = Api(http, prover)
        about = {"kind": "program", "jkt": prover.thumbprint, "name": name, "system": system(), "software": software}
        pending = await begin(api, about)
        page = own_page(http.facts.page, relay)
        tell(Asked(pending.user_code, address(page, pending, prover.jwk["x"])))

        async def ask() -> dict[str, Any]:
            return dict(
                await api.call("POST", "/token", {"grant_type": DEVICE_CODE, "device_code": pending.device_code})
            )

        said = await wait(ask, pending, world.clock.monotonic, sleep)
        taken: list[str] = []
        credentials = ProgramCredentials(http, prover, world.clock, refresh="", keep=taken.append)
        credentials.take(said)
        me = await Account(Api(http, credentials)).me()
        if person and me.id != person:
            await Account(Api(http, credentials)).sign_out()
            raise ValueError(f"that was approved by {me.login}, not by who is signed in here")
        if not _known(kept, str(relay), me.id):
            program.forget(kept.state)
        signed = SignIn(str(relay), page, me.id, me.login, taken[-1])
        signin.save(kept.state, signed)
        if isinstance(link := said.get("statement"), str) and link:
            kept.state.write(LINK_FILE, link.encode())
        return signed


def _known(kept: Kept, relay: str, person: str) -> bool:
    """Whether it is this person at this relay who was signed in before."""
    try:
        before = signin.load(kept.state)
    except signin.NotSignedIn:
        return False
    return (before.relay, before.person) == (relay, person)


def address(page: str, pending: Pending, key: str) -> str:
    """Where a person approves, with the code filled in and the program's key, which the page says is theirs: so that
    nobody between can name another."""
    return f"{page}account/#code={pending.user_code}&k={key}" if page else pending.complete


def system() -> str:
    """This machine's system, as a person knows it."""
    return f"{platform.system()} {platform.release()}".strip()


async def bring_key(account: Account, kept: Kept, recovery: str) -> Identity:
    """Open a wrapped copy of the person's key with the recovery key, and keep it here. Raises ValueError, ApiError,
    OSError, StateError."""
    secret = recovery_secret(recovery)
    known = await account.key()
    for copy in await account.key_copies():
        if copy.kind != "recovery" or copy.data.get("thumbprint") != known:
            continue
        try:
            seed = unwrapped_seed(copy.data, secret)
        except ValueError:
            continue
        keyfile.save(kept.state, seed)
        kept.chains.forget()
        return Identity(seed)
    raise ValueError("that is not the recovery key of this person's key")
