"""Reach: from the name of a device to what opens a session with it, with the relay's accounts or without them.

What opens it is asked for each time, for it may have been taken back, or be more now. Where that can't be had the
session is tried with what is kept, as long as that is good: it is the host that decides.
"""

from __future__ import annotations

from avl_protocol.endpoint.api.calls import ApiError
from avl_protocol.endpoint.loop.world import World
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.rights.jws import thumbprint
from avl_protocol.wire.target import Target
from avl_viewer.account import signin
from avl_viewer.account.account import Account
from avl_viewer.account.chains import Chain, of_grants, of_owner, owners_link
from avl_viewer.account.devices import Device, NoSuchName, meant
from avl_viewer.account.namedowners import NamedOwners
from avl_viewer.account.program import Kept, account_of, freshen, kept_in
from avl_viewer.account.signin import NotSignedIn, SignIn
from avl_viewer.way import NoWay, Way

#: Exit codes (spec 01-overview, 1.6).
USAGE, REFUSED = 2, 3
#: What the sessions of one visit show behind the pass: one that takes a lost one's place is let in by it (spec 12.4).
VISIT_BYTES = 16
#: Seconds that the relay's accounts have to answer before what is kept has to do.
PATIENCE = 5.0


async def way_to(world: World, state: StateFolder, name: str, program: str) -> Way:
    """The way to the device that a person calls `name`. `program`: how this one calls itself.

    Raises NoWay, StateError; Refused and OSError where something is missing that only the relay has, and it is another
    one or does not answer.
    """
    kept = kept_in(state, world)
    try:
        signed = signin.load(state)
    except NotSignedIn:
        raise NoWay(
            f"{name!r} is not a target: write avl://HOST:PORT/DEVICE-ID?pin=FP as the host prints it, or sign in with "
            "avl login RELAY, and write the name of a device",
            USAGE,
        ) from None
    try:
        return await _way(world, kept, signed, name, program)
    except NoSuchName as error:
        raise NoWay(str(error), USAGE) from None
    except ApiError as error:
        raise NoWay(str(error), REFUSED) from None


async def _way(world: World, kept: Kept, signed: SignIn, name: str, program: str) -> Way:
    device = _known(kept, name)
    chain = kept.chains.load(device.device) if device is not None else None
    wall = world.clock.wall()
    access_pass = b""
    try:
        async with account_of(world, kept, PATIENCE) as account:
            device, chain = await sought(account, kept, name, wall, program)
            kept.chains.save(device.device, chain)
            kept.owners.remember(name, device)
            if kept.person is not None and thumbprint(kept.person.public) == device.owner:
                await freshen(account, kept.person, wall)
            access_pass = await account.access_pass(device) + world.entropy(VISIT_BYTES)
    except (ApiError, OSError):
        if device is None or chain is None or not chain.good(wall):
            raise
    return Way(
        Target(signed.address, device.device),
        chain.tokens,
        access_pass,
        device.name,
        lambda world: way_to(world, kept.state, name, program),
    )


def _known(kept: Kept, name: str) -> Device | None:
    try:
        device = meant(name, kept.devices.load())
    except NoSuchName:
        return None
    return None if kept.owners.differs(name, device) else device


async def sought(account: Account, kept: Kept, name: str, wall: float, program: str) -> tuple[Device, Chain]:
    """The device that a person calls `name`, and what opens it at `wall` (Unix seconds); of what the relay says nothing
    counts that the device's owner has not signed (spec 11.6). Raises NoWay, NoSuchName, ApiError, OSError."""
    devices = await account.devices()
    device = meant(name, devices)
    _check_owner(kept.owners, name, device)
    enrolled = await account.enrolled(device, device.owner)
    if kept.person is not None and thumbprint(kept.person.public) == device.owner:
        owned: Chain | None = of_owner(kept.person, kept.identity, wall, program)
    else:
        owned = owners_link(kept.link, device.owner, kept.identity.public, wall)
    if enrolled is None:
        whose = "yours, but your key" if owned is not None else "somebody's whose key"
        raise NoWay(
            f"the relay says that {device.name} is {whose} has not enrolled {device.id}: nothing was "
            "sent there. Its owner enrols the host again with avl-host enroll; ask who runs the relay",
            REFUSED,
        )
    kept.devices.save(devices)
    if owned is not None:
        return device, owned
    chain = of_grants(
        await account.chains(),
        enrolled,
        viewer=kept.identity,
        person=kept.person,
        link=kept.link,
        wall=wall,
        name=program,
    )
    if chain is None:
        raise NoWay(
            f"nothing that this program has opens {device.name}: ask its owner for permission. If you are the owner, "
            "bring your key: avl login --key",
            REFUSED,
        )
    return device, chain


def _check_owner(owners: NamedOwners, name: str, device: Device) -> None:
    """A name leads on to devices of the owner whom it led to before. Raises NoWay."""
    if owners.differs(name, device):
        raise NoWay(
            f"the relay says that {device.name} is another owner's now than the last time: nothing was sent there. "
            f"Ask its owner for the device ID; if it is {device.id}, write that in place of the name",
            REFUSED,
        )
