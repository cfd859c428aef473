"""People: who there is at this relay, whom its administrators invite, and what they may do here."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

from avl_relay.api.devices import NAME, cleaned
from avl_relay.api.identity import Identity, Role
from avl_relay.api.lists import PAGING, beyond, page, position
from avl_relay.api.operations import DONE, Answer, Call, Operation, Who
from avl_relay.api.problems import Problem
from avl_relay.api.shapes import IDENTIFIER, SECONDS, Anything, Choice, Many, Perhaps, Record, Text, answer, page_of
from avl_relay.live import Happening, Live
from avl_relay.store.engine import new_id
from avl_relay.store.hashes import hashed
from avl_relay.store.people import ACTIVE, DISABLED, INVITED, People, Somebody
from avl_relay.store.tables import people

ROLE = Choice(tuple(role.value for role in Role))
STATE = Choice((ACTIVE, DISABLED))
LOGIN = Text(1, 64, r"[A-Za-z0-9](?:[A-Za-z0-9._@+-]*[A-Za-z0-9])?", "a login of letters, digits and ._@+- is expected")
#: What everybody sees of others, and what is for those who administer and for oneself.
PERSON = answer(
    {
        "id": IDENTIFIER,
        "name": Text(1, 128),
        "key": Perhaps(Text(43, 43)),
        "jwk": Perhaps(Anything()),
        "state": Text(1, 16),
    },
    {"login": Text(1, 128), "role": ROLE, "factors": Many(Text(1, 16), 8), "created": SECONDS},
)
INVITED_PERSON = answer({"person": PERSON, "invite": Text(26, 43), "expires": SECONDS, "url": Text(1, 512)})
#: Seconds that an invitation is good.
INVITATION = 7 * 24 * 3600


class PeopleList:
    """The resource. `page()`: the page's URL; `gone(person)` is told of who is deleted, to forget them elsewhere."""

    def __init__(
        self,
        live: Live,
        *,
        page: Callable[[], str],
        entropy: Callable[[int], bytes],
        gone: Callable[[str], None] = lambda person: None,
    ) -> None:
        self._live, self._page, self._entropy, self._gone = live, page, entropy, gone

    def operations(self) -> Sequence[Operation]:
        """See Resource."""
        one = {"id": IDENTIFIER}
        return (
            Operation(
                method="GET",
                path="/people",
                handler=self.listed,
                summary="People, by name",
                query={**PAGING, "query": Text(1, 128)},
                answers=page_of(PERSON),
            ),
            Operation(
                method="POST",
                feature="invitations",
                path="/people",
                handler=self.invite,
                summary="Invite somebody: who has the invitation sets a password",
                who=Who.ADMIN,
                fresh=True,
                body=Record({"login": LOGIN, "name": NAME}, {"role": ROLE}),
                status=201,
                answers=INVITED_PERSON,
                says=(
                    "turned-off",
                    "conflict",
                ),
            ),
            Operation(
                method="GET",
                path="/people/{id}",
                handler=self.get,
                summary="One person",
                parts=one,
                answers=PERSON,
                says=("not-found",),
            ),
            Operation(
                method="PATCH",
                path="/people/{id}",
                handler=self.change,
                summary="Another name, role or state",
                who=Who.ADMIN,
                fresh=True,
                parts=one,
                body=Record({}, {"name": NAME, "role": ROLE, "state": STATE}),
                answers=PERSON,
                says=("not-found", "conflict"),
            ),
            Operation(
                method="DELETE",
                path="/people/{id}",
                handler=self.remove,
                summary="Nobody of that id any more: what names them is removed, from the audit log, too",
                who=Who.ADMIN,
                fresh=True,
                parts=one,
                status=204,
                says=("not-found", "conflict"),
            ),
            Operation(
                method="DELETE",
                path="/people/{id}/factors",
                handler=self.reset,
                summary="Forget somebody's second factors, and sign her out",
                who=Who.ADMIN,
                fresh=True,
                parts=one,
                status=204,
                says=("not-found",),
            ),
        )

    async def listed(self, call: Call) -> Answer:
        """GET /people."""
        asked, row, who = call.query, people.c, call.identity
        condition = row.id != "" if who.administers else (row.state == ACTIVE)
        if "query" in asked:
            condition &= row.name.icontains(asked["query"], autoescape=True)
        if "after" in asked:
            condition &= beyond((row.name, row.id), position(asked["after"], str, str))
        found = await People(call.db).some(condition, asked["limit"] + 1)
        return page(found, asked["limit"], lambda one: _shown(one, who), lambda one: (one.name, one.id))

    async def get(self, call: Call) -> Answer:
        """GET /people/{id}."""
        return Answer(_shown(await self._one(call), call.identity))

    async def invite(self, call: Call) -> Answer:
        """POST /people."""
        role = Role(call.body.get("role", Role.MEMBER.value))
        may_give(call.identity, role)
        person, secret = new_id(self._entropy), self._entropy(32)
        expires = call.now + INVITATION
        shown = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
        await People(call.db).invite(
            id=person,
            login=call.body["login"].lower(),
            name=cleaned(call.body["name"], "/name"),
            role=role.value,
            hash=hashed(shown),
            now=call.now,
            expires=expires,
        )
        made = await People(call.db).one(person)
        assert made is not None
        url = f"{self._page()}account/#invite={shown}"
        return Answer({"person": _shown(made, call.identity), "invite": shown, "expires": expires, "url": url}, 201)

    async def change(self, call: Call) -> Answer:
        """PATCH /people/{id}."""
        person, known = await self._one(call), People(call.db)
        may_give(call.identity, Role(person.role))
        values = dict(call.body)
        if "name" in values:
            values["name"] = cleaned(values["name"], "/name")
        if "role" in values:
            may_give(call.identity, Role(values["role"]))
        if values.get("state") == ACTIVE and person.state == INVITED:
            raise Problem("conflict", "who was invited sets a password first")
        if values:
            await known.change(person.id, **values)
        if "role" in values or "state" in values:
            await self._keep_an_owner(call)
            await known.sign_out(person.id)  # what a session may is not looked up again
        self._announce(call, person.id)
        changed = await self._one(call)
        return Answer(_shown(changed, call.identity))

    async def remove(self, call: Call) -> Answer:
        """DELETE /people/{id}."""
        person, known = await self._one(call), People(call.db)
        may_give(call.identity, Role(person.role))
        if count := await known.owned(person.id):
            raise Problem("conflict", f"{count} devices are this person's: delete them, or enrol them anew")
        await known.remove(person.id)
        call.afterwards(lambda: self._gone(person.id))
        await self._keep_an_owner(call)
        self._announce(call, person.id)
        return DONE

    async def reset(self, call: Call) -> Answer:
        """DELETE /people/{id}/factors."""
        person, known = await self._one(call), People(call.db)
        may_give(call.identity, Role(person.role))
        await known.forget_factors(person.id)
        await known.sign_out(person.id)
        return DONE

    async def _one(self, call: Call) -> Somebody:
        found = await People(call.db).one(call.path["id"])
        if found is None or (found.state != ACTIVE and not call.identity.administers):
            raise Problem("not-found", "there is nobody of that id")
        return found

    async def _keep_an_owner(self, call: Call) -> None:
        if not await People(call.db).owners():
            raise Problem("conflict", "then nobody would own this relay")

    def _announce(self, call: Call, person: str) -> None:
        call.afterwards(lambda: self._live.announce(Happening(kind="rights", device="", about={"person": person})))


def may_give(who: Identity, role: Role) -> None:
    """Only owners make owners and administrators, or change them. Raises Problem."""
    if role is not Role.MEMBER and who.role is not Role.OWNER:
        raise Problem("forbidden", "this is for owners of the relay")


def _shown(person: Somebody, who: Identity) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": person.id,
        "name": person.name,
        "key": person.key,
        "jwk": person.jwk,
        "state": person.state,
    }
    if who.administers or who.person == person.id:
        more = {"login": person.login, "role": person.role, "factors": person.factors, "created": person.created}
        shown |= more
    return shown
