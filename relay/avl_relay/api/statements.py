"""Statements: policies, revocation lists and enrolments that owners have signed. The newest counts, and is handed on to
the hosts that it is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from avl_protocol.rights.statements import Policy, RevocationList
from avl_relay.api.lists import PAGING, page, position
from avl_relay.api.operations import Answer, Call, Operation
from avl_relay.api.problems import Problem
from avl_relay.api.shapes import IDENTIFIER, SECONDS, THUMBPRINT, TOKEN, Choice, Record, Text, answer, page_of
from avl_relay.api.sight import DEVICE, GROUP, keys_of
from avl_relay.api.signed import Signer, kind_of, own, signer_of, unverified, verified
from avl_relay.live import Happening, Live
from avl_relay.store.devices import Devices
from avl_relay.store.engine import new_id
from avl_relay.store.grants import Grants
from avl_relay.store.groups import Groups
from avl_relay.store.pictures import LastPictures
from avl_relay.store.statements import ENROLMENT, EVERYWHERE, POLICY, REVOCATION, Kept, Statements
from avl_relay.store.tables import statements

#: Seconds that a list may have been made in the future: clocks differ.
SKEW = 24 * 3600
KIND = Choice((POLICY, REVOCATION, ENROLMENT))
STATEMENT = answer(
    {
        "id": IDENTIFIER,
        "kind": KIND,
        "aud": Text(0, 256),
        "iss": THUMBPRINT,
        "seq": SECONDS,
        "token": TOKEN,
        "created": SECONDS,
    }
)


class StatementList:
    """The resource."""

    def __init__(self, live: Live, *, entropy: Callable[[int], bytes]) -> None:
        self._live, self._entropy = live, entropy

    def operations(self) -> Sequence[Operation]:
        """See Resource."""
        return (
            Operation(
                method="GET",
                path="/statements",
                handler=self.listed,
                summary="The statements that my keys have signed",
                query={**PAGING, "kind": KIND, "aud": Text(1, 256)},
                answers=page_of(STATEMENT),
            ),
            Operation(
                method="POST",
                path="/statements",
                handler=self.keep,
                summary="A policy or a revocation list that I have signed, newer than the one that counts",
                body=Record({"token": TOKEN}),
                status=201,
                answers=STATEMENT,
                says=("unverified", "conflict"),
            ),
        )

    async def listed(self, call: Call) -> Answer:
        """GET /statements."""
        asked, row = call.query, statements.c
        condition = row.iss.in_(await keys_of(call.db, call.identity.person))
        if "kind" in asked:
            condition &= row.kind == asked["kind"]
        if "aud" in asked:
            condition &= row.aud == asked["aud"]
        if "after" in asked:
            condition &= row.id > position(asked["after"], str)[0]
        found = await Statements(call.db).some(condition, asked["limit"] + 1)
        return page(found, asked["limit"], _shown, lambda one: (one.id,))

    async def keep(self, call: Call) -> Answer:
        """POST /statements."""
        token = call.body["token"]
        signer = own(await signer_of(call.db, token), call.identity)
        kind = kind_of(token)
        if kind == Policy.TYPE:
            return Answer(_shown(await self.keep_policy(call, token, signer)), 201)
        if kind == RevocationList.TYPE:
            return Answer(_shown(await self.keep_revocation(call, token, signer)), 201)
        raise unverified(f"{kind!r} is not kept here: a policy or a revocation list is", "/token")

    async def keep_policy(self, call: Call, token: str, signer: Signer) -> Kept:
        """Keep a policy that is newer. Raises Problem."""
        policy = verified(Policy, token, signer.key)
        concerned = await self._concerned(call.db, policy.audience, signer)
        kept = await self._kept(call, POLICY, policy.audience, signer, policy.sequence, token)
        if policy.groups is not None and policy.audience.startswith(DEVICE):
            device = policy.audience.removeprefix(DEVICE)
            await Groups(call.db).set_of_device(device, policy.groups, entropy=self._entropy, now=call.now)
            moved = Happening(kind="device", device=device, about={"number": device})
            call.afterwards(lambda: self._live.announce(moved))
        self._push(call, concerned)
        return kept

    async def keep_revocation(self, call: Call, token: str, signer: Signer) -> Kept:
        """Keep a revocation list that is newer; what it takes back is revoked here, too. Raises Problem."""
        revoked = verified(RevocationList, token, signer.key)
        if revoked.issued > call.now + SKEW:
            raise unverified("it was made more than a day after now: set the clock that is wrong", "/token")
        kept = await self._kept(call, REVOCATION, EVERYWHERE, signer, revoked.sequence, token)
        gone = await Grants(call.db).revoke(signer.thumbprint, names=revoked.grants, keys=revoked.keys, now=call.now)
        for owner in sorted({signer.thumbprint, *(grant.owner for grant in gone)}):
            concerned = await Devices(call.db).of_owner(owner)
            await LastPictures(call.db).forget(call.now, concerned)
            self._push(call, concerned)
        for person in {grant.person for grant in gone}:
            about = {"revoked": [grant.jti for grant in gone if grant.person == person], "person": person}
            self._announce(call, about)
        return kept

    async def _kept(self, call: Call, kind: str, aud: str, signer: Signer, seq: int, token: str) -> Kept:
        kept = Kept(
            id=new_id(self._entropy),
            kind=kind,
            aud=aud,
            iss=signer.thumbprint,
            seq=seq,
            token=token,
            created=call.now,
        )
        if not await Statements(call.db).keep(kept):
            newest = await Statements(call.db).newest(kind, aud, signer.thumbprint)
            more = None if newest is None else {"seq": newest.seq}
            raise Problem("conflict", f"one of the same or a higher number than {seq} counts already", more=more)
        return kept

    async def _concerned(self, db: AsyncConnection, audience: str, signer: Signer) -> list[str]:
        """The devices that a policy is about: of those that have pinned its signer. Raises Problem."""
        mine = set(await Devices(db).of_owner(signer.thumbprint))
        if audience.startswith(DEVICE):
            if (device := audience.removeprefix(DEVICE)) not in mine:
                raise unverified("the device that it is about has not pinned this key", "/token")
            return [device]
        return sorted(mine & set(await Devices(db).in_group(audience.removeprefix(GROUP))))

    def _push(self, call: Call, devices: Sequence[str]) -> None:
        for device in devices:
            call.afterwards(lambda device=device: self._live.push(device))  # type: ignore[misc]

    def _announce(self, call: Call, about: dict[str, Any]) -> None:
        call.afterwards(lambda: self._live.announce(Happening(kind="rights", device="", about=about)))


def _shown(kept: Kept) -> dict[str, Any]:
    return {
        "id": kept.id,
        "kind": kept.kind,
        "aud": kept.aud,
        "iss": kept.iss,
        "seq": kept.seq,
        "token": kept.token,
        "created": kept.created,
    }
