"""Groups of people, and of devices: what a grant or a policy may be for at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from avl_relay.api.devices import NAME, cleaned
from avl_relay.api.lists import PAGING, beyond, page, position
from avl_relay.api.operations import DONE, Answer, Call, Operation, Who
from avl_relay.api.problems import Problem
from avl_relay.api.shapes import IDENTIFIER, SECONDS, Choice, Many, Record, Text, Whole, answer, page_of
from avl_relay.live import Happening, Live
from avl_relay.store.devices import Devices
from avl_relay.store.engine import new_id
from avl_relay.store.groups import DEVICES, PEOPLE, Group, Groups
from avl_relay.store.people import People
from avl_relay.store.tables import groups

KIND = Choice((PEOPLE, DEVICES))
MEMBER = Text(22, 28, "[A-Za-z0-9_-]{22}|[0-9A-HJKMNP-TV-Z]{28}", "a person's id or a device's number is expected")
GROUP = answer(
    {"id": IDENTIFIER, "kind": KIND, "name": Text(1, 128), "size": Whole(0, 1 << 53), "created": SECONDS},
    {"members": Many(MEMBER, 1 << 20)},
)


class GroupList:
    """The resource."""

    def __init__(self, live: Live, *, entropy: Callable[[int], bytes]) -> None:
        self._live, self._entropy = live, entropy

    def operations(self) -> Sequence[Operation]:
        """See Resource."""
        one = {"id": IDENTIFIER}
        member = {**one, "member": MEMBER}
        return (
            Operation(
                method="GET",
                path="/groups",
                handler=self.listed,
                summary="Groups, by name",
                query={**PAGING, "kind": KIND},
                answers=page_of(GROUP),
            ),
            Operation(
                method="POST",
                path="/groups",
                handler=self.create,
                summary="A new group",
                who=Who.ADMIN,
                creates=True,
                body=Record({"kind": KIND, "name": NAME}),
                status=201,
                answers=GROUP,
                says=("conflict",),
            ),
            Operation(
                method="GET",
                path="/groups/{id}",
                handler=self.get,
                summary="A group and who is in it",
                parts=one,
                answers=GROUP,
                says=("not-found",),
            ),
            Operation(
                method="PATCH",
                path="/groups/{id}",
                handler=self.rename,
                summary="Another name",
                who=Who.ADMIN,
                parts=one,
                body=Record({"name": NAME}),
                answers=GROUP,
                says=("not-found", "conflict"),
            ),
            Operation(
                method="DELETE",
                path="/groups/{id}",
                handler=self.remove,
                summary="No such group any more",
                who=Who.ADMIN,
                parts=one,
                status=204,
                says=("not-found",),
            ),
            Operation(
                method="PUT",
                path="/groups/{id}/members/{member}",
                handler=self.join,
                summary="Somebody, or a device, is in a group",
                who=Who.ADMIN,
                parts=member,
                status=204,
                says=("not-found",),
            ),
            Operation(
                method="DELETE",
                path="/groups/{id}/members/{member}",
                handler=self.leave,
                summary="Somebody, or a device, is not in a group any more",
                who=Who.ADMIN,
                parts=member,
                status=204,
                says=("not-found",),
            ),
        )

    async def listed(self, call: Call) -> Answer:
        """GET /groups."""
        asked, condition = call.query, groups.c.id != ""
        if "kind" in asked:
            condition &= groups.c.kind == asked["kind"]
        if "after" in asked:
            condition &= beyond((groups.c.name, groups.c.id), position(asked["after"], str, str))
        found = await Groups(call.db).some(condition, asked["limit"] + 1)
        return page(found, asked["limit"], _shown, lambda one: (one.name, one.id))

    async def create(self, call: Call) -> Answer:
        """POST /groups."""
        known, name = Groups(call.db), new_id(self._entropy)
        await known.add(id=name, kind=call.body["kind"], name=cleaned(call.body["name"], "/name"), now=call.now)
        self._announce(call, name)
        return Answer(_shown(await self._one(call, name)), 201)

    async def get(self, call: Call) -> Answer:
        """GET /groups/{id}."""
        group = await self._one(call, call.path["id"])
        return Answer({**_shown(group), "members": await Groups(call.db).members(group.id)})

    async def rename(self, call: Call) -> Answer:
        """PATCH /groups/{id}."""
        group = await self._one(call, call.path["id"])
        await Groups(call.db).rename(group.id, cleaned(call.body["name"], "/name"))
        self._announce(call, group.id)
        return Answer(_shown(await self._one(call, group.id)))

    async def remove(self, call: Call) -> Answer:
        """DELETE /groups/{id}."""
        group = await self._one(call, call.path["id"])
        await Groups(call.db).remove(group.id)
        self._announce(call, group.id)
        return DONE

    async def join(self, call: Call) -> Answer:
        """PUT /groups/{id}/members/{member}."""
        group, member = await self._one(call, call.path["id"]), call.path["member"]
        known = Devices(call.db).one(member) if group.kind == DEVICES else People(call.db).one(member)
        if await known is None:
            raise Problem("not-found", f"nobody of that name could be in a group of {group.kind}")
        await Groups(call.db).join(group.id, member)
        self._changed(call, group, member)
        return DONE

    async def leave(self, call: Call) -> Answer:
        """DELETE /groups/{id}/members/{member}."""
        group = await self._one(call, call.path["id"])
        await Groups(call.db).leave(group.id, call.path["member"])
        self._changed(call, group, call.path["member"])
        return DONE

    async def _one(self, call: Call, name: str) -> Group:
        found = await Groups(call.db).one(name)
        if found is None:
            raise Problem("not-found", "there is no such group")
        return found

    def _announce(self, call: Call, name: str) -> None:
        call.afterwards(lambda: self._live.announce(Happening(kind="rights", device="", about={"group": name})))

    def _changed(self, call: Call, group: Group, member: str) -> None:
        """Other statements may be about a device now."""
        self._announce(call, group.id)
        if group.kind == DEVICES:
            call.afterwards(lambda: self._live.push(member))


def _shown(group: Group) -> dict[str, Any]:
    return {
        "id": group.id,
        "kind": group.kind,
        "name": group.name,
        "size": group.size,
        "created": group.created,
    }
