"""Deciding: what an owner's key says of all sessions at a device or at a group's devices, and which groups a device is
in: policies, each the next of the one before.

The one before is the owner's own, as it was signed: what the relay says of it is not taken for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.loop.world import World
from avl_protocol.rights.statements import Policy, device_audience, sign
from avl_viewer.account.account import Account
from avl_viewer.account.devices import Device
from avl_viewer.account.owning import Place, key_of, owner_of
from avl_viewer.account.program import Kept, freshen


async def decide(
    account: Account, kept: Kept, world: World, place: Place, change: Callable[[Policy], Policy]
) -> Policy:
    """Sign the policy that follows, with what `change` makes of the one before. Raises NotOwner, ApiError, OSError."""
    own = key_of(kept) if place.device is None else owner_of(kept, place.device)
    last = (await account.policies(own.public)).get(place.audience) or Policy(audience=place.audience, sequence=0)
    following = replace(change(last), sequence=last.sequence + 1)
    await account.publish(sign(own, following))
    await freshen(account, own, world.clock.wall())
    return following


async def groups_of(account: Account, own: Identity, device: Device) -> tuple[str, ...]:
    """The groups that the owner has put a device in. Raises ApiError, OSError."""
    audience = device_audience(device.device)
    policy = (await account.policies(own.public)).get(audience)
    if policy is not None and policy.groups is not None:
        return policy.groups
    return await account.enrolled_groups(own.public, audience)


async def regroup(
    account: Account, kept: Kept, world: World, device: Device, change: Callable[[tuple[str, ...]], tuple[str, ...]]
) -> bool:
    """Put a device in other groups; False where they are the same. Raises NotOwner, ApiError, OSError."""
    own = owner_of(kept, device)
    now = await groups_of(account, own, device)
    wanted = change(now)
    if wanted == now:
        return False
    place = Place(device_audience(device.device), device.name, device)
    await decide(account, kept, world, place, lambda policy: replace(policy, groups=wanted))
    return True
