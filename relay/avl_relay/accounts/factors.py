"""What somebody signs in with, seen and changed by themselves: authenticators, passkeys, recovery codes, the password.

To change any of it takes a second factor of the last minutes; who has none yet gives the password. So a session that is
left open, or a stolen cookie, does not become a second way in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from avl_protocol.wire.foreign import for_dialog
from avl_relay.accounts.premises import Premises
from avl_relay.accounts.refusals import Refusal, again, busy, wrong
from avl_relay.accounts.signin import Signed, SignIn, Site, Visitor, challenge_of, passkey_of
from avl_relay.people import opaque, passkeys, passwords, recovery, totp
from avl_relay.people.delay import CODE
from avl_relay.people.passkeys import PasskeyRefused
from avl_relay.people.passwords import Busy, WeakPassword
from avl_relay.people.sessions import WebSession
from avl_relay.people.stages import Proof, Stage
from avl_relay.store.challenges import Challenges
from avl_relay.store.credentials import Credentials, Factor, Person
from avl_relay.store.personkeys import KeyCopy, PersonKeys
from avl_relay.store.programs import RefreshTokens
from avl_relay.store.websessions import WebSessions

#: What asks for a new passkey, among challenges.
REGISTER = "register"
#: Factors that one person may have.
MOST = 20
NAME = 64
#: What stands for a second factor at each sign-in.
STRONG = (Proof.TOTP, Proof.PASSKEY)


@dataclass(frozen=True, slots=True)
class NewTotp:
    """A secret that waits for its first code. `address`: for a QR code."""

    id: str
    secret: str
    address: str


class Factors:
    """One's own factors."""

    def __init__(self, premises: Premises, sign_in: SignIn) -> None:
        self._on, self._sign_in = premises, sign_in

    async def of(self, session: WebSession) -> list[Factor]:
        """Those that count. Raises Refusal."""
        _inside(session)
        async with (await self._on.store()).reading() as connection:
            return [each for each in await Credentials(connection).factors(session.person) if each.confirmed]

    async def begin_totp(self, session: WebSession, name: str, now: int) -> NewTotp:
        """A new secret, which counts once a code of it was shown. Raises Refusal."""
        async with (await self._on.store()).writing() as connection:
            person, present = await self._changing(connection, session, now)
            _room(present)
            credentials = Credentials(connection)
            await credentials.drop_factors(person.id, Proof.TOTP, unconfirmed=True)
            id, secret = opaque.new_id(self._on.entropy), totp.new_secret(self._on.entropy)
            data = {"secret": self._on.sealed.seal(secret.encode(), id)}
            await credentials.add_factor(_factor(id, person, Proof.TOTP, name, data, now, confirmed=False))
        return NewTotp(id, secret, totp.address(secret, person.login, self._on.title))

    async def confirm_totp(self, session: WebSession, id: str, code: str, visitor: Visitor, now: int) -> Signed:
        """The first code. Raises Refusal."""
        _inside(session)
        self._on.admit(visitor.address)
        await self._on.spend(self._on.hidden("new code", session.person), CODE, now)
        async with (await self._on.store()).writing() as connection:
            person, _ = await self._changing(connection, session, now)
            credentials = Credentials(connection)
            for factor in await credentials.factors(session.person, lock=True):
                if factor.id == id and factor.kind is Proof.TOTP and not factor.confirmed:
                    step = totp.taken(self._sign_in.secret_of(factor), code, 0, now)
                    if step is not None:
                        await credentials.use_factor(id, {**factor.data, "step": step}, now)
                        return await self._sign_in.reached(connection, person, session, Proof.TOTP, visitor, now)
        raise wrong()

    async def begin_passkey(self, session: WebSession, site: Site, now: int) -> dict[str, Any]:
        """What the browser asks its authenticator to make. Raises Refusal."""
        challenge = self._on.entropy(passkeys.CHALLENGE_BYTES)
        async with (await self._on.store()).writing() as connection:
            person, present = await self._changing(connection, session, now)
            _room(present)
            await Challenges(connection).put(
                opaque.digest(opaque.text(challenge)),
                REGISTER,
                person=person.id,
                data={"site": site.id},
                expires=now + passkeys.PATIENCE,
            )
        return passkeys.to_register(
            challenge=challenge,
            site=site.id,
            person=person.id,
            login=person.login,
            name=person.name,
            present=[passkey_of(factor) for factor in present if factor.kind is Proof.PASSKEY],
        )

    async def add_passkey(
        self, session: WebSession, answer: dict[str, Any], name: str, site: Site, visitor: Visitor, now: int
    ) -> Signed:
        """What the authenticator made. Raises Refusal."""
        _inside(session)
        challenge, store = challenge_of(answer), await self._on.store()
        async with store.writing() as connection:
            asked = await Challenges(connection).take(opaque.digest(challenge), REGISTER, now)
        if asked is None or asked.person != session.person or asked.data["site"] != site.id:
            raise wrong()
        try:
            made = passkeys.registered(answer, challenge=opaque.data(challenge), site=site.id, origin=site.origin)
        except PasskeyRefused:
            raise wrong() from None
        async with store.writing() as connection:
            person, present = await self._changing(connection, session, now)
            _room(present)
            id = opaque.new_id(self._on.entropy)
            data = {"public_key": made.public_key, "count": made.count, "site": made.site}
            await Credentials(connection).add_factor(
                _factor(id, person, Proof.PASSKEY, name or "Passkey", data, now, key=made.credential)
            )
            return await self._sign_in.reached(connection, person, session, Proof.PASSKEY, visitor, now)

    async def new_recovery(self, session: WebSession, now: int) -> list[str]:
        """Ten new codes, in place of those before. Raises Refusal."""
        codes = recovery.new_codes(self._on.entropy)
        async with (await self._on.store()).writing() as connection:
            person, _ = await self._changing(connection, session, now)
            credentials = Credentials(connection)
            await credentials.drop_factors(person.id, Proof.RECOVERY)
            for kept in recovery.kept(codes):
                id = opaque.new_id(self._on.entropy)
                await credentials.add_factor(_factor(id, person, Proof.RECOVERY, "", {}, now, key=kept))
        return codes

    async def drop(self, session: WebSession, id: str, usable: Collection[str], now: int) -> bool:
        """Remove one; False where there is none. `usable` as in `unlink`. Raises Refusal, also for the last way in."""
        async with (await self._on.store()).writing() as connection:
            person, present = await self._changing(connection, session, now)
            dropped = next((factor for factor in present if factor.id == id), None)
            if dropped is None:
                return False
            if dropped.kind is Proof.RECOVERY:  # all codes are one thing
                await Credentials(connection).drop_factors(person.id, Proof.RECOVERY)
                return True
            left = [factor for factor in present if factor.id != id and factor.kind in STRONG]
            linked = {each for each, _ in await Credentials(connection).links(person.id)}
            if dropped.kind is Proof.PASSKEY:
                _keep_a_way(person, left, linked & set(usable))
            if person.role in self._on.demanded() and not left:
                raise Refusal("conflict", "Your role needs a second factor: add another one first.")
            return await Credentials(connection).drop_factor(person.id, id)

    async def unlink(self, session: WebSession, issuer: str, usable: Collection[str], now: int) -> bool:
        """Be known by a provider no more; False where nobody is. `usable`: the issuers by which one can come in here.
        Raises Refusal, for the last way to sign in as well."""
        async with (await self._on.store()).writing() as connection:
            person, present = await self._changing(connection, session, now)
            credentials = Credentials(connection)
            linked = {each for each, _ in await credentials.links(person.id)}
            if issuer not in linked:
                return False
            _keep_a_way(person, present, (linked - {issuer}) & set(usable))
            await credentials.unlink(issuer, person.id)
            return True

    async def set_password(self, session: WebSession, password: str, now: int) -> None:
        """Another password: all other browsers and programs of this person are signed out. Raises Refusal."""
        store = await self._on.store()
        async with store.reading() as connection:
            person, _ = await self._changing(connection, session, now)
        kept = await hashed(self._on, password, person.login, person.name)
        async with store.writing() as connection:
            await self._changing(connection, session, now)
            await Credentials(connection).set_password(person.id, kept)
            await WebSessions(connection).end_all(person.id, session.hash)
            await RefreshTokens(connection).end_all(person.id, now)

    async def set_key(self, session: WebSession, thumbprint: str, jwk: dict[str, Any], now: int) -> None:
        """The key of this person from now on; copies of another one are gone. Raises Refusal, Conflict."""
        async with (await self._on.store()).writing() as connection:
            person, _ = await self._changing(connection, session, now)
            keys = PersonKeys(connection)
            before = await keys.of(person.id)
            if before is not None and before[0] != thumbprint:
                await keys.drop_copies(person.id)
            await keys.set(person.id, thumbprint, jwk, now)

    async def drop_key(self, session: WebSession, now: int) -> bool:
        """No key and no copies any more; False where there was none. Raises Refusal."""
        async with (await self._on.store()).writing() as connection:
            person, _ = await self._changing(connection, session, now)
            await PersonKeys(connection).drop_copies(person.id)
            return await PersonKeys(connection).drop(person.id)

    async def add_copy(self, session: WebSession, copy: KeyCopy, most: int, now: int) -> None:
        """Keep one more wrapped copy of the key. Raises Refusal."""
        async with (await self._on.store()).writing() as connection:
            person, _ = await self._changing(connection, session, now)
            if len(await PersonKeys(connection).copies(person.id)) >= most:
                raise Refusal("conflict", f"There are no more than {most} copies: remove one first.")
            await PersonKeys(connection).add_copy(person.id, copy)

    async def drop_copy(self, session: WebSession, id: str, now: int) -> bool:
        """Remove a copy; False where there is none. Raises Refusal."""
        async with (await self._on.store()).writing() as connection:
            person, _ = await self._changing(connection, session, now)
            return await PersonKeys(connection).drop_copy(person.id, id)

    async def _changing(
        self, connection: AsyncConnection, session: WebSession, now: int
    ) -> tuple[Person, list[Factor]]:
        """Who changes something of theirs, and the factors that count. Raises Refusal."""
        _inside(session)
        person = await Credentials(connection).by_id(session.person)
        if person is None or person.state != "active":
            raise wrong()
        factors = [factor for factor in await Credentials(connection).factors(person.id) if factor.confirmed]
        has = any(factor.kind in STRONG for factor in factors)
        if not (session.fresh(now) if has else session.proved_lately(now)):
            raise again()
        return person, factors


async def hashed(premises: Premises, password: str, *about: str) -> str:
    """What is kept of a new password. Raises Refusal."""
    try:
        passwords.check_strength(password, *about)
        return await premises.hashing.hash(password)
    except WeakPassword as error:
        raise Refusal("weak-password", str(error)) from None
    except Busy:
        raise busy() from None


def _inside(session: WebSession) -> None:
    if session.stage not in (Stage.FULL, Stage.ENROL):
        raise Refusal("unfinished", "Finish signing in first.")


def _keep_a_way(person: Person, left: Iterable[Factor], linked: Collection[str]) -> None:
    """Refuse what would leave somebody without a way to sign in. Raises Refusal."""
    passkey = any(factor.kind is Proof.PASSKEY for factor in left)
    if not (person.password_hash or passkey or linked):
        raise Refusal("conflict", "It is the only way in which you sign in: set a password, or add a passkey first.")


def _room(present: list[Factor]) -> None:
    if sum(factor.kind in STRONG for factor in present) >= MOST:
        raise Refusal("conflict", f"Nobody has more than {MOST} factors: remove one first.")


def _factor(
    id: str,
    person: Person,
    kind: Proof,
    name: str,
    data: dict[str, Any],
    now: int,
    *,
    key: str | None = None,
    confirmed: bool = True,
) -> Factor:
    return Factor(
        id=id,
        person=person.id,
        kind=kind,
        name=for_dialog(name, NAME),
        key=key,
        data=data,
        confirmed=confirmed,
        used=0,
        created=now,
    )
