"""A relay compares its log with its hosts' as they grow: over its processes, restarts and hosts that come and go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from avl_protocol.audit.chain import Chain
from avl_protocol.audit.compare import TOLERANCE, Missing, session_name
from avl_protocol.audit.exchange import ALARM, messages, rows
from avl_protocol.wire.messages import Logged
from avl_protocol.wire.registry import T_LOGGED
from avl_relay.anomalies.settings import AnomalySettings
from avl_relay.audit.book import Book
from avl_relay.audit.comparing import MOST_ALARMS, Comparing
from avl_relay.audit.events import Recording
from avl_relay.audit.reading import Several
from avl_relay.live import number_text
from avl_relay.onlooker import Begun, Blind
from tests.protocol.audit_log import NOW_MS, salts
from tests.relay.test_anomalies import Told, run
from tests.relay.test_audit import book, logged, relay
from tests.relay.test_control import NUMBER, until

A, B = session_name(b"s" * 16), session_name(b"b" * 16)


class Desk:
    """A Comparing, its time, and what it has said and found."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.said: list[tuple[str, list[str]]] = []
        self.found: list[tuple[str, Missing]] = []
        self.beyond: list[str] = []
        self.comparing = Comparing(
            say=lambda device, message: self.said.append((device, [name for name, _ in rows(message)])),
            found=lambda device, missing: self.found.append((device, missing)),
            beyond=self.beyond.append,
        )

    @property
    def now_ms(self) -> int:
        return NOW_MS + int(1000 * (self.now - 1000.0))

    def began(self, session: str, device: str = "D") -> None:
        self.comparing.recorded("session_began", {"session": session, "device": device}, self.now_ms, self.now)

    def left(self, device: str = "D") -> None:
        self.comparing.recorded("host_left", {"device": device}, self.now_ms, self.now)

    def hears(self, *names: str, device: str = "D", begins: bool = False) -> None:
        since = self.now_ms - 24 * 3_600_000
        for message in messages([(name, self.now_ms) for name in names], since, self.now_ms):
            self.comparing.hear(device, message, begins=begins, now=self.now, now_ms=self.now_ms)

    def knows(self, since: int = NOW_MS - 24 * 3_600_000) -> None:
        self.comparing.know((), since, self.now, self.now_ms)

    def wait(self, seconds: float = T_LOGGED) -> list[tuple[str, str, str]]:
        """What was found meanwhile."""
        self.now += seconds
        due = self.comparing.next_timeout()
        if due is not None and due <= self.now:
            self.comparing.handle_timer(self.now)
        found, self.found = self.found, []
        return [(device, one.session, one.lacks) for device, one in found]


def test_what_happens_before_the_log_is_read_waits_and_hosts_are_answered_then() -> None:
    desk = Desk()
    desk.began(A)
    desk.hears(A, begins=True)
    assert not desk.said and desk.comparing.next_timeout() is None
    desk.knows()
    assert desk.said == [("D", [A])] and desk.wait() == []


def test_who_has_never_said_what_it_has_logged_is_told_nothing_and_held_to_nothing() -> None:
    desk = Desk()
    desk.knows()
    desk.began(A)
    assert not desk.said and desk.wait() == []
    desk.hears(begins=True)
    assert desk.said == [("D", [A])] and desk.wait() == [("D", A, "host")]


def test_a_session_that_the_host_does_not_know_is_found_once_restarts_included() -> None:
    desk = Desk()
    desk.knows()
    desk.hears(begins=True)
    desk.began(A)
    assert desk.wait(T_LOGGED - 1) == [] and desk.wait(1) == [("D", A, "host")]
    desk.hears(begins=True)
    assert desk.wait() == []
    chain, entropy = Chain(), salts()
    entries = [
        chain.append("session_began", {"session": A, "device": "D"}, now_ms=NOW_MS, entropy=entropy),
        chain.append("alarm", {"alarm": ALARM, "session": A}, now_ms=NOW_MS, entropy=entropy),
    ]
    again = Desk()
    again.comparing.know(entries, NOW_MS - TOLERANCE, again.now, again.now_ms)
    again.hears(begins=True)
    assert again.said == [("D", [A])] and again.wait() == []


def test_a_host_that_is_offline_is_asked_again_when_it_is_back() -> None:
    desk = Desk()
    desk.knows()
    desk.hears(begins=True)
    desk.began(A)
    desk.left()
    assert desk.wait(40 * T_LOGGED) == []
    desk.hears(begins=True)
    desk.hears(A)
    assert desk.wait() == []
    desk.began(B)
    desk.left()
    desk.hears(begins=True)
    assert desk.said[-1] == ("D", [A, B]) and desk.wait() == [("D", A, "host"), ("D", B, "host")]


def test_what_another_process_writes_may_come_later_than_what_the_host_says() -> None:
    desk = Desk()
    desk.knows()
    desk.hears(begins=True)
    desk.hears(A)
    desk.began(A)
    assert desk.wait() == [] and desk.said[-1] == ("D", [A])
    desk.hears(B)
    assert desk.wait() == [("D", B, "relay")]


def test_a_process_that_has_begun_anew_names_what_it_has_at_the_first_word() -> None:
    desk = Desk()
    desk.knows()
    desk.began(A)
    desk.hears(A)  # not the first on its hop, and the first that is heard here
    assert desk.said == [("D", [A])] and desk.wait() == []


def test_a_host_that_names_what_never_was_is_told_of_some_times_a_day() -> None:
    desk = Desk()
    desk.knows()
    desk.hears(begins=True)
    names = [session_name(number.to_bytes(16, "big")) for number in range(MOST_ALARMS + 3)]
    desk.hears(*names)
    assert len(desk.wait()) == MOST_ALARMS and desk.beyond == ["D"] * 3
    desk.hears(A)
    assert desk.wait(86_400.0) == [("D", A, "relay")]


def test_hosts_that_have_left_are_forgotten_in_the_end() -> None:
    desk = Desk()
    desk.knows()
    for number in range(5000):
        desk.hears(device=str(number), begins=True)
        desk.left(str(number))
    assert len(desk.comparing._hops) <= 4096


def connect(first: Book, second: Book) -> tuple[Callable[[bytes], object], Callable[[bytes], object]]:
    one, other = Several(first, None), Several(second, None)
    return (lambda news: other.told(0, news)), (lambda news: one.told(1, news))


async def test_a_host_at_one_process_and_its_viewer_at_another_are_compared_by_the_first(tmp_path: Path) -> None:
    first, second = book(tmp_path / "a"), book(tmp_path / "a", 1)
    to_second, to_first = connect(first, second)
    first.start(to_second, dict)
    second.start(to_first, dict)
    heard: list[Logged] = []

    class Peer:
        state = None

        def send(self, message: Logged) -> None:
            heard.append(message)

    peer: Any = Peer()
    device = number_text(0)
    second.logged(peer, device, Logged(9, ((b"short", 1), (b"x" * 16, 0))))
    await until(lambda: heard)
    Recording(first, Blind()).session_began(Begun(handle=1, device=0, session=b"s" * 16, address=""), 0.0)
    assert len(heard) == 2 and [name for name, _ in rows(heard[1])] == [A]
    second.record("host_left", device=device)
    second.told(0, b'\0{"named": "D", "covers": 1, "sessions": []}')
    assert len(heard) == 2
    found: list[tuple[str, Missing]] = []
    first.alarmed = lambda device, missing: found.append((device, missing))
    first._missing("D", Missing(A, NOW_MS, "host"))
    assert found
    first.raise_missing("D", Missing(B, NOW_MS, "relay"))
    first._beyond("D")
    await second.close()
    await first.close()
    (alarm,) = logged(tmp_path / "a", "alarm")
    assert (alarm.text("alarm"), alarm.text("session")) == (ALARM, B) and "not in the relay's" in alarm.text("why")
    assert logged(tmp_path / "a", "limit_hit")[-1].text("device") == "D"


async def test_after_a_restart_a_relay_names_what_its_log_has_of_a_host(tmp_path: Path) -> None:
    folder = tmp_path / "relay"
    async with relay(folder) as place:
        await place.host()
        watching = await place.attach()
        await until(watching.attached)
        await until(lambda: logged(folder, "session_began"))
        assert not [one for one in place.heard if isinstance(one, Logged)]
    async with relay(folder) as place:
        hop = await place.host()
        hop.hop.send(Logged(0))
        await until(lambda: [one for one in place.heard if isinstance(one, Logged)])
        (said,) = [one for one in place.heard if isinstance(one, Logged)]
        assert [name for name, _ in rows(said)] == [A]
        assert logged(folder, "session_began")[0].text("device") == NUMBER


async def test_what_is_missing_is_an_alarm_like_any_other_whatever_is_done_about_those(tmp_path: Path) -> None:
    told, missing = Told(), [("D" * 28, Missing(A, 1, "host"))]
    announced = await run(told, AnomalySettings(on=False, action="end"), [], missing)
    ((alarm, acted),) = told.alarms
    assert (alarm.kind, alarm.device, alarm.session, acted) == (ALARM, "D" * 28, A, "notify") and announced == ["id"]
    assert "host's own log does not have" in alarm.why and not told.ended and not told.out
    ((kind, said),) = told.recorded
    assert (kind, said["alarm"], said["session"]) == ("alarm", ALARM, A)
