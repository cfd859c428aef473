"""Account: what the relay keeps of the person who is signed in, as typed calls; nothing of it opens a host."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from avl_protocol.endpoint.api.calls import Api, ApiError, segment
from avl_protocol.endpoint.dial.dialling import Unreachable
from avl_protocol.rights import jws
from avl_protocol.rights.enrolled import Enrolled, enrolled
from avl_protocol.rights.statements import Enrolment, Policy, RevocationList, Statement, read
from avl_viewer.account.devices import Device, read_device

S = TypeVar("S", bound=Statement)

#: What is asked for at once.
PAGE = {"limit": "200"}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at the relay. `key`: their public key, None before they made one; the texts are hostile."""

    id: str
    login: str
    name: str
    role: str = ""
    key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Permit:
    """A grant as the relay describes it; role and name are hostile text. Times in Unix seconds. `token`: the grant
    itself, "" where the relay does not say."""

    id: str
    audience: str
    owner: str
    permissions: int
    token: str = ""
    role: str = ""
    name: str = ""
    person: str = ""
    expires: int = 0
    revoked: int | None = None


@dataclass(frozen=True, slots=True)
class RunningSession:
    """A session at a device that the person may see: the device's name, who it is, as the relay knows them ("" where it
    does not), whence it comes, and since when (Unix seconds)."""

    id: str
    device: str
    name: str = ""
    who: str = ""
    address: str = ""
    begun: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """A group at the relay: `kind` is devices or people; `members`: numbers of devices, or ids of people."""

    id: str
    kind: str
    name: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CopyOfKey:
    """A wrapped copy of the person's key. `kind`: passkey or recovery."""

    id: str
    kind: str
    name: str
    data: dict[str, Any]


class Account:
    """Calls of one person. All raise ApiError for what the relay refuses, and OSError where it does not answer."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def me(self) -> Person:
        """Who is signed in."""
        return _person(await self._api.call("GET", "/me"))

    async def sign_out(self) -> None:
        """End this program's sign-in."""
        await self._api.call("DELETE", "/session")

    async def devices(self) -> tuple[Device, ...]:
        """All that the person may see."""
        found = [read_device(one) async for one in self._api.each("/devices", PAGE)]
        return tuple(one for one in found if one is not None)

    async def access_pass(self, device: Device) -> bytes:
        """What a relay that asks for accounts wants of who attaches; it works once."""
        said = await self._api.call("POST", f"/devices/{segment(device.number)}/pass", {})
        try:
            return jws.decode(said["pass"])
        except (TypeError, KeyError, jws.NotSigned):
            raise Unreachable("the relay's pass can't be read") from None

    async def people(self) -> list[Person]:
        """Who else is at the relay."""
        return [_person(one) async for one in self._api.each("/people", PAGE)]

    async def grants(self) -> list[Permit]:
        """What the person has permitted, and what was permitted to them."""
        return [_permit(one) async for one in self._api.each("/grants", PAGE)]

    async def chains(self) -> list[tuple[str, ...]]:
        """Chains of grants that end at the person's key, or at this program's."""
        found = []
        async for one in self._api.each("/grants/mine"):
            tokens = one.get("chain")
            if isinstance(tokens, list) and all(isinstance(token, str) for token in tokens):
                found.append(tuple(tokens))
        return found

    async def add_grant(self, chain: Sequence[str], idempotent: str) -> None:
        """Keep a grant that was signed here, with those that it stands on before it."""
        await self._make("/grants", {"chain": list(chain)}, idempotent)

    async def add_share(self, share: Mapping[str, Any], idempotent: str) -> None:
        """Keep a share link's chain: id, device, name, chain, pass_hash, uses."""
        await self._make("/shares", share, idempotent)

    async def take_back(self, grant: str, revocation: str) -> None:
        """A grant is revoked: by its name, with the list that says so."""
        await self._api.call("DELETE", f"/grants/{segment(grant)}", {"revocation": revocation})

    async def revocations(self, key: bytes) -> RevocationList | None:
        """The newest list that this key (32 bytes) signed; None where there is none."""
        lists = [one async for one in self._signed(RevocationList, key, {"kind": "revocation"})]
        return max(lists, key=lambda one: one.sequence, default=None)

    async def policies(self, key: bytes) -> dict[str, Policy]:
        """The newest policies that this key (32 bytes) signed, by what they are for."""
        newest: dict[str, Policy] = {}
        async for one in self._signed(Policy, key, {"kind": "policy", **PAGE}):
            known = newest.get(one.audience)
            if known is None or one.sequence > known.sequence:
                newest[one.audience] = one
        return newest

    async def enrolled_groups(self, key: bytes, audience: str) -> tuple[str, ...]:
        """The groups that this key (32 bytes) gave a device when it was enrolled."""
        signed = self._signed(Enrolment, key, {"kind": "enrolment", "aud": audience})
        found = [one async for one in signed if one.audience == audience]
        newest = max(found, key=lambda one: one.issued, default=None)
        return newest.groups if newest is not None else ()

    async def enrolled(self, device: Device, owner: str) -> Enrolled | None:
        """What the key of this thumbprint has signed about a device; None where it has not enrolled it. The relay's
        word for whose it is, and where it belongs, would lead people to a host of the relay's."""
        said = await self._api.call("GET", f"/devices/{segment(device.number)}")
        signed = said.get("signed") if isinstance(said, dict) else None
        tokens = signed if isinstance(signed, list) else []
        return enrolled([one for one in tokens if isinstance(one, str)], device.device, owner)

    async def _signed(self, kind: type[S], key: bytes, query: Mapping[str, str]) -> AsyncIterator[S]:
        """Statements of a kind that this key signed, whatever else the relay brings."""
        async for one in self._api.each("/statements", query):
            try:
                yield read(kind, str(one.get("token", "")), key)
            except jws.NotSigned:
                continue

    async def publish(self, token: str) -> None:
        """Hand a statement on to the hosts that it is about."""
        await self._api.call("POST", "/statements", {"token": token})

    async def key(self) -> str:
        """Thumbprint of the person's key; "" before there is one."""
        try:
            said = await self._api.call("GET", "/me/key")
        except ApiError as error:
            if error.status == 404:
                return ""
            raise
        return _text(said, "thumbprint")

    async def key_copies(self) -> list[CopyOfKey]:
        """Wrapped copies of it."""
        said = await self._api.call("GET", "/me/key-copies")
        rows = said.get("items", []) if isinstance(said, dict) else said
        return [
            CopyOfKey(_text(row, "id"), _text(row, "kind"), _text(row, "name"), row["data"])
            for row in rows
            if isinstance(row, dict) and isinstance(row.get("data"), dict)
        ]

    async def sessions(self) -> list[RunningSession]:
        """Who is at devices that the person may see."""
        return [
            RunningSession(
                id=_text(one, "id"),
                device=_text(one, "device"),
                name=_text(one, "name"),
                who=_text(one, "who"),
                address=_text(one, "address"),
                begun=_number(one, "begun") or 0,
            )
            async for one in self._api.each("/sessions")
        ]

    async def end_session(self, session: str) -> None:
        """Send somebody away."""
        await self._api.call("DELETE", f"/sessions/{segment(session)}")

    async def groups(self) -> list[Group]:
        """Groups of devices and of people, with who is in them."""
        found = [_group(one) async for one in self._api.each("/groups", PAGE)]
        return [_group(await self._api.call("GET", f"/groups/{segment(one.id)}")) for one in found]

    async def add_group(self, name: str, idempotent: str) -> Group:
        """A new group of people."""
        body, headers = {"kind": "people", "name": name}, [("idempotency-key", idempotent)]
        return _group(await self._api.call("POST", "/groups", body, headers=headers))

    async def remove_group(self, group: str) -> None:
        """No group of this id any more."""
        await self._api.call("DELETE", f"/groups/{segment(group)}")

    async def join(self, group: str, member: str) -> None:
        """Somebody is in a group."""
        await self._api.call("PUT", f"/groups/{segment(group)}/members/{segment(member)}")

    async def leave(self, group: str, member: str) -> None:
        """Somebody is not in a group any more."""
        await self._api.call("DELETE", f"/groups/{segment(group)}/members/{segment(member)}")

    async def _make(self, path: str, body: Mapping[str, Any], idempotent: str) -> None:
        await self._api.call("POST", path, body, headers=[("idempotency-key", idempotent)])


def _person(said: Any) -> Person:
    if not isinstance(said, dict) or not _text(said, "id"):
        raise Unreachable("the relay's answer about a person can't be read")
    try:
        public = jws.public_of(said["jwk"]) if said.get("jwk") is not None else None
    except jws.NotSigned:
        public = None
    return Person(_text(said, "id"), _text(said, "login"), _text(said, "name"), _text(said, "role"), public)


def _permit(said: Any) -> Permit:
    return Permit(
        id=_text(said, "jti"),
        audience=_text(said, "aud"),
        owner=_text(said, "owner"),
        permissions=_number(said, "permissions") or 0,
        token=_text(said, "token"),
        role=_text(said, "role"),
        name=_text(said, "name"),
        person=_text(said, "person"),
        expires=_number(said, "expires") or 0,
        revoked=_number(said, "revoked"),
    )


def _group(said: Any) -> Group:
    members = said.get("members") if isinstance(said, dict) else None
    names = tuple(one for one in members if isinstance(one, str)) if isinstance(members, list) else ()
    return Group(_text(said, "id"), _text(said, "kind"), _text(said, "name"), names)


def _text(said: Any, name: str) -> str:
    value = said.get(name) if isinstance(said, dict) else None
    return value if isinstance(value, str) else ""


def _number(said: Any, name: str) -> int | None:
    value = said.get(name) if isinstance(said, dict) else None
    return value if type(value) is int else None
