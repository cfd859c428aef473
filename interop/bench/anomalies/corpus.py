"""Corpus: weeks of a relay's audit events from a seeded generator, with a label on each that is part of an attack.

Ordinary people have habits, and exceptions from them: each thing that an attacker does some honest person does, too, so
that no feature by itself tells them apart.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

HOUR, DAY = 3600.0, 86400.0
#: A Monday, 0:00 UTC.
BEGIN = 1_799_625_600.0
DEVICE_ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ0123456789"


@dataclass(frozen=True, slots=True)
class Event:
    """`incident`: the attack that it is part of, "" for none."""

    at: float
    kind: str
    said: dict[str, object]
    incident: str = ""


@dataclass(slots=True)
class Person:
    """Somebody with habits. Hours are UTC; `networks` are weighted."""

    id: str
    login: str
    kind: str
    hour: float
    spread: float
    weekend: float
    visits: float
    networks: list[tuple[str, float]]
    devices: list[str]
    length: float
    wide: float
    way: str
    forgets: float
    cleans: float


@dataclass
class Corpus:
    """All events of `days`, in order; attacks begin after `quiet` days."""

    seed: int
    people: int = 160
    days: int = 56
    quiet: int = 14
    attacks: int = 72
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)
        self._session = 0
        self._offices = [self._network() for _ in range(6)]
        self._attacked: set[str] = set()
        self._persons = [self._person(number) for number in range(self.people)]
        for person in self._persons:
            self._lives(person)
        self._strangers()
        kinds = list(ATTACKS)
        for number in range(self.attacks):
            kind = kinds[number % len(kinds)]
            at = BEGIN + DAY * self._random.uniform(self.quiet, self.days - 2)
            ATTACKS[kind](self, f"{kind}-{number}", at)
        self.events.sort(key=lambda one: one.at)

    @property
    def sessions(self) -> int:
        """Honest sessions that began."""
        return sum(one.kind == "session_began" and not one.incident for one in self.events)

    # drawing

    def _network(self) -> str:
        """The beginning of an address: three of its four numbers."""
        random = self._random
        return f"{random.randrange(11, 220)}.{random.randrange(256)}.{random.randrange(256)}"

    def _address(self, network: str) -> str:
        return f"{network}.{self._random.randrange(1, 255)}"

    def _device(self) -> str:
        return "".join(self._random.choices(DEVICE_ALPHABET, k=28))

    def _person(self, number: int) -> Person:
        random = self._random
        kind = random.choices(("office", "night", "admin", "traveller", "mobile", "seldom"), (50, 9, 7, 13, 12, 9))[0]
        home, office = self._network(), random.choice(self._offices)
        networks = (
            [(home, 1.0), (office, 2.0)] if kind in ("office", "admin") else [(home, 3.0), (self._network(), 0.4)]
        )
        if kind == "mobile":  # a phone's provider hands out addresses of a few networks
            around = self._network().rsplit(".", 1)[0]
            networks += [(f"{around}.{random.randrange(256)}", 1.2) for _ in range(4)]
        count = {"admin": random.randrange(12, 40)}.get(kind, random.choice((1, 1, 2, 2, 3, 5)))
        return Person(
            id=f"person{number:04}x{self.seed % 1000:03}",
            login=f"user{number}",
            kind=kind,
            hour=random.gauss(23.5, 2) % 24 if kind == "night" else random.gauss(12, 2.2),
            spread=random.uniform(1.4, 3.5),
            weekend=random.choice((0.05, 0.15, 0.6)),
            visits={"seldom": 0.07, "admin": 2.2}.get(kind, random.uniform(0.5, 2.2)),
            networks=networks,
            devices=[self._device() for _ in range(count)],
            length=random.gauss(math.log(22), 0.6),
            wide=random.uniform(0.5, 1.25),
            way=random.choice(("passkey", "passkey", "password", "totp")),
            forgets=random.choice((0.005, 0.02, 0.1)),
            cleans=random.choice((0.004, 0.004, 0.008, 0.008, 0.015, 0.015, 0.4)),
        )

    # honest days

    def _lives(self, person: Person) -> None:
        random, begins = self._random, 0.0
        if random.random() < 0.15:  # comes later: new to the relay
            begins = random.uniform(0.2, 0.9) * self.days
        holiday = random.uniform(10, self.days) if random.random() < 0.3 else math.inf
        trip = (
            random.uniform(5, self.days) if random.random() < (0.9 if person.kind == "traveller" else 0.1) else math.inf
        )
        abroad, shift = self._network(), random.uniform(-9, 9)
        for day in range(int(begins), self.days):
            if holiday <= day < holiday + 18:
                continue
            if trip <= day < trip + 6:
                networks, moved = [(abroad, 3.0), (self._network(), 0.5)], shift
            else:
                networks, moved = person.networks, 0.0
                if trip + 6 <= day and person.kind == "traveller":
                    trip, abroad, shift = day + random.uniform(4, 16), self._network(), random.uniform(-9, 9)
            weekend = day % 7 >= 5
            rate = person.visits * (person.weekend if weekend else 1.0)
            if random.random() < 0.007:  # a new machine
                person.devices.append(self._device())
            for _ in range(self._poisson(rate)):
                hour = random.gauss(person.hour + moved, person.spread)
                if random.random() < 0.01:  # could not sleep
                    hour = random.uniform(0, 24)
                self._visit(person, BEGIN + day * DAY + (hour % 24) * HOUR, networks)

    def _visit(self, person: Person, at: float, networks: list[tuple[str, float]]) -> None:
        random = self._random
        network = random.choices([one for one, _ in networks], [weight for _, weight in networks])[0]
        if random.random() < 0.007:  # a cafe, a friend's
            network = self._network()
        at = self._sign_in(person, at, network, failures=self._failures(person.forgets))
        many = 1 + self._poisson(0.7)
        if person.kind == "admin" and random.random() < 0.12:  # a day of updates
            many = random.randrange(6, 22)
        chosen = random.sample(person.devices, min(many, len(person.devices)))
        if random.random() < 0.005:  # helps somebody else
            chosen.append(random.choice(random.choice(self._persons).devices))
        for device in chosen:
            lasts = 60 * math.exp(random.gauss(person.length, person.wide))
            if random.random() < 0.005:  # left open, or a film
                lasts = random.uniform(4, 14) * HOUR
            if random.random() < 0.002:  # went on in a train, signed in as before
                network = self._network()
            self._served(at, device, self._address(network), lasts, person=person.id)
            at += random.uniform(20, 400) if many > 5 else random.uniform(20, 1.2 * lasts + 30)
        if person.kind == "mobile" and random.random() < 0.12:  # the phone as well
            other = random.choice(person.networks)[0]
            device = random.choice(person.devices)
            self._served(at + random.uniform(10, 600), device, self._address(other), 400, person=person.id)
        if random.random() < (0.2 if person.kind == "admin" else 0.02):
            for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
                at += random.uniform(5, 120)
                self._say(
                    at, random.choice(("grant_changed", "share_changed", "group_changed")), by=person.id, what="kept"
                )
        if random.random() < 0.008:
            self._say(at + 30, "factor_changed", by=person.id, person=person.id, what="added", factor="passkey")
        if random.random() < 0.02:
            self._shares(person, at)

    def _shares(self, person: Person, at: float) -> None:
        """A link is made, and sent to some: each opens it from somewhere, mostly within a day."""
        random = self._random
        share, device = f"share{random.randrange(1 << 40):x}", random.choice(person.devices)
        self._say(at, "share_changed", by=person.id, share=share, what="created", device=device)
        for _ in range(random.choice((1, 1, 1, 2, 3, 5, 8, 12))):
            begun = at + random.expovariate(1 / (7 * HOUR))
            network = self._network() if random.random() < 0.8 else random.choice(self._offices)
            for _ in range(1 + self._poisson(0.4)):
                self._served(begun, device, self._address(network), random.uniform(60, 3000), share=share)
                begun += random.uniform(600, 9000)

    def _strangers(self) -> None:
        """Who comes by a code, without an account."""
        random = self._random
        for _ in range(self.people // 2):
            network, device = self._network(), self._device()
            for _ in range(random.randrange(1, 30)):
                at = BEGIN + random.uniform(0, self.days) * DAY
                self._served(at, device, self._address(network), 60 * math.exp(random.gauss(3, 1)))
        for _ in range(self.people // 2):  # somebody who mistypes a name, or whose scanner passes by
            network, at = self._network(), BEGIN + random.uniform(0, self.days) * DAY
            for _ in range(random.choice((1, 1, 2, 3, 5))):
                at += random.uniform(4, 60)
                self._refuse(at, f"nobody{random.randrange(99)}", network)

    # pieces

    def _poisson(self, mean: float) -> int:
        limit, count, product = math.exp(-mean), 0, self._random.random()
        while product > limit:
            count, product = count + 1, product * self._random.random()
        return count

    def _failures(self, forgets: float) -> int:
        count = 0
        while count < 7 and self._random.random() < (forgets if not count else 0.45):
            count += 1
        return count

    def _say(self, at: float, kind: str, incident: str = "", **said: object) -> None:
        self.events.append(Event(at, kind, said, incident))

    def _refuse(self, at: float, login: str, network: str, incident: str = "") -> None:
        self._say(
            at,
            "sign_in_refused",
            incident,
            login=login,
            how="password",
            address=self._address(network),
            why="credentials",
        )

    def _sign_in(
        self,
        person: Person,
        at: float,
        network: str,
        *,
        failures: int = 0,
        incident: str = "",
        way: str = "",
        known: bool | None = None,
    ) -> float:
        for _ in range(failures):
            self._refuse(at, person.login, network, incident)
            at += self._random.uniform(4, 40)
        if not way:
            way = (
                person.way if self._random.random() < 0.99 else self._random.choice(("recovery", "password", "program"))
            )
        if known is None:
            known = self._random.random() >= person.cleans
        said: dict[str, object] = {"person": person.id, "login": person.login, "how": way, "known": known}
        self._say(at, "signed_in", incident, **said, address=self._address(network))
        return at + self._random.uniform(3, 60)

    def _served(
        self,
        at: float,
        device: str,
        address: str,
        lasts: float,
        incident: str = "",
        *,
        person: str = "",
        share: str = "",
    ) -> None:
        self._session += 1
        name = f"session{self._session}"
        said: dict[str, object] = {"session": name, "device": device, "address": address, "way": "relay"}
        self._say(at, "session_began", incident, **said, person=person, share=share)
        over = at + max(5.0, lasts)
        self._say(over, "session_ended", incident, session=name, device=device, why="bye", seconds=round(over - at))

    # who is attacked

    def victim(self, at: float, *, kinds: tuple[str, ...] = ()) -> Person:
        """Somebody who is there, and has been for a while; nobody twice."""
        seen = Counter(
            str(one.said.get("person")) for one in self.events if one.kind == "signed_in" and one.at < at - DAY
        )
        some = [one for one in self._persons if seen[one.id] >= 8 and (not kinds or one.kind in kinds)]
        found = self._random.choice([one for one in some if one.id not in self._attacked] or some)
        self._attacked.add(found.id)
        return found

    # what attacks are made of

    def steal(self, incident: str, at: float) -> None:
        """A password was phished: somebody signs in from elsewhere and looks at what there is."""
        random, person, network = self._random, self.victim(at), self._network()
        hour = random.uniform(0, 24)
        at = at - at % DAY + (hour % 24) * HOUR
        at = self._sign_in(
            person,
            at,
            network,
            failures=random.choice((0, 1, 2, 4)),
            incident=incident,
            way=random.choice(("password", "recovery", "recovery", person.way)),
            known=False,
        )
        for device in random.choices(person.devices, k=random.randrange(3, 9)):
            self._served(at, device, self._address(network), random.uniform(3, 90) * 60, incident, person=person.id)
            at += random.uniform(15, 120)
        for _ in range(random.choice((2, 4, 6, 9))):
            at += random.uniform(10, 90)
            self._say(
                at, "share_changed", incident, by=person.id, what="created", share=f"s{random.randrange(1 << 30)}"
            )

    def take_over(self, incident: str, at: float) -> None:
        """A browser's session was stolen: while its owner works, another place works, too."""
        random, network = self._random, self._network()
        began = [
            one
            for one in self.events
            if one.kind == "session_began"
            and one.said.get("person")
            and abs(one.at - at) < 2 * DAY
            and not one.incident
        ]
        chosen = random.choice(began)
        person = next(one for one in self._persons if one.id == chosen.said["person"])
        at = chosen.at + random.uniform(60, 3000)
        for device in random.choices(person.devices, k=random.randrange(4, 11)):
            self._served(at, device, self._address(network), random.uniform(5, 40) * 60, incident, person=person.id)
            at += random.uniform(20, 200)
        for _ in range(random.choice((5, 7, 10))):
            at += random.uniform(10, 90)
            self._say(at, random.choice(("share_changed", "factor_changed")), incident, by=person.id, what="created")

    def harvest(self, incident: str, at: float) -> None:
        """Somebody who may goes through many devices: from the usual place, more than ever."""
        random, person = self._random, self.victim(at, kinds=("office", "mobile", "traveller", "night"))
        network = person.networks[0][0]
        at = self._sign_in(person, at, network, incident=incident)
        others = [device for one in self._persons for device in one.devices]
        for device in random.sample(others, random.randrange(15, 40)):
            self._served(at, device, self._address(network), random.uniform(20, 300), incident, person=person.id)
            at += random.uniform(15, 200)

    def drain(self, incident: str, at: float) -> None:
        """Data leave by hours: long sessions, mostly when the person sleeps, on one to three nights."""
        random, person = self._random, self.victim(at, kinds=("office", "mobile", "traveller"))
        night = at - at % DAY + ((person.hour + random.uniform(9, 14)) % 24) * HOUR
        network = random.choice((person.networks[0][0], self._network()))
        for _ in range(3):
            at = self._sign_in(person, night + random.uniform(0, HOUR), network, incident=incident)
            for _ in range(random.choice((5, 6, 8))):
                lasts = random.uniform(6, 14) * HOUR
                device = random.choice(person.devices)
                self._served(at, device, self._address(network), lasts, incident, person=person.id)
                at += random.uniform(60, 0.8 * lasts)
            night += DAY

    def leak(self, incident: str, at: float) -> None:
        """A share link got into the wrong hands: strangers of many networks open it, also at once."""
        random, person = self._random, self.victim(at)
        share, device = f"share{random.randrange(1 << 40):x}", random.choice(person.devices)
        self._say(at, "share_changed", by=person.id, share=share, what="created", device=device)
        begun = at + random.uniform(0.5, 20) * HOUR
        for _ in range(random.randrange(24, 80)):
            begun += random.expovariate(1 / 500)
            self._served(begun, device, self._address(self._network()), random.uniform(10, 1500), incident, share=share)

    def guess(self, incident: str, at: float) -> None:
        """One account's password is guessed, from one network or from a few."""
        random, person = self._random, self.victim(at)
        networks = [self._network() for _ in range(random.choice((1, 1, 2, 4)))]
        for _ in range(random.randrange(25, 90)):
            self._refuse(at, person.login, random.choice(networks), incident)
            at += random.uniform(2, 90)

    def spray(self, incident: str, at: float) -> None:
        """A few passwords, tried with many names."""
        random, network = self._random, self._network()
        for _ in range(random.randrange(25, 80)):
            self._refuse(at, f"user{random.randrange(2 * self.people)}", network, incident)
            at += random.uniform(5, 300)

    def wake(self, incident: str, at: float) -> None:
        """An account that has slept for weeks is used again, by somebody else."""
        random = self._random
        at = max(at, BEGIN + DAY * random.uniform(34, self.days - 2))
        asleep = at - random.uniform(15, 28) * DAY
        lived = Counter(
            str(one.said.get("person")) for one in self.events if one.kind == "signed_in" and one.at < asleep
        )
        person = random.choice([one for one in self._persons if lived[one.id] >= 5 and one.id not in self._attacked])
        self._attacked.add(person.id)
        gone = {
            one.said["session"]
            for one in self.events
            if one.kind == "session_began" and one.at > asleep and one.said.get("person") == person.id
        }
        self.events = [
            one
            for one in self.events
            if one.at < asleep
            or not (person.id in (one.said.get("person"), one.said.get("by")) or one.said.get("session") in gone)
        ]
        self.steal_from(person, incident, at)

    def steal_from(self, person: Person, incident: str, at: float) -> None:
        """As `steal`, of this one."""
        random, network = self._random, self._network()
        at = self._sign_in(
            person, at, network, failures=random.choice((0, 2, 3)), incident=incident, way="password", known=False
        )
        for _ in range(random.randrange(2, 7)):
            device = random.choice(person.devices)
            self._served(at, device, self._address(network), random.uniform(5, 120) * 60, incident, person=person.id)
            at += random.uniform(20, 200)
        for _ in range(random.choice((0, 2, 5))):
            at += random.uniform(10, 90)
            self._say(at, "factor_changed", incident, by=person.id, what="added")

    def entrench(self, incident: str, at: float) -> None:
        """Who has got in stays: a factor, grants and links of their own, within minutes."""
        random, person, network = self._random, self.victim(at), self._network()
        at = self._sign_in(
            person, at, network, failures=random.choice((0, 1, 3)), incident=incident, known=False, way="recovery"
        )
        for _ in range(random.randrange(9, 22)):
            at += random.uniform(5, 120)
            kind = random.choice(("factor_changed", "grant_changed", "share_changed"))
            self._say(at, kind, incident, by=person.id, what="added")
        self._served(at, random.choice(person.devices), self._address(network), 600, incident, person=person.id)


Attack = Callable[[Corpus, str, float], None]
ATTACKS: dict[str, Attack] = {
    "stolen password": Corpus.steal,
    "session taken over": Corpus.take_over,
    "many devices": Corpus.harvest,
    "data leave by hours": Corpus.drain,
    "share link leaked": Corpus.leak,
    "password guessed": Corpus.guess,
    "many accounts tried": Corpus.spray,
    "account awakes": Corpus.wake,
    "stays for good": Corpus.entrench,
}


def of(incident: str) -> str:
    """The attack that an incident is one of."""
    return incident.rpartition("-")[0]


def in_order(corpus: Corpus, step: float) -> Iterator[Event | float]:
    """Events, and between them the times at which running sessions are looked at."""
    look = BEGIN
    for event in corpus.events:
        while look <= event.at:
            yield look
            look += step
        yield event
