"""Grants: who may use which device, as owners and delegates have signed it, handed on to those who hold them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import or_, select

from avl_protocol.rights import jws
from avl_relay.api.lists import PAGING, page, position
from avl_relay.api.operations import DONE, Answer, Call, Operation, Transaction
from avl_relay.api.problems import Problem
from avl_relay.api.shapes import (
    IDENTIFIER,
    SECONDS,
    THUMBPRINT,
    TOKEN,
    Flag,
    Many,
    Perhaps,
    Record,
    Text,
    Whole,
    answer,
    page_of,
)
from avl_relay.api.sight import DEVICE, GROUP, keys_of
from avl_relay.api.signed import DEEPEST, Chained, chained, own, signer_of, unverified
from avl_relay.api.statements import StatementList
from avl_relay.live import Happening, Live
from avl_relay.store.cleaning import clean
from avl_relay.store.devices import Devices
from avl_relay.store.grants import Grant, Grants
from avl_relay.store.tables import grants, person_keys

CHAIN = Many(TOKEN, DEEPEST, 1)
GRANT = answer(
    {
        "jti": IDENTIFIER,
        "aud": Text(1, 256),
        "owner": THUMBPRINT,
        "iss": THUMBPRINT,
        "holder": THUMBPRINT,
        "person": Perhaps(IDENTIFIER),
        "permissions": Whole(0, 1 << 53),
        "role": Text(0, 128),
        "name": Text(0, 128),
        "token": TOKEN,
        "expires": SECONDS,
        "revoked": Perhaps(SECONDS),
        "created": SECONDS,
    }
)
HELD = answer({"grant": GRANT, "chain": CHAIN})


class GrantList:
    """The resource. Revoking a grant is keeping a revocation list that names it."""

    def __init__(self, live: Live, statements: StatementList) -> None:
        self._live, self._statements = live, statements

    def operations(self) -> Sequence[Operation]:
        """See Resource."""
        return (
            Operation(
                method="GET",
                path="/grants",
                handler=self.listed,
                summary="Grants for my devices, and those that I have given",
                query={**PAGING, "aud": Text(1, 256), "person": IDENTIFIER, "revoked": Flag()},
                answers=page_of(GRANT),
            ),
            Operation(
                method="GET",
                path="/grants/mine",
                handler=self.mine,
                summary="What I hold, each with the chain that shows it",
                answers=page_of(HELD),
            ),
            Operation(
                method="POST",
                path="/grants",
                handler=self.keep,
                summary="A grant that I have signed, with those that it stands on before it",
                body=Record({"chain": CHAIN}),
                creates=True,
                status=201,
                answers=GRANT,
                says=("unverified", "conflict"),
            ),
            Operation(
                method="DELETE",
                path="/grants/{jti}",
                handler=self.revoke,
                summary="Take a grant back: with the revocation list that says so",
                parts={"jti": IDENTIFIER},
                body=Record({"revocation": TOKEN}),
                status=204,
                transaction=Transaction.WRITES,
                says=("not-found", "unverified", "conflict"),
            ),
        )

    async def listed(self, call: Call) -> Answer:
        """GET /grants."""
        asked, row = call.query, grants.c
        keys = await keys_of(call.db, call.identity.person)
        condition = row.jti != ""
        if not call.identity.administers:
            condition &= or_(row.owner.in_(keys), row.iss.in_(keys))
        if "aud" in asked:
            condition &= row.aud == asked["aud"]
        if "person" in asked:
            condition &= row.person == asked["person"]
        if "revoked" in asked:
            condition &= row.revoked.is_not(None) if asked["revoked"] else row.revoked.is_(None)
        if "after" in asked:
            condition &= row.jti > position(asked["after"], str)[0]
        found = await Grants(call.db).some(condition, asked["limit"] + 1)
        return page(found, asked["limit"], _shown, lambda one: (one.jti,))

    async def mine(self, call: Call) -> Answer:
        """GET /grants/mine."""
        known, person = Grants(call.db), call.identity.person
        held = await known.held_by(person, call.now)
        chains = [[one.token for one in await known.chain(grant)] for grant in held]
        items = [{"grant": _shown(grant), "chain": chain} for grant, chain in zip(held, chains, strict=True)]
        return Answer({"items": items, "next": None})

    async def keep(self, call: Call) -> Answer:
        """POST /grants."""
        chain = await chained(call.db, call.body["chain"])
        own(await signer_of(call.db, chain.tokens[-1]), call.identity)
        await self._about_devices(call, chain)
        known = Grants(call.db)
        for place, token in enumerate(chain.tokens):
            before = await known.of_digest(jws.digest(token))
            if before is None:
                await known.add(await self._row(call, chain, place))
            elif place == len(chain.tokens) - 1:
                raise Problem("conflict", "this grant is kept already")
            elif before.revoked is not None:
                raise Problem("conflict", "a grant that it stands on was revoked")
        kept = await known.one(chain.last.id)
        assert kept is not None
        about = {"granted": kept.jti, "person": kept.person}
        call.afterwards(lambda: self._live.announce(Happening(kind="rights", device="", about=about)))
        return Answer(_shown(kept), 201)

    async def revoke(self, call: Call) -> Answer:
        """DELETE /grants/{jti}."""
        grant = await Grants(call.db).one(call.path["jti"])
        keys = await keys_of(call.db, call.identity.person)
        if grant is None or (grant.owner not in keys and grant.iss not in keys):
            raise Problem("not-found", "there is no such grant, or another key's list has to take it back")
        token = call.body["revocation"]
        signer = own(await signer_of(call.db, token), call.identity)
        await self._statements.keep_revocation(call, token, signer)
        after = await Grants(call.db).one(grant.jti)
        if after is None or after.revoked is None:
            raise unverified("the list does not name this grant", "/revocation")
        return DONE

    async def _about_devices(self, call: Call, chain: Chained) -> None:
        """What it is for is there, and has pinned who signed it. Raises Problem."""
        audience, devices = chain.last.audience, Devices(call.db)
        mine = set(await devices.of_owner(chain.owner.thumbprint))
        if audience.startswith(DEVICE) and audience.removeprefix(DEVICE) not in mine:
            raise unverified("the device that it is for has not pinned the key of who signed it", "/chain/0")
        if audience.startswith(GROUP) and not mine:
            raise unverified("no device has pinned the key of who signed it", "/chain/0")

    async def _row(self, call: Call, chain: Chained, place: int) -> Grant:
        grant, token = chain.grants[place], chain.tokens[place]
        holder = jws.thumbprint(grant.holder)
        person = await call.db.scalar(select(person_keys.c.person).where(person_keys.c.thumbprint == holder))
        return Grant(
            jti=grant.id,
            digest=jws.digest(token),
            parent=grant.parent,
            owner=chain.owner.thumbprint,
            iss=jws.header(token, len(token)).kid,
            holder=holder,
            person=person,
            aud=grant.audience,
            permissions=int(grant.permissions),
            role=clean(grant.role),
            name=clean(grant.name),
            token=token,
            expires=grant.expires,
            revoked=None,
            created=call.now,
        )


def _shown(grant: Grant) -> dict[str, Any]:
    return {
        "jti": grant.jti,
        "aud": grant.aud,
        "owner": grant.owner,
        "iss": grant.iss,
        "holder": grant.holder,
        "person": grant.person,
        "permissions": grant.permissions,
        "role": grant.role,
        "name": grant.name,
        "token": grant.token,
        "expires": grant.expires,
        "revoked": grant.revoked,
        "created": grant.created,
    }
