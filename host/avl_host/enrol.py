"""Enrolling: this host becomes a person's, by a code that they approve in a browser, where their key signs that it is.

The relay carries the code and the statement and could put its own in their place. So what the page shows of the host,
and what the host shows of the key, is compared by the person who is at both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from avl_host.rights.owner import Owner, owner_of
from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.api.calls import Api
from avl_protocol.endpoint.api.deviceflow import DEVICE_CODE, begin, wait
from avl_protocol.endpoint.api.http import relay_http
from avl_protocol.endpoint.api.proofs import Prover
from avl_protocol.endpoint.dial.dialling import Unreachable
from avl_protocol.endpoint.loop.world import World, system_world
from avl_protocol.wire.target import RelayAddress, own_page


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person has to do: open `url`, or type `code` at the page."""

    code: str
    url: str


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What was approved: the statement, and whose key signed it. Nothing is pinned yet, and the relay waits until that
    is confirmed by the `code` of this request."""

    token: str
    owner: Owner
    code: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """How the host describes itself to who approves."""

    name: str
    system: str
    software: str


async def enrol(
    identity: Identity,
    relay: RelayAddress,
    about: About,
    *,
    tell: Callable[[Asked], None],
    world: World | None = None,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> Enrolled:
    """Ask, and wait until a person has approved. Raises Refused, ApiError, OSError, ValueError for a statement that is
    not about this host."""
    world = world or system_world()
    prover = Prover(identity, world.clock, world.entropy)
    async with relay_http(world, relay) as http:
        api = Api(http, prover)
        pending = await begin(
            api,
            {
                "kind": "host",
                "jkt": prover.thumbprint,
                "device": identity.device_id.replace("-", ""),
                "name": about.name,
                "system": about.system,
                "software": about.software,
            },
        )
        page = own_page(http.facts.page, relay)
        tell(Asked(pending.user_code, f"{page}account/#code={pending.user_code}" if page else pending.complete))

        async def ask() -> dict[str, Any]:
            return dict(
                await api.call("POST", "/token", {"grant_type": DEVICE_CODE, "device_code": pending.device_code})
            )

        said = await wait(ask, pending, world.clock.monotonic, sleep)
    token = said.get("enrolment")
    if not isinstance(token, str):
        raise Unreachable("the relay's answer lacks the enrolment")
    return Enrolled(token, owner_of(token, identity.number), pending.device_code)


async def confirm(identity: Identity, relay: RelayAddress, enrolled: Enrolled, *, world: World | None = None) -> None:
    """Tell the relay that the key is the owner's: the host stands in their list from now on. Raises Refused, ApiError,
    OSError."""
    world = world or system_world()
    async with relay_http(world, relay) as http:
        api = Api(http, Prover(identity, world.clock, world.entropy))
        await api.call("POST", "/device-authorizations/confirm", {"device_code": enrolled.code})


def fingerprint(thumbprint: str) -> str:
    """A key's name as two people compare it: as the page shows it."""
    return " ".join(thumbprint[at : at + 6] for at in range(0, len(thumbprint), 6))
