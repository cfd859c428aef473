"""Reach: from the name of a device to what opens a session with it, with the relay's accounts or without them.

What is kept is enough where it is still good. What is missing, or grows old, is asked for; where that can't be had the
session is tried with what there is, since it is the host that decides.
"""

from __future__ import annotations

from dataclasses import dataclass

from avl_protocol.endpoint.api.calls import ApiError
from avl_protocol.endpoint.loop.world import World
from avl_protocol.rights.jws import thumbprint
from avl_protocol.wire.target import Target
from avl_viewer.account import signin
from avl_viewer.account.account import Account
from avl_viewer.account.chains import Chain, of_grants, of_owner, owners_link
from avl_viewer.account.devices import Device, NoSuchName, meant
from avl_viewer.account.program import Kept, account_of, freshen

#: Seconds that the relay's accounts have to answer before what is kept has to do.
PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Way:
    """How to reach a device: where it is, what the host is shown, and the relay's pass, b"" for none."""

    target: Target
    device: Device
    chain: tuple[str, ...]
    access_pass: bytes = b""


class NotPermitted(Exception):
    """Nothing that this program has opens the device; the text says what to do."""


async def way_to(world: World, kept: Kept, name: str, program: str) -> Way:
    """The way to the device that a person calls `name`. `program`: how this one calls itself.

    Raises NotSignedIn, StateError, NoSuchName, NotPermitted; Refused, ApiError and OSError where something is missing
    that only the relay has.
    """
    signed = signin.load(kept.state)
    device = _known(kept, name)
    chain = kept.chains.load(device.device) if device is not None else None
    wall = world.clock.wall()
    access_pass = b""
    try:
        async with account_of(world, kept, PATIENCE) as account:
            if device is None or chain is None or not chain.good(wall):
                device, chain = await _asked(account, kept, name, wall, program)
                kept.chains.save(device.device, chain)
            if kept.person is not None and thumbprint(kept.person.public) == device.owner:
                await freshen(account, kept.person, wall)
            access_pass = await account.access_pass(device)
    except (ApiError, OSError):
        if device is None or chain is None or not chain.good(wall):
            raise
    return Way(Target(signed.address, device.device), device, chain.tokens, access_pass)


def _known(kept: Kept, name: str) -> Device | None:
    try:
        return meant(name, kept.devices.load())
    except NoSuchName:
        return None


async def _asked(account: Account, kept: Kept, name: str, wall: float, program: str) -> tuple[Device, Chain]:
    devices = await account.devices()
    kept.devices.save(devices)
    device = meant(name, devices)
    if kept.person is not None and thumbprint(kept.person.public) == device.owner:
        return device, of_owner(kept.person, kept.identity, wall, program)
    if (owned := owners_link(kept.link, device.owner, kept.identity.public, wall)) is not None:
        return device, owned
    chain = of_grants(
        await account.chains(),
        device,
        viewer=kept.identity,
        person=kept.person,
        link=kept.link,
        wall=wall,
        name=program,
    )
    if chain is None:
        raise NotPermitted(
            f"nothing that this program has opens {device.name}: ask its owner for permission. If you are the owner, "
            "bring your key: avl login --key"
        )
    return device, chain
