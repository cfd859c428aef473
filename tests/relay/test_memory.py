"""Memory: what a relay gives up as it fills, in which order, and that it takes it back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.endpoint.accept.quota import Quota
from avl_protocol.endpoint.loop.world import system_world
from avl_protocol.media.packetizer import packetize
from avl_protocol.rate.limits import DEFAULT, Places
from avl_protocol.wire.messages import Attach, Incoming
from avl_protocol.wire.registry import CloseCode, ObjectFlag, Priority
from avl_relay.config import RelaySettings
from avl_relay.memory import CGROUP, SLACK, Step, Use, Watermarks, available, resident
from avl_relay.relay import Relay
from tests.protocol.handshakes import identity
from tests.relay.stand import Neighbour, Stand

GIB = 1 << 30


def test_steps_are_taken_one_after_the_other_and_told_once() -> None:
    marks = Watermarks(GIB, DEFAULT)
    told = [(share, marks.look(Use(round(share * GIB), 0))) for share in (0.5, 0.71, 0.74, 0.76, 0.86, 0.86, 0.2, 0.9)]
    every = [Step.STRANGERS, Step.SPARES, Step.QUEUES, Step.NEWCOMERS]
    assert [steps for _, steps in told] == [[], every[:1], [], every[1:2], every[2:], [], [], every]


def test_a_step_is_left_some_way_below_where_it_was_entered() -> None:
    marks = Watermarks(GIB, DEFAULT)
    held: list[Step] = []
    for share in (0.81, 0.80 - SLACK / 2, 0.80 - 1.5 * SLACK):
        marks.look(Use(round(share * GIB), 0))
        held.append(marks.step)
    assert held == [Step.QUEUES, Step.QUEUES, Step.SPARES]


def test_what_waits_counts_though_the_system_has_not_noticed() -> None:
    marks = Watermarks(GIB, DEFAULT)
    marks.look(Use(0, round(0.43 * GIB)))
    assert marks.step is Step.NEWCOMERS


@given(st.lists(st.floats(0, 2), max_size=50))
def test_a_step_always_holds_at_its_mark_and_never_far_below(shares: list[float]) -> None:
    marks = Watermarks(GIB, DEFAULT)
    at = {Step.STRANGERS: 0.70, Step.SPARES: 0.75, Step.QUEUES: 0.80, Step.NEWCOMERS: 0.85}
    for share in shares:
        marks.look(Use(int(share * GIB), 0))
        for step, mark in at.items():
            if share >= mark + 1e-6:
                assert marks.step >= step
            if share < mark - SLACK - 1e-6:
                assert marks.step < step


def test_the_smaller_of_control_group_and_machine_is_what_there_is() -> None:
    def told(group: str, machine: str) -> int:
        def read(path: Path) -> str:
            text = group if path == CGROUP else machine
            if not text:
                raise OSError
            return text

        return available(read)

    assert told("1000000\n", "MemTotal: 4000 kB\n") == 1_000_000
    assert told("max\n", "MemFree: 1 kB\nMemTotal:  4000 kB\n") == 4_096_000
    assert told("", "") == told("", "Swap: 3") == 0


def test_this_process_is_in_memory() -> None:
    assert resident() == 0 or resident() > 1 << 20


def test_the_newest_strangers_go_and_no_friend_does() -> None:
    quota = Quota(Places(9, 99, 999), Places(9, 99, 999), 5.0)
    gone: list[int] = []
    claims = [quota.claim(f"10.0.{at}.1", 0.0, lambda at=at: gone.append(at)) for at in range(10)]  # type: ignore[misc]
    assert claims[9] is not None
    claims[9].trust()
    assert quota.shed(0.25) == 3 and gone == [6, 7, 8]
    assert quota.size == 7
    assert sum(quota.shed(1.0) for _ in range(3)) == 6 and quota.size == 1


class Crowd(Stand):
    """A host with viewers whose hops are behind."""

    def __init__(self, viewers: int) -> None:
        super().__init__()
        self.source = self.host()
        self.viewers = [self.viewer(f"10.0.1.{at}") for at in range(viewers)]
        for at, viewer in enumerate(self.viewers):
            self.meet(self.source, viewer, session=bytes([at]) * 16)
        self.number = 0

    def show(self, key: bool = True, size: int = 5000) -> None:
        self.number += 1
        self.now += 0.03
        pieces = packetize(bytes(size), self.source.media_handle, 1, self.number, int(ObjectFlag.KEY) if key else 0)
        self.source.connection.client.send_datagrams(pieces, Priority.VIDEO, None)
        self.settle()


def backlog(viewer: Neighbour) -> int:
    return viewer.connection.server.datagram_backlog


def test_the_slowest_viewers_lose_what_waits_and_go_on_at_a_key() -> None:
    crowd = Crowd(4)
    for slow in crowd.viewers[:2]:
        slow.connection.server.slow = True
    crowd.show()
    crowd.viewers[1].connection.server.slow = True
    crowd.viewers[0].connection.server.slow = False
    crowd.settle()
    crowd.viewers[0].connection.server.slow = True
    crowd.show(key=False)
    assert backlog(crowd.viewers[1]) > backlog(crowd.viewers[0]) > 0
    before = crowd.router.waiting
    assert crowd.router.drop_slowest(0.5) == 1
    assert backlog(crowd.viewers[1]) == 0 and backlog(crowd.viewers[0]) > 0
    assert crowd.router.waiting < before
    for slow in crowd.viewers[:2]:
        slow.connection.server.slow = False
    crowd.settle()
    seen = len(crowd.viewers[1].told.datagrams)
    crowd.show(key=False)
    assert len(crowd.viewers[1].told.datagrams) == seen, "nothing that needs what was dropped"
    crowd.show()
    assert len(crowd.viewers[1].told.datagrams) > seen


def test_no_parity_is_made_and_little_is_kept_while_memory_is_short() -> None:
    crowd = Crowd(1)
    viewer = crowd.viewers[0].connection.server
    viewer.rows = 2
    crowd.show()
    with_parity = len(crowd.viewers[0].told.datagrams)
    crowd.router.be_lean(True)
    crowd.show()
    assert len(crowd.viewers[0].told.datagrams) - with_parity == with_parity - 2
    for _ in range(10):
        crowd.show(size=100_000)
    assert crowd.router.waiting <= 300_000
    crowd.router.be_lean(False)
    for _ in range(10):
        crowd.show(size=100_000)
    assert crowd.router.waiting > 900_000


def test_new_sessions_are_refused_and_known_ones_come_back() -> None:
    stand = Stand()
    host, viewer = stand.host(), stand.viewer()
    stand.meet(host, viewer, session=b"k" * 16)
    stand.router.take_newcomers(False)
    stranger = stand.viewer("10.0.0.9")
    stand.attach(stranger, b"n" * 16)
    assert stranger.closed == CloseCode.LIMIT
    again = stand.viewer("10.0.0.3")
    again.say(Attach(identity("host").number.to_bytes(17, "big"), b"k" * 16, 1))
    assert again.closed is None
    incoming = host.last(Incoming)
    assert isinstance(incoming, Incoming) and incoming.session == b"k" * 16
    stand.router.take_newcomers(True)
    other = stand.viewer("10.0.0.10")
    stand.attach(other, b"o" * 16)
    assert other.closed is None


async def test_a_relay_gives_up_what_its_watermarks_say_and_takes_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avl_relay.relay.LOOK_AT_MEMORY", 0.01)
    used = [GIB // 2]
    settings = RelaySettings(
        state=tmp_path,
        listen=("127.0.0.1", 0),
        http=("127.0.0.1", 0),
        public="127.0.0.1",
        limits=replace(DEFAULT, memory=GIB),
    )
    relay = Relay(system_world(), settings, in_memory=lambda: used[0])
    with structlog.testing.capture_logs() as logs:
        await relay.start()
        for share, step in ((0.5, Step.NOTHING), (0.9, Step.NEWCOMERS), (0.5, Step.NOTHING)):
            used[0] = round(share * GIB)
            async with asyncio.timeout(10):
                while relay.short_of_memory is not step:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
        await relay.close()
    said = [line["event"] for line in logs if line["event"].startswith("memory")]
    assert said == ["memory is short"] * 4 + ["memory suffices again"]
