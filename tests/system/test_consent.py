"""What a person at the host allows, over the life of sessions: it takes away, it lasts, and is asked for anew when a
session gains."""

from __future__ import annotations

import asyncio
import shutil

from avl_host.presence.question import NONE, Decision, Question
from avl_protocol.rights.effective import Consent
from avl_protocol.wire.registry import PRESETS, CloseCode, Permission
from avl_viewer.api import Desktop
from tests.simulator.run import Simulation
from tests.simulator.run import run as run_long
from tests.simulator.world import VIEWER, system
from tests.system.seen import number, online, run, until
from tests.system.test_rights import over, owned, typed

#: What an operator may at a host without a microphone (R-SESS-314).
OPERATOR = PRESETS["OPERATOR"] & ~Permission.AUDIO_IN
KEYBOARD = Permission.KEYBOARD


class Person:
    """Who is asked: allows what is wished for, less `keeps`, for so many seconds."""

    def __init__(self, keeps: Permission = NONE, seconds: float | None = None) -> None:
        self.keeps, self.seconds = keeps, seconds
        self.asked: list[Question] = []

    async def ask(self, question: Question) -> Decision | None:
        self.asked.append(question)
        await asyncio.sleep(1)
        return Decision(question.wish & ~self.keeps, self.seconds)


def may(desktop: Desktop) -> Permission:
    assert desktop.client.session is not None
    return desktop.client.session.permissions


def test_what_a_person_switched_off_stays_off_when_the_viewer_comes_back_with_its_ticket(via: str) -> None:
    person = Person(keeps=KEYBOARD)

    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host(ask=person.ask, ask_consent=True) as host:
            await online(host)
            async with s.viewer(host, reconnect=True) as desktop:
                assert may(desktop) == PRESETS["CODE"] & ~KEYBOARD
                await number(desktop)
                shutil.copytree(s.folder / "viewer", s.folder / "restarted")
                simulation.network.at(VIEWER).asleep = True
                async with s.viewer(host, address="10.0.0.8", name="restarted", reconnect=True) as back:
                    assert may(back) == PRESETS["CODE"] & ~KEYBOARD
                simulation.network.at(VIEWER).asleep = False
            assert len(person.asked) == 1 and not person.asked[0].verified

    run(main)


def test_it_stays_off_beside_a_chain_and_at_the_next_visit_by_a_grant_that_asks_at_first() -> None:
    person = Person(keeps=KEYBOARD)

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(ask_for_grants=person.ask) as host:
            it = await owned(s, host)
            first = it.chain(consent=Consent.FIRST, name="viewer")
            async with s.viewer(host, chain=first, reconnect=True) as desktop:
                assert may(desktop) == OPERATOR & ~KEYBOARD
                await number(desktop)
                shutil.copytree(s.folder / "viewer", s.folder / "restarted")
                simulation.network.at(VIEWER).asleep = True
                async with s.viewer(host, chain=first, address="10.0.0.8", name="restarted", reconnect=True) as back:
                    assert may(back) == OPERATOR & ~KEYBOARD
                simulation.network.at(VIEWER).asleep = False
            async with s.viewer(host, chain=first) as desktop:
                assert may(desktop) == OPERATOR & ~KEYBOARD
            assert len(person.asked) == 1
            assert person.asked[0].verified and person.asked[0].seconds is not None

    run(main)


def test_a_person_is_asked_again_when_a_session_gains_and_never_when_it_loses() -> None:
    person = Person()
    looks = OPERATOR & ~KEYBOARD & ~Permission.CLIPBOARD_IN

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(ask_for_grants=person.ask) as host:
            it = await owned(s, host)
            it.say(it.policy(looks))
            await asyncio.sleep(1)
            async with s.viewer(host, chain=it.chain(consent=Consent.ALWAYS), pictures=False) as desktop:
                assert may(desktop) == looks and len(person.asked) == 1
                it.say(it.policy(Permission.VIEW))
                await until(lambda: may(desktop) == Permission.VIEW, 2)
                it.say(it.policy(looks))
                await until(lambda: may(desktop) == looks, 2)
                assert len(person.asked) == 1, "it lost and got back what had been allowed"
                person.keeps = Permission.CLIPBOARD_IN
                it.say(it.policy(OPERATOR))
                await until(lambda: len(person.asked) == 2, 2)
                assert person.asked[1].wish == KEYBOARD | Permission.CLIPBOARD_IN and person.asked[1].has == looks
                it.say(it.policy(OPERATOR, longest=3000))
                assert may(desktop) == looks, "not before they have answered"
                await until(lambda: may(desktop) == looks | KEYBOARD, 3)
                await typed(desktop, host, "allowed")
                it.say(it.policy(looks))
                await until(lambda: may(desktop) == looks, 2)
                it.say(it.policy(OPERATOR))
                await until(lambda: may(desktop) == looks | KEYBOARD, 2)
                await asyncio.sleep(5)
                assert len(person.asked) == 2, "what was decided is not asked about once more"

    run(main)


def test_nobody_is_asked_about_who_came_without_being_asked_about() -> None:
    person = Person()

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(ask_for_grants=person.ask) as host:
            it = await owned(s, host)
            it.say(it.policy(Permission.VIEW))
            await asyncio.sleep(1)
            async with s.viewer(host, chain=it.chain(), pictures=False) as desktop:
                it.say(it.policy(OPERATOR))
                await until(lambda: may(desktop) == OPERATOR, 2)
            assert not person.asked

    run(main)


def test_nobody_has_to_decide_about_who_has_gone() -> None:
    async def main(simulation: Simulation) -> None:
        asked, withdrawn = asyncio.Event(), asyncio.Event()

        async def ask(question: Question) -> Decision | None:
            asked.set()
            try:
                await asyncio.Event().wait()
                return None
            finally:
                withdrawn.set()

        async with system(simulation) as s, s.host(ask=ask, ask_consent=True) as host:
            await online(host)

            async def visit() -> None:
                async with s.viewer(host):
                    pass

            visiting = asyncio.create_task(visit())
            await asked.wait()
            visiting.cancel()
            await asyncio.gather(visiting, return_exceptions=True)
            async with asyncio.timeout(5):
                await withdrawn.wait()
            assert not host.agent.subscribers.sessions

    run(main)


def test_what_was_decided_is_told_to_who_writes_it_down() -> None:
    person = Person(keeps=KEYBOARD)

    async def main(simulation: Simulation) -> None:
        decided: list[tuple[str, Decision | None]] = []
        async with system(simulation) as s, s.host(ask=person.ask, ask_consent=True) as host:
            await online(host)
            host.agent.subscribers.decided = lambda session, question, allowed: decided.append(
                (question.claimed, allowed)
            )
            async with s.viewer(host):
                assert decided == [("viewer", Decision(PRESETS["CODE"] & ~KEYBOARD))]

    run(main)


def test_who_was_let_in_for_a_time_is_warned_and_gone_by_then_and_its_ticket_with_it() -> None:
    """The viewer knows, too, and comes back by its ticket meanwhile, not after."""
    person = Person(seconds=900.0)

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(ask=person.ask, ask_consent=True) as host:
            await online(host)
            host.source.set_still(True)
            begun = simulation.clock.monotonic()
            async with s.viewer(host, reconnect=True, pictures=False) as desktop:
                await until(lambda: desktop.time_left is not None)
                assert 895 < (desktop.time_left or 0) <= 900
                shutil.copytree(s.folder / "viewer", s.folder / "restarted")
                simulation.network.at(VIEWER).asleep = True
                await asyncio.sleep(300)
                async with s.viewer(host, address="10.0.0.8", name="restarted", reconnect=True, pictures=False) as back:
                    await until(lambda: back.time_left is not None)
                    assert 580 < (back.time_left or 0) < 600
                    assert len(person.asked) == 1, "it came by its ticket"
                    shutil.copytree(s.folder / "restarted", s.folder / "late")
                    await until(lambda: over(back) is CloseCode.TIME_OVER, 700)
            assert 899 < simulation.clock.monotonic() - begun < 905
            assert not host.agent.subscribers.sessions
            person.seconds = None
            simulation.network.at(VIEWER).asleep = False
            async with s.viewer(host, address="10.0.0.9", name="late", pictures=False) as late:
                assert len(person.asked) == 2 and late.time_left is None, "the ticket ended with the time"

    run_long(main)


def test_who_was_let_in_for_a_time_by_a_grant_that_asks_at_first_is_asked_about_at_the_next_visit() -> None:
    person = Person(seconds=60.0)

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(ask_for_grants=person.ask) as host:
            it = await owned(s, host)
            first = it.chain(consent=Consent.FIRST, name="viewer")
            for visit in (1, 2):
                async with s.viewer(host, chain=first, pictures=False) as desktop:
                    await until(lambda: desktop.time_left is not None and desktop.time_left <= 60)
                assert len(person.asked) == visit
            person.seconds = None
            for _ in range(2):
                async with s.viewer(host, chain=first, pictures=False):
                    pass
            assert len(person.asked) == 3, "without a time it counts for the next visit"

    run(main)
