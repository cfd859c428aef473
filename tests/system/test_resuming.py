"""Sessions that outlive one of their ends, or the relay they were on: by ticket, or at another relay."""

from __future__ import annotations

import asyncio
import shutil

import pytest

from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import Channel, CloseCode
from avl_relay.access import ALLOWED, Decision, MayAttach, MayRegister
from avl_relay.control.gate import PASS_BYTES, VISIT_BYTES
from tests.simulator.run import Simulation
from tests.simulator.world import HOST, RELAY, VIEWER, system
from tests.system.seen import number, online, run, until

OTHER_CODE = "another-code-2"
#: What a relay that asks for accounts is shown.
PASS = b"p" * PASS_BYTES


def test_a_host_that_starts_again_takes_its_viewer_back_by_ticket() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s:
            first = s.host()
            host = await first.__aenter__()
            await online(host)
            async with s.viewer(host, reconnect=True) as desktop:
                await number(desktop)
                shutil.copytree(s.folder / "host", s.folder / "crashed")
                simulation.network.at(HOST).asleep = True  # nobody hears how it ends
                await first.__aexit__(None, None, None)
                simulation.network.at(HOST).asleep = False
                shutil.rmtree(s.folder / "host")
                (s.folder / "crashed").rename(s.folder / "host")  # what it wrote in order is as little known
                async with s.host(code=OTHER_CODE) as again:
                    await online(again)
                    await asyncio.sleep(5.0)
                    presenter = desktop.presenter
                    await until(lambda: presenter.state is not None and presenter.state.stage == "running", 20)
                    await desktop.type("still here")
                    assert again.sink.typed == "still here"
                    await number(desktop)

    run(main)


class OnePass:
    """Access of a relay that takes who shows a pass, for one visit (spec 12, 12.4)."""

    def __init__(self) -> None:
        self.visit, self.sessions, self.refusals = b"", set[bytes](), 0

    def ask(self, question: MayRegister | MayAttach, now: float) -> Decision | None:
        if isinstance(question, MayRegister):
            return ALLOWED
        self.sessions.add(question.session)
        shown, visit = question.access_pass[:PASS_BYTES], question.access_pass[PASS_BYTES:]
        self.visit = self.visit or visit
        if shown == PASS and visit == self.visit:
            return ALLOWED
        self.refusals += 1
        return Decision(CloseCode.FORBIDDEN)

    def forget(self, question: MayRegister | MayAttach) -> None:
        """Every question was answered at once."""


def test_a_session_that_begins_anew_or_moves_is_let_in_by_the_pass_it_came_with() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s:
            assert s.relay_instance is not None
            await s.relay_instance.close()
            s.access = access = OnePass()
            await s.start_relay()
            first = s.host()
            host = await first.__aenter__()
            await online(host)
            async with s.viewer(host, reconnect=True, direct=False, access_pass=PASS + b"v" * VISIT_BYTES) as desktop:
                await number(desktop)
                await s.relay_instance.close()  # the session goes on, at the relay's next process
                await s.start_relay()
                await until(lambda: desktop.client.paths is not None and desktop.client.paths.nowhere_since is None, 20)
                await desktop.type("moved")
                assert host.sink.typed == "moved" and len(access.sessions) == 1
                shutil.copytree(s.folder / "host", s.folder / "crashed")
                simulation.network.at(HOST).asleep = True
                await first.__aexit__(None, None, None)
                simulation.network.at(HOST).asleep = False
                shutil.rmtree(s.folder / "host")
                (s.folder / "crashed").rename(s.folder / "host")
                async with s.host(code=OTHER_CODE) as again:
                    await online(again)
                    await until(lambda: len(access.sessions) > 1 and desktop.presenter.state.stage == "running", 30)  # type: ignore[union-attr]
                    await desktop.type("anew")
                    assert again.sink.typed == "anew" and access.refusals == 0
                    with pytest.raises(Refused) as refused:
                        async with s.viewer(again, name="other", access_pass=PASS + b"w" * VISIT_BYTES):
                            pass
                    assert refused.value.code is CloseCode.FORBIDDEN

    run(main)


def test_a_viewer_that_starts_again_comes_back_by_ticket_and_the_ticket_works_once(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host() as host:
            await online(host)
            async with s.viewer(host, reconnect=True) as desktop:
                await number(desktop)
                for copy in ("crashed", "thief"):
                    shutil.copytree(s.folder / "viewer", s.folder / copy)
                simulation.network.at(VIEWER).asleep = True
                async with s.viewer(host, "wrong-code-1", "10.0.0.9", "crashed", reconnect=True) as back:
                    await number(back)
                    await back.type("I am back")
                    assert host.sink.typed == "I am back"
                    with pytest.raises(Refused) as refused:
                        async with s.viewer(host, "wrong-code-1", "10.0.0.10", "thief", reconnect=True):
                            pass
                    assert refused.value.code is CloseCode.REFUSED
                    await back.type("!")
                simulation.network.at(VIEWER).asleep = False

    run(main)


def test_a_session_goes_on_at_another_relay_of_the_host() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.second_relay("10.0.0.7") as second:
            async with s.host(relays=(s.relay, second)) as host:
                await until(lambda: len(host.said) > 0)
                await asyncio.sleep(1.0)
                async with s.viewer(host, reconnect=True, others=(second,)) as desktop:
                    await number(desktop)
                    paths = desktop.client.paths
                    assert paths is not None and paths.current is not None and paths.current.relay is not None
                    used = paths.current.relay
                    mine = s.relay_instance if used == s.relay else s.other_instance
                    assert mine is not None
                    await mine.close()
                    await until(lambda: paths.current is not None and paths.current.relay not in (None, used), 5)
                    await desktop.type("elsewhere")
                    assert host.sink.typed == "elsewhere"
                    await number(desktop)

    run(main)


def test_the_session_is_said_to_run_again_when_it_has_arrived_and_not_when_a_relay_answers() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            simulation.network.change(RELAY, VIEWER, delay=0.1)
            async with s.viewer(host, reconnect=True) as desktop:
                await number(desktop)
                presenter, session = desktop.presenter, desktop.client.session
                assert s.relay_instance is not None and session is not None
                await s.relay_instance.close()
                await until(lambda: presenter.state is not None and presenter.state.stage == "lost", 3)
                await s.start_relay()
                await until(lambda: presenter.state is not None and presenter.state.stage == "running", 5)
                assert session._pipes.is_open(Channel.INPUT) and not session.stale
                await desktop.type("at once")
                assert host.sink.typed == "at once"

    run(main)
