"""Signing in, step by step: each proof makes another cookie, until nothing is lacking.

Every try is counted before it is answered: per name or person (people/delay.py) and per source. A browser that its
person has signed in from has a counter of its own, so that who guesses elsewhere keeps nobody out; a passkey is not
guessed at and waits for nobody.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from avl_protocol.wire.foreign import for_dialog
from avl_relay.accounts.premises import Premises
from avl_relay.accounts.refusals import Refusal, again, busy, too_often, wrong
from avl_relay.people import opaque, passkeys, totp
from avl_relay.people.delay import CODE, PASSWORD
from avl_relay.people.passkeys import Passkey, PasskeyRefused
from avl_relay.people.passwords import LONGEST, Busy
from avl_relay.people.sessions import WebSession
from avl_relay.people.stages import SECOND, Proof, Stage, Standing, stage, ways
from avl_relay.store.challenges import Challenges
from avl_relay.store.credentials import Credentials, Factor, Person
from avl_relay.store.limits import Limits
from avl_relay.store.websessions import Browsers, WebSessions

#: What asks for a passkey, among challenges.
SIGN_IN = "passkey"
#: Characters kept of what a browser calls itself.
AGENT = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Where a request comes from. `address`: an IP literal; `browser`: the browser's own cookie, empty where it has
    none yet; `agent`: what it calls itself."""

    address: str
    browser: str
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """How far a sign-in has come. `cookie`: the session's from now on; `browser`: the browser's own; both empty where
    they stay what they are. `next`: what leads on; `known`: whether the person has signed in wholly with this browser
    before."""

    person: Person
    session: WebSession
    next: tuple[str, ...]
    cookie: str = ""
    browser: str = ""
    known: bool = False


@dataclass(frozen=True, slots=True)
class Site:
    """Where passkeys are made and used: the RP ID, and the page's origin."""

    id: str
    origin: str


class SignIn:
    """Signs people in."""

    def __init__(self, premises: Premises) -> None:
        self._on = premises

    async def password(self, login: str, password: str, visitor: Visitor, now: int) -> Signed:
        """Begin with a name and a password. Raises Refusal."""
        self._on.admit(visitor.address)
        login = login.strip().lower()
        store = await self._on.store()
        async with store.reading() as connection:  # a crowd that has to wait costs this alone
            person = await Credentials(connection).by_login(login)
            known = await Browsers(connection).known(person.id) if person is not None else set()
            own = opaque.digest(visitor.browser) if visitor.browser else ""
            key = self._on.hidden("login", login, own if own in known else "")
            if wait := await Limits(connection).wait(key, PASSWORD, now):
                raise too_often(wait)
        await self._on.spend(key, PASSWORD, now)
        kept = person.password_hash if person is not None and person.state == "active" else None
        try:
            right = await self._on.hashing.matches(kept, password[: LONGEST + 1])
            anew = await self._on.hashing.hash(password) if right and kept and self._on.hashing.outdated(kept) else ""
        except Busy:
            raise busy() from None
        if person is None or not right:
            raise wrong()
        async with store.writing() as connection:
            await Limits(connection).clear(key)
            if anew and kept:
                await Credentials(connection).rehash(person.id, kept, anew)
            return await self.reached(connection, person, None, Proof.PASSWORD, visitor, now)

    async def totp(self, session: WebSession, code: str, visitor: Visitor, now: int) -> Signed:
        """Show a code of an authenticator. Raises Refusal."""
        await self._count(session, visitor, now)
        async with (await self._on.store()).writing() as connection:
            credentials = Credentials(connection)
            for factor in await credentials.factors(session.person, lock=True):
                if factor.kind is Proof.TOTP and factor.confirmed:
                    step = totp.taken(self.secret_of(factor), code, factor.data.get("step", 0), now)
                    if step is not None:
                        await credentials.use_factor(factor.id, {**factor.data, "step": step}, now)
                        return await self._shown(connection, session, Proof.TOTP, visitor, now)
        raise wrong()

    async def recovery(self, session: WebSession, code: str, visitor: Visitor, now: int) -> Signed:
        """Use up a recovery code. Raises Refusal."""
        await self._count(session, visitor, now)
        async with (await self._on.store()).writing() as connection:
            if await Credentials(connection).use_recovery(session.person, opaque.digest_of_code(code)):
                return await self._shown(connection, session, Proof.RECOVERY, visitor, now)
        raise wrong()

    async def passkey_options(
        self, session: WebSession | None, site: Site, visitor: Visitor, now: int
    ) -> dict[str, Any]:
        """What the browser asks its authenticator; without a session any passkey of this site will do. Raises
        Refusal."""
        self._on.admit(visitor.address)
        challenge = self._on.entropy(passkeys.CHALLENGE_BYTES)
        async with (await self._on.store()).writing() as connection:
            of = [] if session is None else await Credentials(connection).factors(session.person)
            await Challenges(connection).put(
                opaque.digest(opaque.text(challenge)),
                SIGN_IN,
                person="" if session is None else session.person,
                data={"site": site.id},
                expires=now + passkeys.PATIENCE,
            )
        mine = [passkey_of(factor) for factor in of if factor.kind is Proof.PASSKEY]
        return passkeys.to_sign_in(challenge=challenge, site=site.id, of=mine)

    async def passkey(
        self, session: WebSession | None, answer: dict[str, Any], site: Site, visitor: Visitor, now: int
    ) -> Signed:
        """What the authenticator said; without a session it is who the passkey belongs to. Raises Refusal."""
        self._on.admit(visitor.address)
        challenge = challenge_of(answer)
        store = await self._on.store()
        async with store.writing() as connection:  # taken for good, whatever the answer
            asked = await Challenges(connection).take(opaque.digest(challenge), SIGN_IN, now)
        if asked is None or asked.data["site"] != site.id:
            raise wrong()
        if asked.person != ("" if session is None else session.person):
            raise wrong()
        async with store.writing() as connection:
            credentials = Credentials(connection)
            factor = await credentials.passkey(passkeys.credential_of(answer))
            person = await credentials.by_id(factor.person) if factor is not None else None
            if factor is None or person is None or person.state != "active":
                raise wrong()
            if session is not None and session.person != person.id:
                raise wrong()
            try:
                count = passkeys.signed_in(
                    answer, passkey_of(factor), challenge=opaque.data(challenge), site=site.id, origin=site.origin
                )
            except PasskeyRefused:
                raise wrong() from None
            await credentials.use_factor(factor.id, {**factor.data, "count": count}, now)
            return await self.reached(connection, person, session, Proof.PASSKEY, visitor, now)

    async def by_password(self, session: WebSession, password: str, visitor: Visitor, now: int) -> Signed:
        """Give the password again: a step-up of who has no second factor yet. Raises Refusal."""
        self._on.admit(visitor.address)
        key = self._on.hidden("again", session.person, session.device)
        await self._on.spend(key, PASSWORD, now)
        store = await self._on.store()
        async with store.reading() as connection:
            person = await Credentials(connection).by_id(session.person)
        try:
            right = await self._on.hashing.matches(person.password_hash if person else None, password[: LONGEST + 1])
        except Busy:
            raise busy() from None
        if not right:
            raise wrong()
        async with store.writing() as connection:
            await Limits(connection).clear(key)
            return await self._shown(connection, session, Proof.PASSWORD, visitor, now)

    async def sign_out(self, session: WebSession) -> None:
        """End a session."""
        async with (await self._on.store()).writing() as connection:
            await WebSessions(connection).end(session.hash)

    async def approve(self, session: WebSession, id: str, now: int) -> bool:
        """Let another browser of the same person in; False where none waits by that id. Raises Refusal."""
        if not session.fresh(now) and not session.proved_lately(now):
            raise again()
        async with (await self._on.store()).writing() as connection:
            person = await Credentials(connection).by_id(session.person)
            for other in await WebSessions(connection).of(session.person):
                if other.id == id and other.stage is Stage.APPROVAL and not other.over(now) and person is not None:
                    proofs = other.proofs | {Proof.APPROVED}
                    at = stage(await self._standing(connection, person, other.device), _counted(proofs, other))
                    await self._whole(connection, other.person, other.device, at, now)
                    let_in = replace(other, stage=at, proofs=proofs, seen=now)
                    return await WebSessions(connection).replace(other.hash, let_in)
        return False

    async def reached(
        self,
        connection: AsyncConnection,
        person: Person,
        session: WebSession | None,
        proof: Proof | None,
        visitor: Visitor,
        now: int,
        *,
        strong: bool = False,
    ) -> Signed:
        """One proof more, within a transaction that writes: another cookie for the same session, or a new session.
        `strong`: the proof counts as a second factor whatever it is."""
        sessions = WebSessions(connection)
        browser, device = visitor.browser, opaque.digest(visitor.browser) if visitor.browser else ""
        if not device or not (
            (session is not None and session.device == device) or await Browsers(connection).issued(device)
        ):  # what is no cookie of ours, somebody may have put there
            browser = opaque.new_token(self._on.entropy)
            device = opaque.digest(browser)
        proofs = (session.proofs if session is not None else frozenset()) | ({proof} if proof else frozenset())
        standing = await self._standing(connection, person, device)
        at = stage(standing, _counted(proofs, session) | ({Proof.TOTP} if strong else frozenset()))
        await self._whole(connection, person.id, device, at, now)
        cookie = opaque.new_token(self._on.entropy)
        second = strong or proof in SECOND
        made = WebSession(
            id=opaque.new_id(self._on.entropy) if session is None else session.id,
            hash=opaque.digest(cookie),
            person=person.id,
            stage=at,
            proofs=proofs,
            created=now if session is None else session.created,
            seen=now,
            proved=now if proof else session.proved if session is not None else 0,
            strong=now if second else session.strong if session is not None else 0,
            device=device,
            agent=for_dialog(visitor.agent, AGENT) if session is None else session.agent,
        )
        if session is None:
            await sessions.add(made)
        elif not await sessions.replace(session.hash, made):
            raise wrong()
        return Signed(
            person=person,
            session=made,
            next=ways(standing, at),
            cookie=cookie,
            browser=browser if browser != visitor.browser else "",
            known=standing.device_known,
        )

    async def standing(self, session: WebSession) -> tuple[Person, tuple[str, ...]]:
        """Who a session is of, and what leads on from where it is. Raises Refusal."""
        async with (await self._on.store()).reading() as connection:
            person = await Credentials(connection).by_id(session.person)
            if person is None or person.state != "active":
                raise wrong()
            return person, ways(await self._standing(connection, person, session.device), session.stage)

    async def _standing(self, connection: AsyncConnection, person: Person, device: str) -> Standing:
        known = await Browsers(connection).known(person.id)
        factors = await Credentials(connection).factors(person.id)
        return Standing(
            factors={factor.kind for factor in factors if factor.confirmed},
            device_known=device in known,
            devices_known=bool(known),
            demanded=person.role in self._on.demanded(),
        )

    async def _whole(self, connection: AsyncConnection, person: str, device: str, at: Stage, now: int) -> None:
        """Know the browser of a sign-in that is whole."""
        if at is Stage.FULL and device:
            await Browsers(connection).know(person, device, now)

    def secret_of(self, factor: Factor) -> str:
        """The secret of a time-based factor. Raises Refusal where this relay can't read it."""
        try:
            return self._on.sealed.open(factor.data["secret"], factor.id).decode()
        except ValueError as error:
            raise Refusal("unavailable", f"The second factor cannot be read: {error}") from None

    async def _count(self, session: WebSession, visitor: Visitor, now: int) -> None:
        """Count a try with a code: by the person, and where the browser is known by that as well."""
        self._on.admit(visitor.address)
        async with (await self._on.store()).reading() as connection:
            known = await Browsers(connection).known(session.person)
        own = opaque.digest(visitor.browser) if visitor.browser else ""
        key = self._on.hidden("code", session.person, own if own in known else "")
        await self._on.spend(key, CODE, now)

    async def _shown(
        self, connection: AsyncConnection, session: WebSession, proof: Proof | None, visitor: Visitor, now: int
    ) -> Signed:
        person = await Credentials(connection).by_id(session.person)
        current = await WebSessions(connection).find(session.hash)
        if person is None or person.state != "active" or current is None or current.over(now):
            raise wrong()
        if proof in SECOND:
            own = opaque.digest(visitor.browser) if visitor.browser else ""
            known = await Browsers(connection).known(session.person)
            await Limits(connection).clear(self._on.hidden("code", session.person, own if own in known else ""))
        return await self.reached(connection, person, current, proof, visitor, now)


def _counted(proofs: frozenset[Proof], session: WebSession | None) -> frozenset[Proof]:
    """What counts of what was shown: a provider's word may have counted as a second factor."""
    return proofs | ({Proof.TOTP} if session is not None and session.strong else frozenset())


def passkey_of(factor: Factor) -> Passkey:
    """A passkey as the store keeps it."""
    data = factor.data
    return Passkey(credential=factor.key or "", public_key=data["public_key"], count=data["count"], site=data["site"])


def challenge_of(answer: dict[str, Any]) -> str:
    """The challenge that an authenticator's answer is about, base64url; empty where there is none. It is looked up by
    it, and then checked by who verifies the answer."""
    response = answer.get("response")
    said = response.get("clientDataJSON") if isinstance(response, dict) else None
    try:
        read = json.loads(opaque.data(said)) if isinstance(said, str) and len(said) < 4096 else None
        challenge = read.get("challenge") if isinstance(read, dict) else None
        return opaque.text(opaque.data(challenge)) if isinstance(challenge, str) else ""
    except (ValueError, RecursionError):
        return ""
