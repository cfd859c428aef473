"""What is unusual at a relay: told with its reasons, and only then; kept over a restart; acted upon as it is set."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from avl_protocol.audit.compare import Missing
from avl_protocol.audit.events import checked
from avl_protocol.endpoint.loop.world import system_world
from avl_protocol.endpoint.program.auditfiles import FOLDER, entries_of
from avl_protocol.endpoint.program.state import StateFolder
from avl_relay.anomalies.alarms import AGAIN, Alarm, Judge
from avl_relay.anomalies.features import FEATURES, NAMES
from avl_relay.anomalies.forest import Days, Forest
from avl_relay.anomalies.habits import DAY, HOUR, Habits
from avl_relay.anomalies.keeping import Keeping
from avl_relay.anomalies.sentinel import Sentinel
from avl_relay.anomalies.settings import AnomalySettings
from avl_relay.anomalies.tails import TAILS
from avl_relay.api.alarms import AlarmList
from avl_relay.api.identity import Role
from avl_relay.audit.book import Book
from avl_relay.audit.settings import AuditSettings
from avl_relay.config import RelaySettings
from avl_relay.control.plane import ControlPlane
from avl_relay.control.settings import ControlSettings
from avl_relay.live import Live
from avl_relay.relay import Relay
from avl_relay.store.alarms import Alarms, KeptHabits
from avl_relay.store.engine import Store, database_url
from avl_relay.store.people import People
from tests.relay.apis import BEGUN, Desk, Hands, who
from tests.relay.owners import ROLES, person, settle_in
from tests.tools import without

#: A Monday, 9:00 UTC.
MORNING = 1_799_625_600.0 + 9 * HOUR
HOME, AWAY = "198.51.100.7", "203.0.113.9"
DEVICES = ("A" * 28, "B" * 28)


def visit(judge: Judge, at: float, *, address: str = HOME, device: str = DEVICES[0], known: bool = True) -> list[Alarm]:
    """Somebody signs in, and sees a device for half an hour."""
    said = {"person": "ada", "login": "ada", "how": "passkey", "known": known, "address": address}
    found = judge.hear("signed_in", said, at)
    name = f"s{at:.0f}"
    found += judge.hear(
        "session_began", {"session": name, "device": device, "person": "ada", "address": address}, at + 9
    )
    return found + judge.hear("session_ended", {"session": name, "device": device}, at + 1800)


def settled(days: int = 20) -> Judge:
    """Somebody with habits."""
    judge = Judge()
    for day in range(days):
        for hour in (0, 3, 6):
            assert visit(judge, MORNING + day * DAY + hour * HOUR + 400 * (day % 3)) == []
    return judge


def test_what_is_usual_is_no_alarm_and_a_thief_is_one_with_reasons_in_words() -> None:
    judge = settled()
    at = MORNING + 21 * DAY - 6 * HOUR
    for _ in range(3):
        said = {"login": "ADA", "address": AWAY, "how": "password", "why": "credentials"}
        assert judge.hear("sign_in_refused", said, at) == []
        at += 20
    said = {"person": "ada", "login": "ada", "how": "recovery", "address": AWAY}
    (alarm,) = judge.hear("signed_in", {**said, "known": False}, at)
    assert (alarm.person, alarm.account, alarm.detector) == ("ada", "ada", "robust") and alarm.score > 100
    told = {one.feature: str(one) for one in alarm.reasons}
    assert {"place", "browser"} & set(told)
    assert "203.0.113.0/24" in "".join(told.values()) or "recovery" in "".join(told.values())
    assert all("usual: " in text for text in told.values())
    assert checked("alarm", {"alarm": alarm.kind, "why": alarm.why, "score": alarm.score}, bytes).event


def test_one_thing_out_of_the_ordinary_is_no_alarm() -> None:
    for change in ({"address": AWAY}, {"known": False}, {"device": DEVICES[1]}):
        assert visit(settled(), MORNING + 21 * DAY, **change) == []
    assert visit(settled(), MORNING + 21 * DAY - 7 * HOUR) == []
    assert visit(settled(), MORNING + 40 * DAY) == []


def test_guesses_are_an_alarm_once_a_day() -> None:
    judge = settled()
    found = []
    for number in range(60):
        said = {"login": "ada", "address": AWAY, "how": "password", "why": "credentials"}
        found += judge.hear("sign_in_refused", said, MORNING + 22 * DAY + 10 * number)
    assert len(found) == 1 and found[0].kind in ("failures", "failures_day", "guesses")
    changed, after = judge.watch.changed(), Judge()
    for subject, kept in changed.items():
        after.put(subject, kept)
    for number in range(60):  # it has restarted meanwhile, and remembers
        said = {"login": "ada", "address": AWAY, "how": "password", "why": "credentials", "person": "ada"}
        assert after.hear("sign_in_refused", said, MORNING + 22 * DAY + 700 + 10 * number) == []
    found = []
    for number in range(60):
        said = {"login": "ada", "address": AWAY, "how": "password", "why": "credentials"}
        found += judge.hear("sign_in_refused", said, MORNING + 22 * DAY + AGAIN + 900 + 10 * number)
    assert len(found) == 1


def test_many_devices_within_an_hour_are_an_alarm_and_their_sessions_are_known() -> None:
    judge, found = settled(), list[Alarm]()
    at = MORNING + 21 * DAY + 12 * HOUR
    for number in range(30):
        said = {"session": f"m{number}", "device": f"{number:028}", "person": "ada", "address": HOME}
        found += judge.hear("session_began", said, at + 20 * number)
    assert found[0].kind in ("reach", "at_once", "visitor", "device", "strange")
    assert len(judge.watch.sessions_of("ada")) == 30
    for number in range(30):
        judge.hear("session_ended", {"session": f"m{number}", "device": ""}, at + 3000)
    assert judge.watch.sessions_of("ada") == []


def test_sessions_that_run_for_a_night_are_an_alarm_while_they_run() -> None:
    judge = settled()
    at = MORNING + 20 * DAY + 12 * HOUR
    for number in range(5):
        said = {"session": f"n{number}", "device": DEVICES[0], "person": "ada", "address": HOME}
        assert judge.hear("session_began", said, at + 60 * number) == []
    found = [alarm for step in range(60) for alarm in judge.look(at + 900 * step)]
    assert len(found) == 1 and {one.feature for one in found[0].reasons} & {"length", "served", "at_once", "hour"}


def test_habits_survive_as_json_and_are_bounded() -> None:
    judge = settled()
    for number in range(3000):
        said = {
            "session": f"x{number}",
            "device": f"{number:028}",
            "person": "ada",
            "address": f"10.{number % 250}.1.1",
        }
        judge.hear("session_began", said, MORNING + 21 * DAY + number)
    kept = judge.watch.changed()
    assert judge.watch.changed() == {}
    mine = kept["ada"]
    assert len(str(mine)) < 20_000 and Habits(mine).to_json() == mine
    other = Judge()
    other.put("ada", kept["ada"])
    assert len(other.watch) == 1
    with pytest.raises((KeyError, TypeError, ValueError)):
        other.put("ada", {"hours": [1.0]})
    judge.watch.forget("ada")
    assert "ada" not in judge.watch.changed()


def test_a_watch_is_bounded_whatever_comes() -> None:
    judge = Judge()
    for number in range(9000):
        said = {"login": f"n{number}", "address": f"10.{number // 250}.{number % 250}.1", "how": "password"}
        judge.hear("sign_in_refused", said, MORNING + number)
    assert len(judge.watch) <= 8192


def test_devices_that_were_seen_before_are_not_strange() -> None:
    judge, at = settled(), MORNING + 21 * DAY
    place = NAMES.index("strange")

    def strange(device: str) -> float:
        said = {"session": device, "device": device, "person": "ada", "address": HOME}
        (moment,) = judge.watch.hear("session_began", said, at)
        return moment.values[place]

    assert strange(DEVICES[0]) == 0
    assert strange("C" * 28) > 0.6  # nearly one, as a logarithm
    assert strange("D" * 28) > 1.0


def test_more_hours_than_anybody_works_are_raised_whatever_they_do_otherwise() -> None:
    judge, at = settled(), MORNING + 21 * DAY
    for number in range(4):
        said = {"session": f"n{number}", "device": DEVICES[0], "person": "ada", "address": HOME}
        judge.watch.hear("session_began", said, at)
    place, moments = NAMES.index("beyond"), judge.watch.look(at + 2 * HOUR)
    assert all(moment.raised[place] == 0 for moment in moments)
    assert all(moment.raised[place] > 3 for moment in judge.watch.look(at + 10 * HOUR))


def test_what_was_raised_before_is_told_as_it_was_and_not_of_other_features() -> None:
    habits = Habits()
    habits.carry((3.0, 0.0), [(5.0, 1.0, "abroad|home"), (0.0, 0.0, "")], MORNING)
    kept = Habits(json.loads(json.dumps(habits.to_json())))
    (much, told), _ = kept.carry((0.0, 1.0), [(0.0, 0.0, ""), (2.0, 0.0, "")], MORNING + HOUR)
    assert (much, told) == (1.5, (5.0, 1.0, "abroad|home"))
    assert [much for much, _ in kept.carry((0.0,), [(0.0, 0.0, "")], MORNING + HOUR)] == [0.0]


def test_every_feature_has_a_tail_that_rises() -> None:
    assert len(TAILS) == len(FEATURES) == len(set(NAMES))
    assert all(list(row) == sorted(row) for row in TAILS)


def test_the_forest_finds_the_same_thief_and_says_why() -> None:
    if importlib.util.find_spec("sklearn") is None:
        without("scikit-learn (the extra 'anomalies') is not installed")
    judge = Judge()
    for number in range(60):
        for day in range(20):
            begins = MORNING + day * DAY + 60 * number
            said = {
                "person": f"p{number}",
                "how": "passkey",
                "known": (number + day) % 19 != 0,
                "address": f"10.1.{number}.1",
            }
            judge.hear("signed_in", said, begins)
    rows = judge.days.rows()
    assert len(rows) == 1200
    judge.detector = Forest(rows, limit=0.6)
    said = {"person": "p7", "how": "recovery", "known": False, "address": AWAY}
    (alarm,) = judge.hear("signed_in", said, MORNING + 21 * DAY - 6 * HOUR)
    assert alarm.detector == "forest" and alarm.reasons
    assert {one.feature for one in alarm.reasons} & {"place", "browser", "way", "hour"}


def test_days_keep_the_most_unusual_moment_of_each() -> None:
    judge = settled(2)
    assert len(judge.days) == 2 and all(len(row) == len(NAMES) for row in judge.days.rows())
    assert Days().rows() == []


# the store, and the API over it


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = Store(database_url(None, tmp_path))
    await made.open()
    await settle_in(made)
    yield made
    await made.close()


@pytest.fixture
async def desk(store: Store) -> AsyncIterator[Desk]:
    known = {name: who(person(name), Role(role)) for name, role in ROLES.items()}
    made = Desk([AlarmList()], store, known, Hands())
    yield made
    await made.close()


def keeping(store: Store) -> Keeping:
    number = iter(range(1, 1000))
    return Keeping(
        store,
        Live(wall=lambda: float(BEGUN)),
        wall=lambda: float(BEGUN),
        entropy=lambda size: next(number).to_bytes(size, "big"),
    )


def raised(whose: str, at: float) -> Alarm:
    return Alarm(
        kind="place",
        account=whose,
        person=whose,
        device="",
        session="",
        at=at,
        score=140,
        detector="robust",
        reasons=(),
    )


def of_role(role: str) -> str:
    return next(name for name, has in ROLES.items() if has == role)


async def test_alarms_are_listed_newest_first_by_pages_and_acknowledged_once(desk: Desk, store: Store) -> None:
    ledger = keeping(store)
    whose = person(of_role("member"))
    for number in range(5):
        await ledger.raised(raised(whose, BEGUN + number), "notify")
    admin, member = of_role("admin"), of_role("member")
    first = (await desk.ask(admin, "GET", "/alarms?limit=3")).json()
    assert [one["at"] - BEGUN for one in first["items"]] == [4, 3, 2]
    rest = (await desk.ask(admin, "GET", f"/alarms?limit=3&after={first['next']}")).json()
    assert [one["at"] - BEGUN for one in rest["items"]] == [1, 0] and rest["next"] is None
    name = first["items"][0]["id"]
    seen = await desk.ask(admin, "PATCH", f"/alarms/{name}", {"acknowledged": True})
    assert seen.status_code == 200 and seen.json()["by"] == person(admin)
    assert len((await desk.ask(admin, "GET", "/alarms?open=true")).json()["items"]) == 4
    assert (await desk.ask(member, "GET", "/alarms")).status_code == 403
    assert (await desk.ask(admin, "PATCH", f"/alarms/{'x' * 22}", {"acknowledged": True})).status_code == 404
    assert (await desk.ask(admin, "PATCH", f"/alarms/{name}", {"acknowledged": False})).status_code == 422


async def test_habits_and_alarms_are_gone_with_the_person(store: Store) -> None:
    ledger, whose = keeping(store), person(of_role("member"))
    await ledger.raised(raised(whose, BEGUN), "notify")
    await ledger.keep({whose: {"last": 1.0}, "device:" + DEVICES[0]: {}, "nobody" * 3: {}})
    assert set(await ledger.habits()) == {whose, "device:" + DEVICES[0]}
    async with store.writing() as db:
        await People(db).remove(whose)
    async with store.reading() as db:
        assert await Alarms(db).some(9) == [] and set(await KeptHabits(db).all()) == {"device:" + DEVICES[0]}


# the whole of it


class Told:
    """A Ledger and an Auditor in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        self.alarms: list[tuple[Alarm, str]] = []
        self.out: list[str] = []
        self.ended: list[str] = []
        self.recorded: list[tuple[str, dict[str, object]]] = []

    async def habits(self) -> dict[str, dict[str, Any]]:
        return self.kept

    async def keep(self, changed: Mapping[str, Mapping[str, Any]]) -> None:
        self.kept |= {name: dict(one) for name, one in changed.items()}

    async def raised(self, alarm: Alarm, acted: str) -> str:
        self.alarms.append((alarm, acted))
        return "id"

    async def sign_out(self, person: str) -> None:
        self.out.append(person)

    def end(self, session: str) -> None:
        self.ended.append(session)

    def record(self, kind: str, **said: object) -> None:
        self.recorded.append((kind, said))


async def run(
    told: Told,
    settings: AnomalySettings,
    events: list[tuple[str, dict[str, Any], float]],
    missing: Sequence[tuple[str, Missing]] = (),
) -> list[str]:
    """A sentinel from its beginning to its end; what it announced."""
    announced: list[str] = []

    async def ledger() -> Told:
        return told

    sentinel = Sentinel(
        system_world(),
        settings,
        ledger=ledger,
        auditor=told,
        announce=lambda alarm, id: announced.append(id),
        report=lambda error: pytest.fail(str(error)),
    )
    for kind, said, at in events:
        sentinel.heard(kind, said, int(1000 * at))
    for device, one in missing:
        sentinel.missing(device, one)
    sentinel.begin()
    await sentinel.close()  # what is left is judged then
    assert sum(sentinel.counts.values()) == len(told.alarms)
    return announced


def week() -> list[tuple[str, dict[str, Any], float]]:
    """Three weeks of somebody's days."""
    said = {"person": "ada", "login": "ada", "how": "passkey", "known": True, "address": HOME}
    return [("signed_in", said, MORNING + day * DAY + hour * HOUR) for day in range(21) for hour in (0, 4)]


def thief() -> list[tuple[str, dict[str, Any], float]]:
    at = MORNING + 21 * DAY - 6 * HOUR
    return [
        ("session_began", {"session": "own", "device": DEVICES[0], "person": "ada", "address": HOME}, at - 60),
        ("signed_in", {"person": "ada", "how": "recovery", "known": False, "address": AWAY}, at),
        ("session_began", {"session": "his", "device": DEVICES[1], "person": "ada", "address": AWAY}, at + 30),
        *[("factor_changed", {"by": "ada", "what": "added"}, at + 60 + number) for number in range(9)],
    ]


async def test_an_alarm_is_logged_told_and_kept_and_habits_outlive_the_process() -> None:
    told = Told()
    await run(told, AnomalySettings(), week())
    assert not told.alarms and told.kept["ada"]
    announced = await run(told, AnomalySettings(), thief())  # another process, which has read what is kept
    assert announced == ["id"] and [acted for _, acted in told.alarms] == ["notify"]
    ((kind, said),) = told.recorded
    assert kind == "alarm" and said["person"] == "ada" and checked(kind, said, bytes)
    assert not told.out and not told.ended


async def test_actions_only_tighten() -> None:
    told = Told()
    await run(told, AnomalySettings(action="ask"), week() + thief())
    assert told.out == ["ada"] and not told.ended and told.alarms[0][1] == "ask"
    told = Told()
    await run(told, AnomalySettings(action="end"), week() + thief())
    assert told.out == ["ada"] and told.ended and set(told.ended) <= {"own", "his"}
    told = Told()
    await run(told, AnomalySettings(on=False, action="end"), week() + thief())
    assert not told.alarms and not told.kept.get("ada")


async def test_a_relay_tells_and_keeps_alarms_and_its_log_has_them(tmp_path: Path) -> None:
    folder = tmp_path / "relay"
    world = system_world()
    settings = RelaySettings(state=folder, listen=("127.0.0.1", 0), http=("127.0.0.1", 0), public="127.0.0.1")

    async def guessed(login: str, address: str) -> int:
        """A relay runs while an account is guessed at; how many subjects it knows then."""
        identity = StateFolder(folder).identity(world.entropy)
        book = Book(world, AuditSettings(state=folder), identity, software="test")
        plane = ControlPlane(world, ControlSettings(state=folder), tell=lambda line: None, audit=book)
        alarmed = asyncio.Event()
        plane.live.listen(lambda happening: alarmed.set() if happening.kind == "alarm" else None)
        relay = Relay(world, settings, control=plane, audit=book)
        await relay.start()
        try:
            async with asyncio.timeout(60):
                for _ in range(80):
                    book.record("sign_in_refused", login=login, how="password", why="credentials", address=address)
                await alarmed.wait()
            assert sum(relay.snapshot().total("alarms so far").values()) == 1
            return relay.snapshot().total("anomalies")["subjects"]
        finally:
            await relay.close()

    known = await guessed("ada", AWAY)
    (entry,) = [one for one in entries_of(folder / FOLDER) if one.kind == "alarm"]
    assert entry.text("alarm") in ("failures", "failures_day", "guesses") and "usual" in entry.text("why")
    assert await guessed("bo", HOME) > known, "what was known before the restart, and one more"
    store = Store(database_url(None, folder))
    await store.open()
    async with store.reading() as db:
        _, kept = await Alarms(db).some(9)
        assert await KeptHabits(db).all()
    await store.close()
    assert kept.acted == "notify" and kept.reasons and kept.acknowledged is None
