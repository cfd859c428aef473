"""What is live at a relay is known at all of its workers, whoever begins late, crashes, or is told twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from avl_protocol.audit.compare import session_name
from avl_protocol.wire.device_id import from_text
from avl_protocol.wire.registry import CloseCode
from avl_relay.figures import Figures
from avl_relay.live import Happening, Live, number_text
from avl_relay.onlooker import Begun

DESK, SHED = number_text(7), number_text(8)


class Worker:
    """One worker's Live, what it was asked to do, and what it told its listeners."""

    def __init__(self, relay: list[Worker]) -> None:
        self.number, self.relay = len(relay), relay
        self.live = Live(wall=lambda: 1000.0 + self.number, worker=self.number)
        self.done: list[tuple[str, int]] = []
        self.carried: dict[int, Figures] = {}
        self.heard: list[Happening] = []
        self.live.join(self, self.tell)
        self.live.listen(self.heard.append)
        relay.append(self)

    def tell(self, news: bytes) -> None:
        for other in self.relay:
            if other is not self:
                other.live.told(self.number, news)

    def end_session(self, handle: int, code: CloseCode) -> None:
        self.done.append((code.name, handle))

    def tell_session(self, handle: int, text: str) -> None:
        self.done.append((text, handle))

    def figures(self) -> dict[int, Figures]:
        return self.carried

    def send_away(self, device: int) -> None:
        self.done.append(("away", device))

    def push(self, device: int) -> None:
        self.done.append(("push", device))

    def read_anew(self) -> None:
        self.done.append(("read", 0))

    def presence(self) -> list[bool]:
        return [one.about["online"] for one in self.heard if one.kind == "presence"]


def relay(count: int) -> list[Worker]:
    made: list[Worker] = []
    for _ in range(count):
        Worker(made)
    return made


def begun(handle: int, session: bytes = b"s" * 16) -> Begun:
    return Begun(handle=handle, device=7, session=session, address="192.0.2.1")


def test_all_workers_know_what_is_online_where() -> None:
    first, second = relay(2)
    first.live.host_came(7, 0.0)
    assert second.live.online(DESK) == 1000 and second.live.online(SHED) is None
    assert first.live.own_devices == {DESK} and second.live.own_devices == set()
    second.live.host_came(7, 0.0)  # it has registered again, elsewhere
    first.live.host_left(7, 0.0)
    assert first.live.online(DESK) == 1001
    assert first.presence() == second.presence() == [True]
    second.live.host_left(7, 0.0)
    assert first.live.online(DESK) is None and first.presence() == [True, False]
    first.live.host_left(7, 0.0)
    assert first.presence() == [True, False]


def test_a_session_that_moves_to_another_worker_goes_on() -> None:
    first, second = relay(2)
    first.live.session_began(begun(1), 0.0)
    second.live.session_began(begun(2), 0.0)
    first.live.session_ended(1, CloseCode.ENDED, 0.0)
    (running,) = first.live.sessions
    assert (running.handle, running.worker) == (2, 1) and first.live.session(running.id) == running
    second.live.session_ended(2, CloseCode.ENDED, 0.0)
    second.live.session_ended(2, CloseCode.ENDED, 0.0)
    assert not list(first.live.sessions) and not list(second.live.sessions)
    assert [one.about["running"] for one in first.heard] == [True, True, False]


def test_an_id_names_a_session_and_does_not_give_it_away() -> None:
    (only,) = relay(1)
    only.live.session_began(begun(1, b"secret session 1"), 0.0)
    (running,) = only.live.sessions
    assert len(running.id) == 22 and "secret" not in running.id
    assert only.live.session("another") is None


def test_who_begins_late_is_told_and_who_crashes_is_forgotten() -> None:
    first, second = relay(2)
    first.live.host_came(7, 0.0)
    first.live.session_began(begun(1), 0.0)
    late = Worker([])
    for news in first.live.all_news():
        late.live.told(0, news)
    assert late.live.online(DESK) == 1000 and len(list(late.live.sessions)) == 1
    second.live.host_came(8, 0.0)
    second.live.lost(0)
    assert second.live.online(DESK) is None and second.live.online(SHED) is not None
    assert not list(second.live.sessions)


def test_what_is_to_be_done_reaches_every_worker() -> None:
    first, second = relay(2)
    first.live.session_began(begun(3), 0.0)
    (running,) = second.live.sessions
    second.live.end(running, owner=True)
    second.live.end(running, owner=False)
    second.live.send_away(DESK)
    second.live.push(SHED)
    second.live.read_anew()
    wanted = [
        ("OWNER_ENDED", 3),
        ("OPERATOR_ENDED", 3),
        ("away", from_text(DESK)),
        ("push", from_text(SHED)),
        ("read", 0),
    ]
    assert first.done == second.done == wanted
    change = Happening(kind="device", device=DESK, about={"name": "new"})
    first.live.announce(change)
    assert first.heard[-1] == second.heard[-1] == change
    second.live.ignore(second.heard.append)


FIGURES = Figures(
    way="quic",
    host_way="websocket",
    rtt_ms=12.5,
    host_rtt_ms=None,
    target_bps=2_000_000,
    delivered_bps=1_000_000,
    queue_ms=0.5,
    loss=0.01,
    skipped=3,
    channels=(0, 1),
)


async def test_whoever_is_asked_knows_how_the_sessions_of_all_workers_are_carried() -> None:
    first, second = relay(2)
    first.live.session_began(begun(1), 0.0)
    second.live.session_began(begun(2, b"t" * 16), 0.0)
    first.carried = {1: FIGURES, 5: FIGURES}  # of 5 nobody was told yet
    second.carried = {2: replace(FIGURES, way="websocket")}
    for worker in (first, second):
        told = await worker.live.figures()
        assert told == {session_name(b"s" * 16): FIGURES, session_name(b"t" * 16): replace(FIGURES, way="websocket")}


async def test_many_sessions_are_told_of_in_parts() -> None:
    first, second = relay(2)
    for handle in range(500):
        second.live.session_began(begun(handle, handle.to_bytes(16, "big")), 0.0)
    second.carried = dict.fromkeys(range(500), FIGURES)
    assert len(await first.live.figures()) == 500


async def test_a_worker_that_does_not_answer_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avl_relay.live.PATIENCE", 0.01)
    first, second = relay(2)
    first.live.session_began(begun(1), 0.0)
    second.live.session_began(begun(2, b"t" * 16), 0.0)
    first.carried, first.relay = {1: FIGURES}, [first]  # who is not reached
    assert await first.live.figures() == {session_name(b"s" * 16): FIGURES}
