"""Direct paths through NATs, and what happens to a session when its ways come and go: whole programs in virtual
time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from avl_protocol.session.hop.server import HopServer, HopServerState
from avl_protocol.wire.messages import Goaway
from avl_protocol.wire.registry import CloseCode
from interop.bench.paths.gaps import CASES, FRAME, Case, happen
from interop.bench.paths.nats import KINDS, LAYERED, meet, opens
from tests.simulator.run import Simulation
from tests.simulator.world import system
from tests.system.seen import number, online, run, until

#: Runs of the pair that the internet is made of, and of a pair that opens no way; `./dev bench paths` has more.
SEEDS, CLOSED = 15, 2
ALL_KINDS = (*KINDS, LAYERED)


def expected(kind: str) -> str:
    """How a kind behaves towards the other side."""
    return "restricted" if kind == LAYERED else kind


@pytest.mark.parametrize("viewer", ALL_KINDS)
@pytest.mark.parametrize("host", ALL_KINDS)
def test_a_direct_way_opens_between_nats_wherever_one_can_be_had(host: str, viewer: str) -> None:
    met = meet(host, viewer, seed=1)
    assert (met.direct is not None) == opens(expected(host), expected(viewer))
    assert met.path == ("relay" if met.direct is None else met.path) and (met.twice, met.lost) == (0, 0)


@pytest.mark.parametrize("part", range(5))
def test_between_two_usual_routers_the_way_is_direct_soon_after_the_first_picture(part: int) -> None:
    for seed in range(part, SEEDS, 5):
        met = meet("restricted", "restricted", seed)
        assert met.direct is not None and met.direct <= 0.3, seed
        assert (met.twice, met.lost) == (0, 0), seed


@pytest.mark.parametrize("pair", [("symmetric", "restricted"), ("restricted", "symmetric"), ("symmetric", "symmetric")])
def test_where_no_direct_way_opens_looking_for_it_costs_no_time(pair: tuple[str, str]) -> None:
    for seed in range(CLOSED):
        tried, not_tried = meet(*pair, seed), meet(*pair, seed, attempt=False)
        assert tried.path == not_tried.path == "relay"
        assert tried.first <= not_tried.first + 0.005, seed


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_picture_moves_again_soon_and_no_key_is_lost_or_doubled(case: Case) -> None:
    gap = happen(case, seed=1)
    assert gap.seconds <= case.goal + FRAME
    assert (gap.doubled, gap.twice) == (0, 0)
    if case.keys:
        assert gap.missing == 0


def test_make_before_break_loses_nothing() -> None:
    case = next(case for case in CASES if case.name.startswith("second address"))
    for seed in (0, 2):
        gap = happen(case, seed)
        assert (gap.lost, gap.missing, gap.doubled) == (0, 0, 0), seed


@pytest.mark.parametrize(
    ("direct", "who"),
    [(True, CloseCode.OPERATOR_ENDED), (False, CloseCode.OPERATOR_ENDED), (False, CloseCode.OWNER_ENDED)],
)
def test_a_session_that_is_ended_at_the_relay_ends_by_whichever_path_it_runs_and_says_who_ended_it(
    direct: bool, who: CloseCode
) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(direct=direct) as host:
            await online(host)
            async with s.viewer(host, reconnect=True) as desktop:
                await number(desktop)
                if direct:
                    await until(lambda: desktop.stats()["path"] not in ("relay", "none"), 5)
                assert s.relay_instance is not None
                (handle,) = s.relay_instance.figures()
                began = simulation.clock.monotonic()
                s.relay_instance.end_session(handle, who)
                reason = await desktop.ended()
                assert reason.code is who and "ended this session" in str(reason)
                assert simulation.clock.monotonic() - began < 0.3
                await until(lambda: not host.agent.subscribers.subscribers(), 1)

    run(main)


@pytest.mark.parametrize("direct", [False, True])
def test_what_the_relay_s_operator_says_is_shown_wherever_the_session_runs(direct: bool) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via="moved" if direct else "relay") as s, s.host() as host:
            await online(host)
            async with s.viewer(host, pictures=False) as desktop:
                told: list[str] = []
                desktop.on_remark = told.append
                assert s.relay_instance is not None
                (handle,) = s.relay_instance.figures()
                s.relay_instance.tell_session(handle + 1, "nobody has this one")
                s.relay_instance.tell_session(handle, "\n")
                s.relay_instance.tell_session(handle, "Back\x07 at\n nine " + 300 * "x")
                await until(lambda: bool(told), 1)
                await asyncio.sleep(1)
                (text,) = told
                assert text.startswith("The relay's operator says: Back") and text.isprintable() and "at nine" in text
                assert len(text) <= 200 + len("The relay's operator says: ")

    run(main)


def test_a_relay_that_goes_away_is_left_before_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No relay of this version says GOAWAY: here one does."""
    peers: list[HopServer] = []

    def made(*arguments: Any, **named: Any) -> HopServer:
        peers.append(HopServer(*arguments, **named))
        return peers[-1]

    monkeypatch.setattr("avl_relay.relay.HopServer", made)

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host, reconnect=True) as desktop:
                await number(desktop)
                known = list(peers)
                peers[-1].send(Goaway(()))
                await until(lambda: peers[len(known) :] != [] and known[-1].state is HopServerState.GONE, 5)
                assert desktop.stats()["switch"]["reason"] == "the relay goes away"
                await desktop.type("elsewhere")
                assert host.sink.typed == "elsewhere"

    run(main)


def test_who_answers_at_a_candidate_ends_no_session_though_no_relay_is_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    dialled: list[Any] = []
    alone = asyncio.Event()

    async def another(_: Any, address: Any, destination: bytes, link: Any, after: Any, timeout: float) -> None:
        dialled.append(address)
        await alone.wait()
        link.carrier_lost(CloseCode.WRONG_HOST, "", asyncio.get_running_loop().time())
        after()

    monkeypatch.setattr("avl_protocol.endpoint.dial.dialler.Dialler.reach_directly", another)

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(direct=True) as host:
            await online(host)
            async with s.viewer(host, reconnect=True) as desktop:
                await number(desktop)
                await until(lambda: bool(dialled), 5)
                assert s.relay_instance is not None
                await s.relay_instance.close()
                await until(lambda: desktop.stats()["path"] == "none", 5)
                alone.set()
                await asyncio.sleep(0.1)
                await s.start_relay()
                await until(lambda: desktop.stats()["path"] == "relay", 10)
                await desktop.type("the same session")
                assert host.sink.typed == "the same session"

    run(main)
