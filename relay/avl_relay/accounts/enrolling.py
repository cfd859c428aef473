"""Enrolling: a host becomes somebody's device. The statement that makes it so is signed by the person's key and
believed by the host; the relay looks at it, keeps it, and hands it on."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from avl_protocol.rights.jws import NotSigned, jwk_of, thumbprint
from avl_protocol.rights.statements import Enrolment, enrolment_of
from avl_relay.accounts.refusals import Refusal
from avl_relay.people import opaque
from avl_relay.people.deviceflow import Authorization
from avl_relay.store.devices import Devices, Report
from avl_relay.store.groups import Groups
from avl_relay.store.personkeys import PersonKeys
from avl_relay.store.statements import ENROLMENT, Kept, Statements


class Enrolling:
    """Takes hosts: the Enrols of programs.py."""

    def __init__(self, entropy: opaque.Entropy) -> None:
        self._entropy = entropy

    async def take(
        self, connection: AsyncConnection, asked: Authorization, person: str, statement: str, now: int
    ) -> None:
        """Keep the device as this person's. Raises Refusal."""
        key, enrolment = await self.check(connection, asked, person, statement)
        owner = thumbprint(key)
        devices = Devices(connection)
        await devices.enrol(
            number=asked.device,
            name=enrolment.name or asked.name,
            owner=person,
            owner_key=jwk_of(key),
            owner_thumbprint=owner,
            now=now,
        )
        await devices.report(
            [Report(number=asked.device, seen=now, reported=asked.name, software=asked.software, system=asked.system)]
        )
        if enrolment.groups:
            await Groups(connection).set_of_device(asked.device, enrolment.groups, entropy=self._entropy, now=now)
        await Statements(connection).keep(
            Kept(
                id=opaque.new_id(self._entropy),
                kind=ENROLMENT,
                aud=enrolment.audience,
                iss=owner,
                seq=enrolment.issued,
                token=statement,
                created=now,
            )
        )

    async def check(
        self, connection: AsyncConnection, asked: Authorization, person: str, statement: str
    ) -> tuple[bytes, Enrolment]:
        """The person's key (32 bytes) and what it signed of this device. Raises Refusal."""
        try:
            key, enrolment = enrolment_of(statement)
        except NotSigned as error:
            raise Refusal("unverified", str(error)) from None
        own = await PersonKeys(connection).of(person)
        if own is None or own[0] != thumbprint(key):
            raise Refusal("unverified", "The enrolment is not signed with your key: set your key first.")
        if enrolment.audience != f"device:{asked.device}":
            raise Refusal("unverified", "The enrolment is for another device.")
        return key, enrolment
