"""Programs and hosts that act for somebody (RFC 8628, RFC 6749): asking, approval, tokens, and their end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from avl_protocol.rights.statements import Enrolment
from avl_protocol.wire.foreign import for_dialog
from avl_relay.accounts.premises import Premises
from avl_relay.accounts.refusals import Refusal, again, wrong
from avl_relay.people import deviceflow, opaque, refresh
from avl_relay.people.accesstokens import AccessTokens
from avl_relay.people.delay import PASSWORD
from avl_relay.people.deviceflow import Answer, Authorization, Kind, State
from avl_relay.people.holderkeys import Holder
from avl_relay.people.refresh import RefreshToken, Verdict
from avl_relay.people.sessions import FRESH
from avl_relay.store.credentials import Credentials
from avl_relay.store.limits import Limits
from avl_relay.store.programs import Authorizations, RefreshTokens

NAME = 128


@dataclass(frozen=True, slots=True)
class Asked:
    """What a program is told that asks for approval (RFC 8628, 3.2). Seconds."""

    device_code: str
    user_code: str
    expires_in: int
    interval: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What an approved program is told: its tokens, and what the person's key signed: of a host the enrolment, of a
    program, where there is one, that it is theirs."""

    access_token: str = ""
    expires_in: int = 0
    refresh_token: str = ""
    statement: str = ""
    person: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Who approves. `strong`: when they proved a second factor last (Unix seconds; None: never)."""

    person: str
    strong: int | None


class Enrols(Protocol):
    """Who takes hosts. Both raise Refusal for a statement that is not the person's about this host."""

    async def check(
        self, connection: AsyncConnection, asked: Authorization, person: str, statement: str
    ) -> tuple[bytes, Enrolment]:
        """Look at what a person's key signed, when they approve."""

    async def take(
        self, connection: AsyncConnection, asked: Authorization, person: str, statement: str, now: int
    ) -> None:
        """Keep the device, once its host has confirmed whose it is."""


class Programs:
    """Asking, approving, tokens. `enrols` is told of a host that somebody takes."""

    def __init__(self, premises: Premises, tokens: AccessTokens, enrols: Enrols) -> None:
        self._on, self._tokens, self._enrols = premises, tokens, enrols

    async def ask(
        self,
        kind: Kind,
        holder: Holder,
        *,
        device: str,
        name: str,
        system: str,
        software: str,
        address: str,
        now: int,
    ) -> Asked:
        """Ask for approval; all but the key is what the asker says of itself: hostile text. Raises Refusal."""
        self._on.admit(address)
        device_code, user_code = opaque.new_token(self._on.entropy), opaque.new_user_code(self._on.entropy)
        async with (await self._on.store()).writing() as connection:
            waiting = Authorizations(connection)
            await waiting.forget(now)
            if await waiting.waiting(now) >= deviceflow.PENDING:
                raise Refusal("unavailable", "Too many wait for approval just now. Try again in a minute.", wait=60)
            await waiting.add(
                Authorization(
                    device_code_hash=opaque.digest(device_code),
                    user_code=user_code,
                    kind=kind,
                    thumbprint=holder.thumbprint,
                    device=device,
                    name=for_dialog(name, NAME),
                    system=for_dialog(system, NAME),
                    software=for_dialog(software, NAME),
                    state=State.PENDING,
                    person="",
                    token="",
                    interval=deviceflow.INTERVAL,
                    strong=0,
                    polled=0,
                    created=now,
                    expires=now + deviceflow.HOLDS,
                )
            )
        return Asked(device_code, user_code, deviceflow.HOLDS, deviceflow.INTERVAL)

    async def look(self, user_code: str, person: str, now: int) -> Authorization:
        """What waits under a code that somebody typed; wrong ones make them wait. Raises Refusal."""
        key = self._on.hidden("user code", person)
        await self._on.spend(key, PASSWORD, now)
        async with (await self._on.store()).writing() as connection:
            asked = await Authorizations(connection).by_user_code(opaque.user_code_as_kept(user_code))
            if asked is None or asked.state is not State.PENDING or now >= asked.expires:
                raise wrong()
            await Limits(connection).clear(key)
        return asked

    async def approve(self, user_code: str, by: Approval, statement: str, now: int) -> Authorization:
        """Let it act for this person; what was approved. `statement`: what the person's key signed of it, which a host
        must have. Raises Refusal."""
        if by.strong is None or not by.strong or not 0 <= now - by.strong < FRESH:
            raise again()
        asked = await self.look(user_code, by.person, now)
        if asked.kind is Kind.HOST and not statement:
            raise Refusal("invalid", "A host is approved by a signed enrolment.")
        async with (await self._on.store()).writing() as connection:
            waiting = Authorizations(connection)
            current = await waiting.by_user_code(asked.user_code)
            if current is None or current.state is not State.PENDING:
                raise wrong()
            if current.kind is Kind.HOST:
                await self._enrols.check(connection, current, by.person, statement)
            await waiting.decided(
                current.device_code_hash, State.APPROVED, person=by.person, token=statement, strong=by.strong
            )
        return asked

    async def deny(self, user_code: str, person: str, now: int) -> None:
        """Send it away. Raises Refusal."""
        asked = await self.look(user_code, person, now)
        async with (await self._on.store()).writing() as connection:
            await Authorizations(connection).decided(asked.device_code_hash, State.DENIED, person=person)

    async def tokens(self, device_code: str, holder: Holder, now: int) -> Granted:
        """How it stands with what was asked. Raises Refusal, whose `error` is one of RFC 8628 3.5."""
        async with (await self._on.store()).writing() as connection:
            waiting = Authorizations(connection)
            asked = await waiting.by_device_code(opaque.digest(device_code))
            answer, interval = deviceflow.answer(asked, holder.thumbprint, now)
            granted: Granted | None = None
            if asked is not None and answer is not Answer.INVALID:
                await waiting.polled(asked.device_code_hash, now, interval)
            if asked is not None and answer is Answer.GRANTED:
                await waiting.taken(asked.device_code_hash)
                granted = await self._granted(connection, asked, now)
        if granted is None:
            raise Refusal("no-token", WAITS[answer], error=answer.value)
        return granted

    async def confirm(self, device_code: str, holder: Holder, now: int) -> Authorization:
        """A host says that who is at it has confirmed the key that signed: from now on it is that person's device. What
        nobody confirms goes with its code. Raises Refusal."""
        async with (await self._on.store()).writing() as connection:
            waiting = Authorizations(connection)
            asked = await waiting.by_device_code(opaque.digest(device_code))
            mine = asked is not None and asked.kind is Kind.HOST and asked.thumbprint == holder.thumbprint
            if asked is None or not mine or now >= asked.expires:
                raise Refusal("no-token", WAITS[Answer.EXPIRED], error=Answer.EXPIRED.value)
            if asked.state not in (State.TAKEN, State.CONFIRMED):
                raise Refusal("no-token", WAITS[Answer.PENDING], error=Answer.PENDING.value)
            if asked.state is State.TAKEN:
                await self._enrols.take(connection, asked, asked.person, asked.token, now)
                await waiting.confirmed(asked.device_code_hash)
        return asked

    async def refresh(self, token: str, holder: Holder, now: int) -> Granted:
        """The next tokens; one that was used before ends all that came from the same approval. Raises Refusal."""
        refused = Refusal("no-token", "Sign in again: this sign-in is over.", error=Answer.INVALID.value)
        granted: Granted | None = None
        async with (await self._on.store()).writing() as connection:
            tokens = RefreshTokens(connection)
            found = await tokens.find(opaque.digest(token))
            if found is not None:
                kept, name = found
                verdict = refresh.verdict(kept, holder.thumbprint, now)
                person = await Credentials(connection).by_id(kept.person)
                if verdict is Verdict.END_FAMILY or person is None or person.state != "active":
                    await tokens.end_family(kept.family, now)
                elif verdict is Verdict.TURN:
                    await tokens.used(kept.hash, now)
                    granted = await self._turned(connection, kept, name, now)
        if granted is None:
            raise refused
        return granted

    async def end(self, family: str, now: int) -> bool:
        """Sign a program out; False where it is not signed in."""
        async with (await self._on.store()).writing() as connection:
            return await RefreshTokens(connection).end_family(family, now)

    async def _granted(self, connection: AsyncConnection, asked: Authorization, now: int) -> Granted:
        if asked.kind is Kind.HOST:
            return Granted(statement=asked.token, person=asked.person)
        begun = RefreshToken(
            hash="",
            family=opaque.new_id(self._on.entropy),
            person=asked.person,
            thumbprint=asked.thumbprint,
            begun=now,
            expires=0,
            strong=asked.strong,
        )
        return await self._turned(connection, begun, asked.name, now, asked.token)

    async def _turned(
        self, connection: AsyncConnection, before: RefreshToken, name: str, now: int, statement: str = ""
    ) -> Granted:
        """The tokens that follow."""
        secret = opaque.new_token(self._on.entropy)
        following = RefreshToken(
            hash=opaque.digest(secret),
            family=before.family,
            person=before.person,
            thumbprint=before.thumbprint,
            begun=before.begun,
            expires=refresh.expiry(before.begun, now),
            strong=before.strong,
        )
        await RefreshTokens(connection).add(following, name=name, now=now)
        access, holds = self._tokens.issue(
            person=before.person,
            family=before.family,
            thumbprint=before.thumbprint,
            strong=before.strong,
            now=now,
        )
        return Granted(
            access_token=access,
            expires_in=holds,
            refresh_token=secret,
            statement=statement,
            person=before.person,
        )


#: What a person is told who reads what a program was answered.
WAITS = {
    Answer.PENDING: "Nobody has approved it yet.",
    Answer.SLOW_DOWN: "Asked too soon: wait longer between two questions.",
    Answer.DENIED: "It was denied.",
    Answer.EXPIRED: "Nobody approved it in time: begin again.",
    Answer.INVALID: "There is nothing of that code for this key.",
}
