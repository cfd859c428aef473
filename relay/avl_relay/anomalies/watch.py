"""Watch: hears the events that a relay's audit log records (avl_protocol/audit/events.py), keeps the habits of accounts
and devices, and makes of each event the moments that a detector judges. Without I/O: times are Unix seconds."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2s
from typing import Any

from avl_protocol.endpoint.program.auditlog import shortened
from avl_relay.anomalies.features import FEATURES, MOST, WORKED, Moment
from avl_relay.anomalies.habits import DAY, HOUR, Habits, Told

#: Accounts, devices and networks whose habits are in memory, and sessions that run.
SUBJECTS, RUNNING = 8192, 8192
#: Seconds between two looks at a session that runs.
LOOK = 900.0
#: Kinds that change who may do what.
CHANGES = frozenset(
    {
        "factor_changed",
        "person_changed",
        "group_changed",
        "grant_changed",
        "share_changed",
        "device_changed",
        "setting_changed",
    }
)
_ZERO = dict.fromkeys((one.name for one in FEATURES), 0.0)


def wide(address: str) -> str:
    """The network of an address that an operator's many customers share: /16 or /32; "" for what is none."""
    narrow = shortened(address)
    parts = narrow.partition("/")[0]
    if "." in parts:
        return ".".join(parts.split(".")[:2])
    return ":".join(parts.split(":")[:2])


def _mark(name: str) -> str:
    """What stands for a name in the habits of others: they outlive whom it names."""
    return blake2s(name.encode(), digest_size=6).hexdigest()


@dataclass(slots=True)
class _Session:
    """One that runs."""

    account: str
    person: str
    device: str
    begun: float
    looked: float


@dataclass(slots=True)
class _Said:
    """What a moment is made of: features that are not what they are when nothing happens."""

    values: dict[str, float] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)


class Watch:
    """Of a whole relay. What was not heard of for longest gives way."""

    def __init__(self) -> None:
        self._habits: OrderedDict[str, Habits] = OrderedDict()
        self._running: OrderedDict[str, _Session] = OrderedDict()
        #: Names of sessions that run, by account.
        self._at_once: dict[str, dict[str, None]] = {}
        self._logins: OrderedDict[str, str] = OrderedDict()
        #: Subjects that have changed since `changed` was asked.
        self._changed: dict[str, None] = {}

    # what is kept

    def put(self, subject: str, kept: Mapping[str, Any]) -> None:
        """What was kept of a subject before. Raises KeyError, TypeError, ValueError where it can't be read."""
        self._habits[subject] = Habits(dict(kept))

    def changed(self) -> dict[str, dict[str, Any]]:
        """The habits that have changed since this was asked last, by subject."""
        some = {subject: self._habits[subject].to_json() for subject in self._changed if subject in self._habits}
        self._changed.clear()
        return some

    def forget(self, person: str) -> None:
        """Nothing of a person is remembered any more."""
        self._habits.pop(person, None)
        self._changed.pop(person, None)
        for login in [login for login, whose in self._logins.items() if whose == person]:
            del self._logins[login]

    def tell(self, account: str, at: float) -> None:
        """An account is an alarm now."""
        self._of(account).told = at

    def told(self, account: str) -> float:
        """When an account was an alarm last (0: never)."""
        habits = self._habits.get(account)
        return 0.0 if habits is None else habits.told

    def sessions_of(self, account: str) -> list[str]:
        """Those of an account that run."""
        return list(self._at_once.get(account, ()))

    def __len__(self) -> int:
        """Subjects that are remembered here."""
        return len(self._habits)

    # what happens

    def hear(self, kind: str, said: Mapping[str, Any], at: float) -> list[Moment]:
        """An event, and the moments that it makes."""
        if kind == "signed_in":
            return self._signed_in(said, at)
        if kind == "sign_in_refused":
            return self._refused(said, at)
        if kind == "session_began":
            return self._began(said, at)
        if kind == "session_ended":
            return self._ended(said, at)
        if kind in CHANGES and said.get("by"):
            return self._changes(kind, said, at)
        return []

    def look(self, at: float) -> list[Moment]:
        """Sessions that run are judged while they do, every LOOK seconds."""
        found = []
        for name, session in self._running.items():
            if at - session.looked >= LOOK:
                session.looked = at
                found.append(self._lasted(name, session, at, over=False))
        return found

    # within

    def _of(self, subject: str) -> Habits:
        habits = self._habits.get(subject)
        if habits is None:
            habits = self._habits[subject] = Habits()
            while len(self._habits) > SUBJECTS:
                self._habits.popitem(last=False)
        self._habits.move_to_end(subject)
        self._changed[subject] = None
        return habits

    def _signed_in(self, said: Mapping[str, Any], at: float) -> list[Moment]:
        person, login = str(said.get("person") or ""), str(said.get("login") or "").lower()
        if not person:
            return []
        if login:
            self._logins[login] = person
            while len(self._logins) > SUBJECTS:
                self._logins.popitem(last=False)
        habits, moment = self._of(person), _Said()
        self._failures(habits, str(said.get("address") or ""), at, moment)
        self._place(habits, str(said.get("address") or ""), at, moment)
        self._time(habits, at, moment)
        habits.signed.add(at, shortened(str(said.get("address") or "")))
        way = str(said.get("how") or "")
        moment.values["way"] = habits.ways.surprise(way)
        moment.seen["way"] = f"{way}|{habits.ways.usual}"
        habits.ways.add(way)
        if said.get("known") is not None:  # whether it was seen before is a name like any other, as to how often
            browser = "known" if said["known"] else "new"
            moment.values["browser"] = habits.browsers.surprise(browser)
            habits.browsers.add(browser)
        habits.came(at)
        return [self._moment(habits, moment, at, account=person, person=person)]

    def _refused(self, said: Mapping[str, Any], at: float) -> list[Moment]:
        address, login = str(said.get("address") or ""), str(said.get("login") or "").lower()
        network = shortened(address)
        person = str(said.get("person") or self._logins.get(login, ""))
        self._of(f"at:{network}").failures.add(at, _mark(login))
        account = person or f"at:{network}"
        habits, moment = self._of(account), _Said()
        if person:
            habits.failures.add(at, network)
        self._failures(habits, address, at, moment)
        for feature in ("failures", "failures_day", "guesses", "targets"):
            moment.seen[feature] = f"from {network}|"
        return [self._moment(habits, moment, at, account=account, person=person)]

    def _began(self, said: Mapping[str, Any], at: float) -> list[Moment]:
        address, device = str(said.get("address") or ""), str(said.get("device") or "")
        person, share = str(said.get("person") or ""), str(said.get("share") or "")
        network = shortened(address)
        account = f"share:{share}" if share else person or f"at:{network}"
        name = str(said.get("session") or "")
        habits, moment = self._of(account), _Said()
        there = self._of(f"device:{device}")
        moment.values["device"] = habits.devices.surprise(device)
        moment.seen["device"] = f"{device[:8]}|{habits.devices.usual[:8] or 'none yet'}"
        visitor = _mark(account) if not account.startswith("at:") else "a code"
        moment.values["visitor"] = there.devices.surprise(visitor)
        habits.reached.add(at, device)
        if not share:
            if (strange := habits.devices.strangeness(device)) > 0:
                habits.strange.add(at, f"{strange:.2f}")
            moment.values["strange"] = math.log1p(habits.strange.sum(at - HOUR))
        moment.values["reach"] = math.log1p(habits.reached.different(at - HOUR))
        if name not in self._running:
            self._at_once.setdefault(account, {})[name] = None
            self._running[name] = _Session(account, person, device, at, at)
            while len(self._running) > RUNNING:
                self._stop(next(iter(self._running)))
        moment.values["at_once"] = math.log1p(len(self._at_once[account]))
        if share:
            habits.signed.add(at, network)
            moment.values["share"] = math.log1p(habits.signed.different(at - DAY))
            moment.values["opened"] = math.log1p(habits.signed.since(at - DAY))
        else:
            self._place(habits, address, at, moment)
            self._failures(habits, address, at, moment)
            if person:
                origin = "signed in" if any(network == one for _, one in habits.signed.items) else "not signed in"
                moment.values["unsigned"] = habits.origins.surprise(origin)
                moment.seen["unsigned"] = f"{network}|{habits.origins.usual or 'none yet'}"
                habits.origins.add(origin)
        self._time(habits, at, moment)
        if not share:
            habits.devices.add(device)
        there.devices.add(visitor)
        habits.came(at)
        there.came(at)
        return [self._moment(habits, moment, at, account=account, person=person, device=device, session=name)]

    def _ended(self, said: Mapping[str, Any], at: float) -> list[Moment]:
        name = str(said.get("session") or "")
        session = self._running.get(name)
        if session is None:
            return []
        self._stop(name)
        return [self._lasted(name, session, at, over=True)]

    def _stop(self, name: str) -> None:
        session = self._running.pop(name)
        others = self._at_once[session.account]
        del others[name]
        if not others:
            del self._at_once[session.account]

    def _lasted(self, name: str, session: _Session, at: float, *, over: bool) -> Moment:
        """How long a session has lasted, and all of its account's of a day."""
        habits, moment = self._of(session.account), _Said()
        lasted = max(1.0, (at - session.begun) / 60)
        day = lasted + habits.served.sum(at - DAY)
        others = (self._running[other] for other in self.sessions_of(session.account) if other != name)
        day += sum((at - other.begun) / 60 for other in others)
        moment.values["length"], moment.values["served"] = math.log(lasted), math.log(max(1.0, day))
        # Who does sometimes much, sometimes little is no measure of how much is too much.
        moment.values["beyond"] = max(0.0, math.log(max(1.0, day) / WORKED))
        if over:
            habits.served.add(at, f"{lasted:.1f}")
        else:  # a session is measured by what others were when they were over
            moment.values["hour"] = habits.hour_surprise(at)
            moment.seen["hour"] = self._hours(habits, at)
        habits.last = max(habits.last, at)
        return self._moment(
            habits,
            moment,
            at,
            account=session.account,
            person=session.person,
            device=session.device,
            session=name,
            learns=over,
        )

    def _changes(self, kind: str, said: Mapping[str, Any], at: float) -> list[Moment]:
        person = str(said["by"])
        habits, moment = self._of(person), _Said()
        habits.changes.add(at, kind)
        moment.values["changes"] = math.log1p(habits.changes.since(at - HOUR))
        self._time(habits, at, moment)
        return [self._moment(habits, moment, at, account=person, person=person, device=str(said.get("device") or ""))]

    def _place(self, habits: Habits, address: str, at: float, moment: _Said) -> None:
        """From where it comes. A network beside one that is known surprises half."""
        network, around = shortened(address), wide(address)
        if not network:
            return
        narrow = habits.networks.surprise(network)
        moment.values["place"] = (narrow + habits.wide.surprise(around)) / 2
        moment.seen["place"] = f"{network}|{habits.networks.usual or 'none yet'}"
        if habits.place and habits.place != around:
            hours = max(0.0, at - habits.last) / HOUR
            moment.values["apart"] = math.log1p(6 / (hours + 0.25))
            moment.seen["apart"] = f"from {around} {hours:.1f} h after {habits.place}|one at a time"
        habits.networks.add(network)
        habits.wide.add(around)
        habits.place = around

    def _failures(self, habits: Habits, address: str, at: float, moment: _Said) -> None:
        moment.values["failures"] = math.log1p(habits.failures.since(at - HOUR))
        moment.values["failures_day"] = math.log1p(habits.failures.since(at - DAY))
        there = self._habits.get(f"at:{shortened(address)}")
        if there is not None:
            moment.values["guesses"] = math.log1p(there.failures.since(at - DAY))
            moment.values["targets"] = math.log1p(there.failures.different(at - DAY))

    def _time(self, habits: Habits, at: float, moment: _Said) -> None:
        moment.values["hour"] = habits.hour_surprise(at)
        moment.seen["hour"] = self._hours(habits, at)
        if habits.last:
            moment.values["absence"] = math.log1p(max(0.0, at - habits.last) / DAY)

    @staticmethod
    def _hours(habits: Habits, at: float) -> str:
        return f"{int(at % DAY // HOUR):02}h UTC|around {habits.usual_hour:02}h UTC"

    def _moment(
        self,
        habits: Habits,
        said: _Said,
        at: float,
        *,
        account: str,
        person: str = "",
        device: str = "",
        session: str = "",
        learns: bool = True,
    ) -> Moment:
        """What was said, measured by what is usual here; then it is part of that."""
        raised, told = list[float](), list[Told]()
        for feature in FEATURES:
            value = said.values.get(feature.name)
            if value is None:
                raised.append(0.0)
                told.append((0.0, 0.0, ""))
                continue
            middle, scale = habits.usual(feature.name, feature.prior, at)
            raised.append(min(MOST, max(0.0, (value - middle) / max(scale, feature.floor))))
            told.append((value, middle, said.seen.get(feature.name, "")))
            if learns:
                habits.remember(feature.name, value, at)
        carried = habits.carry(raised, told, at)
        return Moment(
            account=account,
            person=person,
            device=device,
            session=session,
            at=at,
            raised=tuple(much for much, _ in carried),
            values=tuple(value for _, (value, _, _) in carried),
            usual=tuple(usual for _, (_, usual, _) in carried),
            seen={feature.name: seen for feature, (_, (_, _, seen)) in zip(FEATURES, carried, strict=True) if seen},
        )
