"""Whole programs, an owner and what she signs: who comes in, what changes meanwhile, and how it ends."""

from __future__ import annotations

import asyncio
import shutil
from typing import Any

import pytest

from avl_host.presence.question import Decision, Question
from avl_host.rights.owner import pin_owner
from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.rights import jws
from avl_protocol.rights.effective import Consent
from avl_protocol.rights.sharelink import Share
from avl_protocol.rights.statements import (
    AccessGrant,
    Enrolment,
    KeyLink,
    Policy,
    RevocationList,
    Statement,
    device_audience,
    sign,
)
from avl_protocol.wire.endtoend import Point
from avl_protocol.wire.errors import GrantRefused, Refused
from avl_protocol.wire.registry import PRESETS, CloseCode, GrantRefusal, Permission
from avl_viewer.api import Desktop
from avl_viewer.way import NoWay, Way
from tests.protocol.rights_of import DAY, FRIEND, OWNER, chain, grant_id
from tests.simulator.run import Simulation
from tests.simulator.world import HOST, RELAY, VIEWER, RunningHost, System, system
from tests.system.seen import number, online, run, until

#: What an operator may at a host without a microphone (R-SESS-314).
OPERATOR = PRESETS["OPERATOR"] & ~Permission.AUDIO_IN
LOOKING = PRESETS["VIEWER"]
EVERYTHING = Permission(sum(Permission))


class Owned:
    """A system with an owner, who has enrolled its host."""

    def __init__(self, s: System, host: RunningHost) -> None:
        self.s, self.host = s, host
        self.audience = device_audience(host.agent.identity.number)
        self._sequence = 0

    @property
    def wall(self) -> int:
        return int(self.s.simulation.clock.wall())

    @property
    def state(self) -> StateFolder:
        return StateFolder(self.s.folder / "host")

    def enrol(self, owner: Identity = OWNER, *groups: str) -> None:
        """What 'avl-host enroll' does once the owner has said yes."""
        enrolment = Enrolment(audience=self.audience, issued=self.wall, groups=groups)
        pinned = pin_owner(self.state, sign(owner, enrolment))
        assert self.host.agent.owner_changed() == pinned.thumbprint == jws.thumbprint(owner.public)

    def viewer_identity(self, name: str = "viewer") -> Identity:
        return StateFolder(self.s.folder / name).identity(self.s.simulation.entropy)

    def grant(self, permissions: Permission = OPERATOR, name: str = "viewer", **changes: Any) -> AccessGrant:
        plain: dict[str, Any] = {
            "audience": self.audience,
            "permissions": permissions,
            "not_before": self.wall - 60,
            "expires": self.wall + 7 * DAY,
            "id": grant_id("granted"),
            "holder": self.viewer_identity(name).public,
        }
        return AccessGrant(**{**plain, **changes})

    def chain(self, permissions: Permission = OPERATOR, **changes: Any) -> list[str]:
        return chain((OWNER, self.grant(permissions, **changes)))

    def say(self, *statements: Statement, by: Identity = OWNER) -> None:
        """The owner signs something, and the relay hands it on."""
        tokens = tuple(sign(by, statement) for statement in statements)
        if self.s.via == "direct":
            self.host.agent.features.rights.heard(tokens)
        else:
            assert self.s.relay_instance is not None
            assert self.s.relay_instance.hand_on(self.host.agent.identity.number, tokens)

    def policy(self, permissions: Permission = EVERYTHING, **more: Any) -> Policy:
        self._sequence += 1
        return Policy(audience=self.audience, sequence=self._sequence, permissions=permissions, **more)

    def revoke(self, *grants: str, **more: Any) -> RevocationList:
        self._sequence += 1
        return RevocationList(sequence=self._sequence, issued=self.wall, grants=frozenset(grants), **more)

    def newest(self) -> int:
        return self.host.agent.door.newest[1]


async def owned(s: System, host: RunningHost) -> Owned:
    await online(host)
    made = Owned(s, host)
    made.enrol()
    return made


async def typed(desktop: Desktop, host: RunningHost, text: str) -> None:
    before = host.sink.typed
    await desktop.type(text)
    assert host.sink.typed == before + text


def over(desktop: Desktop) -> CloseCode | None:
    ended = desktop.client.ended
    return ended.result().code if ended.done() else None


async def refused(s: System, host: RunningHost, tokens: list[str], **more: Any) -> GrantRefusal | None:
    with pytest.raises(Refused) as caught:
        async with s.viewer(host, chain=tokens, **more):
            pass
    assert isinstance(caught.value, GrantRefused)
    return caught.value.why


def test_who_has_a_grant_comes_in_and_the_code_goes_on_working(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host() as host:
            it = await owned(s, host)
            async with s.viewer(host, chain=it.chain()) as desktop:
                await number(desktop)
                await typed(desktop, host, "by grant")
                assert desktop.permissions == OPERATOR
                assert desktop.time_left == pytest.approx(7 * DAY, abs=60)
            async with s.viewer(host) as desktop:
                await typed(desktop, host, "by code")
                assert desktop.permissions == PRESETS["CODE"]
                assert desktop.time_left is None

    run(main)


def test_a_host_without_an_owner_takes_codes_alone_and_tells_the_relay_nothing() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s:
            async with s.host() as host:
                await online(host)
                it = Owned(s, host)
                assert await refused(s, host, it.chain()) is GrantRefusal.NOT_ENROLLED
                async with s.viewer(host) as desktop:
                    await typed(desktop, host, "as ever")
                await asyncio.sleep(1)
                assert not s.told
                it.enrol()
                await until(lambda: bool(s.told), 1)
                it.say(it.revoke())
                await until(lambda: len(s.told) == 2, 1)
            (device, first), (_, second) = s.told
            assert device == host.agent.identity.number
            assert (first.owner, first.policy, first.revocation) == (jws.thumbprint(OWNER.public), 0, 0)
            assert second.revocation == 1

    run(main)


def test_a_permission_that_is_taken_and_given_back_works_within_a_second(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host() as host:
            it = await owned(s, host)
            async with s.viewer(host, chain=it.chain()) as desktop:
                await typed(desktop, host, "before")
                began = simulation.clock.monotonic()
                it.say(it.policy(LOOKING))
                await until(lambda: desktop.permissions == Permission.VIEW | Permission.AUDIO_OUT, 1)
                for attempt in (desktop.type("x"), desktop.click(1, 1), desktop.clipboard.set("x")):
                    with pytest.raises(Refused) as caught:
                        await attempt
                    assert caught.value.code is CloseCode.NOT_PERMITTED
                await number(desktop)
                it.say(it.policy())
                await until(lambda: desktop.permissions == OPERATOR, 1)
                await typed(desktop, host, "after")
                await desktop.clipboard.set("text")
                assert await host.clipboard.get() == "text"
                assert simulation.clock.monotonic() - began < 3
                remarks = [line for line in host.said if "may something else" in line]
                assert len(remarks) == 2

    run(main)


def test_policy_binds_who_came_by_a_code_too() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            it = await owned(s, host)
            async with s.viewer(host) as desktop:
                await typed(desktop, host, "free")
                it.say(it.policy(LOOKING))
                await until(lambda: desktop.permissions == LOOKING, 1)
                it.say(it.policy())
                await until(lambda: desktop.permissions == PRESETS["CODE"], 1)
                it.say(it.policy(Permission.POINTER))
                await until(lambda: over(desktop) is CloseCode.REVOKED, 1)

    run(main)


def test_what_was_taken_back_ends_within_a_second_and_the_others_get_other_keys(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host() as host:
            it = await owned(s, host)
            other = it.grant(name="other", id=grant_id("another"))
            async with s.viewer(host, chain=it.chain()) as desktop:
                await number(desktop)
                async with s.viewer(host, chain=chain((OWNER, other)), address="10.0.0.9", name="other") as stays:
                    await number(stays)
                    keys = host.agent.publisher.generation
                    it.say(it.revoke(grant_id("granted")))
                    began = simulation.clock.monotonic()
                    await until(lambda: over(desktop) is not None, 1)
                    assert over(desktop) is CloseCode.REVOKED
                    assert simulation.clock.monotonic() - began < 1
                    await until(lambda: host.agent.publisher.generation > keys, 1)
                    assert over(stays) is None
                    await typed(stays, host, "still here")
            assert await refused(s, host, it.chain()) is GrantRefusal.REVOKED

    run(main)


@pytest.mark.parametrize("loss", [0.0, 0.2])
def test_who_acts_at_that_very_moment_is_told_why_it_is_over(via: str, loss: float) -> None:
    """The host's word is on a stream on which the viewer is heard until it has read it."""

    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host() as host:
            it = await owned(s, host)
            for at in range(6):
                name = f"viewer {at}"
                grant = it.grant(name=name, id=grant_id(name))
                entrance = s.viewer(host, chain=chain((OWNER, grant)), name=name, address=f"10.0.0.{20 + at}")
                async with entrance as desktop:
                    await number(desktop)
                    simulation.network.change(HOST, RELAY if via == "relay" else f"10.0.0.{20 + at}", loss=loss)
                    it.say(it.revoke(grant.id))
                    async with asyncio.timeout(2 if not loss else 20):
                        while over(desktop) is None:
                            if desktop.client.session is not None:
                                desktop.client.session.send(Point(1, 1))
                            await asyncio.sleep(0.002)
                    assert over(desktop) is CloseCode.REVOKED
                    simulation.network.change(HOST, RELAY if via == "relay" else f"10.0.0.{20 + at}", loss=0.0)

    run(main)


@pytest.mark.parametrize("what", ["key", "epoch", "owner"])
def test_a_key_an_epoch_or_the_owner_may_go(what: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            it = await owned(s, host)
            async with s.viewer(host, chain=it.chain()) as desktop:
                await number(desktop)
                if what == "key":
                    it.say(it.revoke(keys=frozenset({jws.thumbprint(it.viewer_identity().public)})))
                elif what == "epoch":
                    it.say(it.revoke(epochs={it.audience: 1}))
                else:
                    it.enrol(FRIEND)
                await until(lambda: over(desktop) is CloseCode.REVOKED, 1)
            expected = GrantRefusal.FORGED if what == "owner" else GrantRefusal.REVOKED
            assert await refused(s, host, it.chain()) is expected

    run(main)


def test_who_handed_a_grant_on_takes_it_back_and_nothing_else(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host() as host:
            it = await owned(s, host)
            lent = it.grant(OPERATOR | Permission.DELEGATE, holder=FRIEND.public)
            child = it.grant(LOOKING, id=grant_id("handed on"))
            tokens = chain((OWNER, lent), (FRIEND, child))
            own = chain((OWNER, it.grant(id=grant_id("the owner's"), holder=it.viewer_identity("other").public)))
            async with (
                s.viewer(host, chain=tokens) as desktop,
                s.viewer(host, chain=own, address="10.0.0.8", name="other") as other,
            ):
                await number(desktop)
                stranger = RevocationList(sequence=1, issued=it.wall, grants=frozenset({child.id, lent.id}))
                it.say(stranger, by=Identity(bytes(range(32))))
                beyond = RevocationList(
                    sequence=1, issued=it.wall, grants=frozenset({grant_id("the owner's"), lent.id})
                )
                it.say(beyond, by=FRIEND)
                await asyncio.sleep(1)
                assert over(desktop) is None and over(other) is None
                it.say(beyond.next(it.wall, grants=[child.id]), by=FRIEND)
                await until(lambda: over(desktop) is not None, 1)
                assert over(desktop) is CloseCode.REVOKED and over(other) is None
                it.say(beyond, by=FRIEND)
                await asyncio.sleep(1)
                assert await refused(s, host, tokens) is GrantRefusal.REVOKED, "an older list brings nothing back"

    run(main)


@pytest.mark.parametrize("left", ["looking", "nothing", "nobody to ask"])
def test_a_session_whose_permission_was_taken_back_goes_on_by_what_is_left(left: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            it = await owned(s, host)
            asked: list[Any] = []

            async def again(world: Any) -> Way:
                asked.append(world)
                if left == "nobody to ask":
                    raise NoWay("the relay does not answer", 3)
                smaller = it.chain(LOOKING, id=grant_id("smaller"))
                return Way(s.target(host), tuple(smaller if left == "looking" else it.chain()))

            async with s.viewer(host, chain=it.chain(), again=again) as desktop:
                await typed(desktop, host, "before")
                it.say(it.revoke(grant_id("granted")))
                if left == "looking":
                    await until(lambda: desktop.permissions == LOOKING, 2)
                    assert await number(desktop) is not None
                    with pytest.raises(Refused):
                        await desktop.type("not any more")
                else:
                    reason = await desktop.ended()
                    assert reason.code in (CloseCode.REVOKED, CloseCode.GRANT_REFUSED)
                assert len(asked) == 1

    run(main)


def test_a_revoked_session_does_not_come_back_by_its_ticket() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            it = await owned(s, host)
            async with s.viewer(host, chain=it.chain(), reconnect=True) as desktop:
                await number(desktop)
                shutil.copytree(s.folder / "viewer", s.folder / "copy")
                simulation.network.at(VIEWER).asleep = True
                await asyncio.sleep(1)
                with pytest.raises(Refused) as caught:  # by ticket, without the chain that it belongs to
                    async with s.viewer(host, "WRONG-CODE", "10.0.0.8", "copy", reconnect=True):
                        pass
                assert caught.value.code is CloseCode.REFUSED
                simulation.network.at(VIEWER).asleep = False
                it.say(it.revoke(grant_id("granted")))
                await until(lambda: over(desktop) is CloseCode.REVOKED, 30)

    run(main)


def test_a_ticket_beside_a_chain_spares_a_use_and_the_consent() -> None:
    asked: list[str] = []

    async def ask(question: Question) -> Decision | None:
        asked.append(question.claimed)
        return Decision(question.wish)

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(ask_for_grants=ask) as host:
            it = await owned(s, host)
            tokens = it.chain(uses=1, consent=Consent.ALWAYS, longest=100)
            async with s.viewer(host, chain=tokens, reconnect=True) as desktop:
                await number(desktop)
                host.source.set_still(True)
                await asyncio.sleep(30)
                shutil.copytree(s.folder / "viewer", s.folder / "restarted")
                simulation.network.at(VIEWER).asleep = True
                async with s.viewer(host, chain=tokens, address="10.0.0.8", name="restarted", reconnect=True) as back:
                    await typed(back, host, "I am back")
                    assert back.time_left == pytest.approx(70, abs=3)
                simulation.network.at(VIEWER).asleep = False
            assert asked == ["viewer"]
            assert await refused(s, host, tokens) is GrantRefusal.USED_UP

    run(main)


def test_a_ticket_spares_the_use_and_the_consent_of_its_own_grants_alone() -> None:
    """Who has two grants does not pay for the one with the ticket of the other."""
    asked: list[str] = []

    async def ask(question: Question) -> Decision | None:
        asked.append(question.claimed)
        return Decision(question.wish)

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(ask_for_grants=ask) as host:
            it = await owned(s, host)
            looks = it.chain(LOOKING, id=grant_id("looks"))
            acts = it.chain(OPERATOR, id=grant_id("acts"), uses=1, consent=Consent.ALWAYS)
            async with s.viewer(host, chain=acts) as desktop:
                await number(desktop)
            assert asked == ["viewer"]
            async with s.viewer(host, chain=looks, reconnect=True) as desktop:
                await number(desktop)
                shutil.copytree(s.folder / "viewer", s.folder / "again")
                simulation.network.at(VIEWER).asleep = True
                more = {"address": "10.0.0.8", "name": "again", "reconnect": True}
                assert await refused(s, host, acts, **more) is GrantRefusal.USED_UP
                simulation.network.at(VIEWER).asleep = False
            assert asked == ["viewer"]

    run(main)


def test_a_delegate_uses_up_nobody_elses_grant_and_nobody_elses_consent_is_theirs() -> None:
    asked: list[str] = []

    async def ask(question: Question) -> Decision | None:
        asked.append(question.claimed)
        return Decision(question.wish)

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(ask_for_grants=ask) as host:
            it = await owned(s, host)
            mine = it.grant(uses=1, consent=Consent.FIRST, id=grant_id("of the viewer"))
            lent = it.grant(OPERATOR | Permission.DELEGATE, holder=FRIEND.public, id=grant_id("of a friend"), uses=9)
            child = it.grant(LOOKING, name="other", uses=1, id=mine.id)  # the name of another's grant
            tokens = chain((OWNER, lent), (FRIEND, child))
            async with s.viewer(host, chain=tokens, address="10.0.0.9", name="other") as desktop:
                await number(desktop)
            assert asked == []
            async with s.viewer(host, chain=chain((OWNER, mine))) as desktop:
                await number(desktop)
            assert asked == ["viewer"]
            assert await refused(s, host, tokens, address="10.0.0.9", name="other") is GrantRefusal.USED_UP

    run(main)


def test_a_session_of_limited_time_is_warned_and_ends_on_the_second(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host() as host:
            it = await owned(s, host)
            async with s.viewer(host, chain=it.chain(longest=400), pictures=False) as desktop:
                left = desktop.time_left
                assert left is not None
                ends = simulation.clock.monotonic() + left
                remarks: list[tuple[float, str]] = []
                desktop.presenter.remark = (  # type: ignore[method-assign]
                    lambda text: remarks.append((ends - simulation.clock.monotonic(), text))
                )
                async with asyncio.timeout(500):
                    await asyncio.shield(desktop.client.ended)
                assert abs(simulation.clock.monotonic() - ends) < 1
                assert over(desktop) is CloseCode.TIME_OVER
                assert [text for _, text in remarks] == [
                    "This session ends in 5 minutes.",
                    "This session ends in 1 minute.",
                ]
                assert [round(at) for at, _ in remarks] == [300, 60]

    run_for_long(main)


def run_for_long(main: Any) -> None:
    from tests.simulator.run import run as run_without_limit

    run_without_limit(main)


def test_a_policy_may_shorten_a_session_that_runs() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            it = await owned(s, host)
            async with s.viewer(host, chain=it.chain(), pictures=False) as desktop:
                await asyncio.sleep(20)
                it.say(it.policy(longest=30))
                await until(lambda: (desktop.time_left or 1e9) < 11, 1)
                await until(lambda: over(desktop) is CloseCode.TIME_OVER, 12)

    run(main)


def test_consent_first_asks_once_and_always_asks_each_time() -> None:
    asked: list[Permission] = []
    answer = True

    async def ask(question: Question) -> Decision | None:
        asked.append(question.wish)
        return Decision(question.wish if answer else Permission(0))

    async def main(simulation: Simulation) -> None:
        nonlocal answer
        async with system(simulation) as s, s.host(ask_for_grants=ask) as host:
            it = await owned(s, host)
            first, always = it.chain(consent=Consent.FIRST), it.chain(consent=Consent.ALWAYS)
            answer = False
            with pytest.raises(Refused) as caught:
                async with s.viewer(host, chain=first):
                    pass
            assert caught.value.code is CloseCode.DENIED
            answer = True
            for tokens in (first, first, always, always):
                async with s.viewer(host, chain=tokens) as desktop:
                    await typed(desktop, host, "in")
            assert asked == [OPERATOR] * 4  # denied, allowed, and twice always
            it.say(it.policy(consent=Consent.ALWAYS))
            await asyncio.sleep(1)
            async with s.viewer(host, chain=first):
                assert len(asked) == 5

    run(main)


def test_where_nobody_can_be_asked_consent_is_no() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            it = await owned(s, host)
            with pytest.raises(Refused) as caught:
                async with s.viewer(host, chain=it.chain(consent=Consent.ALWAYS)):
                    pass
            assert caught.value.code is CloseCode.NO_CONSENT

    run(main)


def test_a_host_keeps_what_it_heard_and_nothing_older_counts() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s:
            async with s.host() as host:
                it = await owned(s, host)
                old, new = it.revoke(), it.revoke(grant_id("granted"))
                it.say(new)
                await until(lambda: it.newest() == new.sequence, 1)
                it.say(old)
                it.say(RevocationList(sequence=99, issued=it.wall), by=FRIEND)
                it.say(RevocationList(sequence=98, issued=it.wall + 2 * DAY))
                await asyncio.sleep(1)
                assert it.newest() == new.sequence
                assert any("set the clock right" in line for line in host.said)
            async with s.host() as host:
                await online(host)
                again = Owned(s, host)
                assert again.newest() == new.sequence
                assert await refused(s, host, again.chain()) is GrantRefusal.REVOKED

    run(main)


def test_sessions_go_on_and_begin_while_nothing_is_heard_until_the_list_is_stale() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(listen=("10.0.0.2", 4434)) as host:
            it = await owned(s, host)
            host.source.set_still(True)
            it.say(it.policy(staleness=30), it.revoke())
            await until(lambda: it.newest() > 0, 1)
            assert s.relay_instance is not None
            await s.relay_instance.close()
            s.via = "direct"
            async with s.viewer(host, chain=it.chain()) as desktop:
                await typed(desktop, host, "offline")
                await asyncio.sleep(26)
                await typed(desktop, host, "still here")
                await asyncio.sleep(10)
                assert over(desktop) is CloseCode.REVOKED
                why = await refused(s, host, it.chain(name="other"), address="10.0.0.9", name="other")
                assert why is GrantRefusal.STALE
                async with s.viewer(host, address="10.0.0.9", name="other") as by_code:
                    await typed(by_code, host, "by code")

    run(main)


def test_a_withheld_list_ends_sessions_by_grant_when_the_last_one_is_too_old() -> None:
    """A relay hands nothing on: what it withholds counts for no longer than the last list is good."""

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            it = await owned(s, host)
            host.source.set_still(True)
            it.say(it.policy(staleness=20), it.revoke())
            await until(lambda: it.newest() > 0, 1)
            own = KeyLink(holder=it.viewer_identity("own").public, not_before=it.wall - 60, expires=it.wall + 7 * DAY)
            async with (
                s.viewer(host, chain=it.chain()) as desktop,
                s.viewer(host, chain=chain((OWNER, own)), address="10.0.0.8", name="own") as owners,
            ):
                await asyncio.sleep(15)
                await typed(desktop, host, "a")
                it.say(it.revoke())
                last = it.wall
                await until(lambda: it.newest() > 2, 1)
                await asyncio.sleep(18)
                assert over(desktop) is None, "a newer list puts it off"
                await typed(desktop, host, "b")
                await until(lambda: over(desktop) is not None, 4)
                assert over(desktop) is CloseCode.REVOKED and it.wall - last == pytest.approx(20, abs=1)
                assert any("has grown too old" in line for line in host.said)
                await typed(owners, host, "c")
                assert await refused(s, host, it.chain(name="other"), address="10.0.0.9", name="other") is (
                    GrantRefusal.STALE
                )
                it.say(it.revoke())
                await asyncio.sleep(1)
                async with s.viewer(host, chain=it.chain()) as again:
                    await typed(again, host, "d")

    run(main)


def test_a_share_link_opens_what_it_was_made_for_and_policy_may_shut_pages_out() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            it = await owned(s, host)
            share = Share(bytes(range(16)))
            StateFolder(s.folder / "guest").write("identity.key", _seed(share))
            tokens = chain((OWNER, it.grant(LOOKING, holder=share.identity.public, share=True)))
            async with s.viewer(host, chain=tokens, name="guest") as desktop:
                await number(desktop)
                assert desktop.permissions == LOOKING
            it.say(it.policy(browser=False))
            await asyncio.sleep(1)
            assert await refused(s, host, tokens, name="guest") is GrantRefusal.POLICY
            page = KeyLink(holder=it.viewer_identity().public, not_before=it.wall, expires=it.wall + DAY, browser=True)
            assert await refused(s, host, chain((OWNER, page))) is GrantRefusal.POLICY

    run(main)


def _seed(share: Share) -> bytes:
    from avl_protocol.crypto.hkdf import expand, extract

    return expand(extract(b"", share.secret), b"avl/1 share identity", 32)


def test_groups_come_and_go_by_the_device_s_policy() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            it = Owned(s, host)
            it.enrol(OWNER, "office")
            tokens = it.chain(audience="group:office")
            async with s.viewer(host, chain=tokens) as desktop:
                await number(desktop)
                it.say(Policy(audience="group:office", sequence=1, permissions=LOOKING))
                await until(lambda: desktop.permissions == LOOKING, 1)
                it.say(it.policy(groups=("home",)))
                await until(lambda: over(desktop) is CloseCode.REVOKED, 1)
            assert await refused(s, host, tokens) is GrantRefusal.WRONG_DEVICE

    run(main)


def test_the_host_s_own_settings_take_away_from_everybody() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(forbid=Permission.CLIPBOARD_OUT | Permission.KEYBOARD) as host:
            it = await owned(s, host)
            forbidden = Permission.CLIPBOARD_OUT | Permission.KEYBOARD
            async with s.viewer(host, chain=it.chain()) as desktop:
                assert desktop.permissions == OPERATOR & ~forbidden
            async with s.viewer(host) as desktop:
                assert desktop.permissions == PRESETS["CODE"] & ~forbidden

    run(main)


def test_a_clock_that_is_set_back_brings_no_grant_back() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            it = await owned(s, host)
            await asyncio.sleep(10)
            it.say(it.revoke())
            await until(lambda: it.newest() > 0, 1)
            expires = it.wall
            expired = it.chain(expires=expires)
            simulation.clock.set_back(3600.0)
            assert it.wall < expires
            assert await refused(s, host, expired) is GrantRefusal.EXPIRED

    run(main)


def test_control_passes_on_when_its_holder_may_act_no_longer() -> None:
    from avl_protocol.wire.registry import ControlMode

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(control=ControlMode.ONE) as host:
            it = await owned(s, host)
            async with s.viewer(host, chain=it.chain(), pictures=False) as first:
                await typed(first, host, "mine")
                by = chain((OWNER, it.grant(name="other", id=grant_id("another"), audience=it.audience)))
                async with s.viewer(host, chain=by, address="10.0.0.9", name="other", pictures=False) as second:
                    it.say(it.revoke(grant_id("granted")))
                    await until(lambda: over(first) is CloseCode.REVOKED, 1)
                    await until(lambda: second.control.mine, 1)
                    it.say(it.policy(LOOKING))
                    await until(lambda: not second.control.mine, 2)
                    it.say(it.policy())
                    await until(lambda: second.control.mine, 2)
                    await typed(second, host, "ours")

    run(main)


def test_a_refused_grant_is_a_sentence() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            it = await owned(s, host)
            with pytest.raises(Refused) as caught:
                async with s.viewer(host, chain=it.chain(expires=it.wall)):
                    pass
            assert str(caught.value) == "The host refused the grant: its time is over."
            assert caught.value.exit_status == 3

    run(main)
