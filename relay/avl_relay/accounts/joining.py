"""How people come to a relay: the first by a code that its first start prints, the others by invitation."""

from __future__ import annotations

import re

from avl_protocol.wire.foreign import for_dialog
from avl_relay.accounts.factors import hashed
from avl_relay.accounts.premises import Premises
from avl_relay.accounts.refusals import Refusal, wrong
from avl_relay.accounts.signin import Signed, SignIn, Visitor
from avl_relay.people import opaque
from avl_relay.people.stages import Proof
from avl_relay.store.challenges import Challenges
from avl_relay.store.credentials import Credentials, Person
from avl_relay.store.invitations import Invitations

#: The setup code's kind among challenges, its characters (5 bits each), and seconds that it holds.
SETUP, SETUP_LENGTH, SETUP_HOLDS = "setup", 20, 30 * 86_400
NAME = 128
LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")


class Joining:
    """Setup and invitations."""

    def __init__(self, premises: Premises, sign_in: SignIn) -> None:
        self._on, self._sign_in = premises, sign_in

    async def setup_code(self, now: int) -> str | None:
        """A new setup code, in place of one before; None when there is somebody already."""
        async with (await self._on.store()).writing() as connection:
            if await Credentials(connection).anybody():
                return None
            code = opaque.new_code(self._on.entropy, SETUP_LENGTH)
            waiting = Challenges(connection)
            await waiting.drop(SETUP)
            kept = opaque.digest_of_code(code)
            await waiting.put(kept, SETUP, person="", data={}, expires=now + SETUP_HOLDS)
        return code

    async def open(self) -> bool:
        """Whether nobody is here yet."""
        async with (await self._on.store()).reading() as connection:
            return not await Credentials(connection).anybody()

    async def set_up(self, code: str, login: str, password: str, visitor: Visitor, now: int) -> Signed:
        """Become the relay's owner. Raises Refusal."""
        self._on.admit(visitor.address)
        kept, login = opaque.digest_of_code(code), checked_login(login)
        store = await self._on.store()
        async with store.reading() as connection:
            if not await Challenges(connection).waits(kept, SETUP, now):
                raise wrong()
        password_hash = await hashed(self._on, password, login)
        async with store.writing() as connection:
            if await Credentials(connection).anybody() or await Challenges(connection).take(kept, SETUP, now) is None:
                raise wrong()
            person = new_person(opaque.new_id(self._on.entropy), login, login, "owner", password_hash, now)
            await Credentials(connection).add(person)
            return await self._sign_in.reached(connection, person, None, Proof.SETUP, visitor, now)

    async def accept(self, invitation: str, password: str, visitor: Visitor, now: int) -> Signed:
        """Come by invitation. Raises Refusal."""
        self._on.admit(visitor.address)
        kept, store = opaque.digest(invitation), await self._on.store()
        async with store.reading() as connection:
            id = await Invitations(connection).whose(kept, now)
            person = await Credentials(connection).by_id(id) if id is not None else None
        if person is None or person.state == "disabled":
            raise wrong()
        password_hash = await hashed(self._on, password, person.login, person.name)
        async with store.writing() as connection:
            if not await Invitations(connection).take(kept, now):
                raise wrong()
            await Credentials(connection).set_password(person.id, password_hash)
            person = await Credentials(connection).by_id(person.id)
            if person is None or person.state == "disabled":
                raise wrong()
            return await self._sign_in.reached(connection, person, None, Proof.SETUP, visitor, now)


def checked_login(login: str) -> str:
    """A name to sign in by. Raises Refusal."""
    made = login.strip().lower()
    if LOGIN.fullmatch(made) is None:
        raise Refusal(
            "invalid",
            "This name has up to 64 of a to z, 0 to 9 and . _ @ + -, and begins with a letter or digit.",
        )
    return made


def new_person(id: str, login: str, name: str, role: str, password_hash: str | None, now: int) -> Person:
    """Somebody active."""
    return Person(
        id=id,
        login=login,
        name=for_dialog(name, NAME) or login,
        role=role,
        state="active",
        password_hash=password_hash,
        created=now,
    )
