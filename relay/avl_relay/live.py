"""Live: what happens at a relay now, at all of its workers: which devices are online, which sessions run, and what
somebody has just changed.

Each worker tells every other (workers/siblings.py), so that whichever of them is asked answers for the relay. What is
told to a worker that is not there is lost, as that worker's hosts and sessions are.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from avl_protocol.audit.compare import session_name
from avl_protocol.wire.device_id import from_text, to_text
from avl_protocol.wire.registry import CloseCode
from avl_relay.figures import Figures
from avl_relay.onlooker import Begun

#: Seconds that another process has to say how its sessions are carried; and how many it says at a time.
PATIENCE, AT_ONCE = 0.5, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A session. `id` names it and gives no right to it; `begun`: unix seconds; `worker`: where its viewer is."""

    id: str
    handle: int
    device: str
    address: str
    begun: int
    worker: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What happened: `kind` is presence, session, device, rights or picture; `device` whom it is about, "" for none in
    particular; `about` what is told of it."""

    kind: str
    device: str
    about: dict[str, Any]


class Hands(Protocol):
    """What can be done at this worker (forward/router.py)."""

    def end_session(self, handle: int, code: CloseCode) -> None:
        """End a session of a viewer that is here; `code` says who did."""

    def tell_session(self, handle: int, text: str) -> None:
        """Say something to a session of a viewer that is here."""

    def figures(self) -> dict[int, Figures]:
        """How each session of a viewer that is here is carried now, by its handle."""

    def send_away(self, device: int) -> None:
        """End a host that is registered here, with its sessions."""

    def push(self, device: int) -> None:
        """A host that is registered here is to be told the newest statements about it."""

    def read_anew(self) -> None:
        """Hosts that are registered here may have others to leave last pictures for."""


class _Look:
    """Who is asked how sessions are carried, and what was said so far. `over` is done once all have answered."""

    def __init__(self, asked: set[int]) -> None:
        self.asked = asked
        self.told: dict[str, Figures] = {}
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def heard(self, worker: int, told: dict[str, Figures], last: bool) -> None:
        self.told |= told
        if last:
            self.asked.discard(worker)
        if not self.asked and not self.over.done():
            self.over.set_result(None)


def number_text(device: int) -> str:
    """A device as the store and the API write it: its ID without dashes."""
    return to_text(device).replace("-", "")


class Live:
    """An Onlooker (onlooker.py) and a reader of siblings' news. `tell(news)` reaches all other workers; `wall` is unix
    seconds."""

    def __init__(self, *, wall: Callable[[], float], worker: int = 0) -> None:
        self._wall, self._worker = wall, worker
        self._tell: Callable[[bytes], None] = lambda news: None
        self._hands: Hands | None = None
        #: Devices by worker, and sessions by id.
        self._online: dict[str, dict[int, int]] = {}
        self._sessions: dict[str, Running] = {}
        self._by_handle: dict[int, str] = {}
        self._listeners: dict[Callable[[Happening], None], None] = {}
        self._looks: dict[int, _Look] = {}
        self._looked = 0

    def join(self, hands: Hands, tell: Callable[[bytes], None]) -> None:
        """Once the relay is assembled: who does things here, and how others are told."""
        self._hands, self._tell = hands, tell

    # what is known

    def online(self, device: str) -> int | None:
        """Since when a device is online, unix seconds; None: it is not."""
        return min(self._online.get(device, {}).values(), default=None)

    @property
    def devices(self) -> Iterable[str]:
        """All that are online."""
        return self._online.keys()

    def is_here(self, device: str) -> bool:
        """Whether a device is registered at this process."""
        return self._worker in self._online.get(device, ())

    @property
    def own_devices(self) -> set[str]:
        """Those that are registered at this process."""
        return {device for device, at in self._online.items() if self._worker in at}

    @property
    def sessions(self) -> Iterable[Running]:
        """All that run, in no order."""
        return self._sessions.values()

    def session(self, name: str) -> Running | None:
        """The session of this id."""
        return self._sessions.get(name)

    async def figures(self) -> dict[str, Figures]:
        """How sessions are carried now, by their ids; those of a process that does not answer in time are left out."""
        if not (asked := {running.worker for running in self._sessions.values()}):
            return {}
        self._looked += 1
        number, look = self._looked, _Look(asked)
        self._looks[number] = look
        try:
            self._own({"do": "look", "number": number, "by": self._worker})
            async with asyncio.timeout(PATIENCE):
                await look.over
        except TimeoutError:
            pass
        finally:
            del self._looks[number]
        return look.told

    def listen(self, listener: Callable[[Happening], None]) -> None:
        """Tell somebody all that happens from now on."""
        self._listeners[listener] = None

    def ignore(self, listener: Callable[[Happening], None]) -> None:
        """Tell it no more."""
        self._listeners.pop(listener, None)

    # what is done

    def end(self, running: Running, *, owner: bool) -> None:
        """End a session, wherever it is: its host's owner does, else who runs the relay."""
        code = CloseCode.OWNER_ENDED if owner else CloseCode.OPERATOR_ENDED
        self._own({"do": "end", "handle": running.handle, "code": code})

    def say(self, running: Running, text: str) -> None:
        """Say something to a session, wherever it is."""
        self._own({"do": "tell", "handle": running.handle, "text": text})

    def send_away(self, device: str) -> None:
        """A device may not be registered here any more."""
        self._own({"do": "away", "device": device})

    def push(self, device: str) -> None:
        """There are new statements about a device."""
        self._own({"do": "push", "device": device})

    def read_anew(self) -> None:
        """Somebody has another picture key."""
        self._own({"do": "read"})

    def announce(self, happening: Happening) -> None:
        """Something has been changed."""
        self._own({"do": "say", "kind": happening.kind, "device": happening.device, "about": happening.about})

    # Onlooker

    def host_came(self, device: int, now: float) -> None:
        """See Onlooker."""
        self._own({"at": "came", "device": number_text(device), "since": int(self._wall())})

    def host_left(self, device: int, now: float) -> None:
        """See Onlooker."""
        self._own({"at": "left", "device": number_text(device)})

    def session_began(self, begun: Begun, now: float) -> None:
        """See Onlooker."""
        self._own(
            {
                "at": "began",
                "id": session_name(begun.session),
                "handle": begun.handle,
                "device": number_text(begun.device),
                "address": begun.address,
                "begun": int(self._wall()),
            }
        )

    def session_ended(self, handle: int, code: CloseCode, now: float) -> None:
        """See Onlooker."""
        self._own({"at": "ended", "handle": handle})

    # siblings

    def told(self, worker: int, news: bytes) -> None:
        """See Readers."""
        self._take(worker, json.loads(news))

    def all_news(self) -> list[bytes]:
        """See Readers."""
        news: list[dict[str, Any]] = [
            {"at": "came", "device": device, "since": at[self._worker]}
            for device, at in self._online.items()
            if self._worker in at
        ]
        news += [_began(running) for running in self._sessions.values() if running.worker == self._worker]
        return [json.dumps(one).encode() for one in news]

    def lost(self, worker: int) -> None:
        """See Readers."""
        for device in [device for device, at in self._online.items() if worker in at]:
            self._take(worker, {"at": "left", "device": device})
        for running in [running for running in self._sessions.values() if running.worker == worker]:
            self._take(worker, {"at": "ended", "handle": running.handle})

    # within

    def _own(self, news: dict[str, Any]) -> None:
        self._tell(json.dumps(news).encode())
        self._take(self._worker, news)

    def _take(self, worker: int, news: dict[str, Any]) -> None:
        happened = self._noted(worker, news) if "at" in news else self._done(news)
        if happened is None:
            return
        for listener in list(self._listeners):
            listener(happened)

    def _noted(self, worker: int, news: dict[str, Any]) -> Happening | None:
        """What is so now, at a worker."""
        kind = news["at"]
        if kind == "carried":
            self._heard(worker, news)
            return None
        if kind in ("came", "left"):
            return self._presence(worker, kind == "came", news)
        if kind == "began":
            running = Running(worker=worker, **{name: value for name, value in news.items() if name != "at"})
            self._sessions[running.id] = running
            self._by_handle[running.handle] = running.id
            return Happening(kind="session", device=running.device, about={"id": running.id, "running": True})
        name = self._by_handle.pop(news["handle"], "")
        ended = self._sessions.get(name)
        if ended is None or ended.handle != news["handle"]:  # it moved, and has begun again at another worker
            return None
        del self._sessions[name]
        return Happening(kind="session", device=ended.device, about={"id": name, "running": False})

    def _heard(self, worker: int, news: dict[str, Any]) -> None:
        """How sessions of a worker are carried."""
        look = self._looks.get(news["number"]) if news["by"] == self._worker else None
        if look is None:
            return
        told = {
            self._by_handle[handle]: Figures(**{**figures, "channels": tuple(figures["channels"])})
            for handle, figures in news["figures"]
            if handle in self._by_handle
        }
        look.heard(worker, told, news["last"])

    def _say_figures(self, asked: dict[str, Any], hands: Hands) -> None:
        """Tell who has asked how our sessions are carried."""
        rows = [(handle, figures.to_dict()) for handle, figures in hands.figures().items()]
        for at in range(0, max(1, len(rows)), AT_ONCE):
            some, last = rows[at : at + AT_ONCE], at + AT_ONCE >= len(rows)
            said = {"at": "carried", "number": asked["number"], "by": asked["by"]}
            self._own({**said, "figures": some, "last": last})

    def _presence(self, worker: int, came: bool, news: dict[str, Any]) -> Happening | None:
        device = news["device"]
        before, places = device in self._online, self._online.setdefault(device, {})
        if came:
            places[worker] = news["since"]
        else:
            places.pop(worker, None)
        if not places:
            del self._online[device]
        now = device in self._online
        if before == now:
            return None
        return Happening(kind="presence", device=device, about={"number": device, "online": now})

    def _done(self, news: dict[str, Any]) -> Happening | None:
        """What somebody wants of every worker."""
        kind, hands = news["do"], self._hands
        if kind == "say":
            return Happening(kind=news["kind"], device=news["device"], about=news["about"])
        if hands is not None:
            if kind == "end":
                hands.end_session(news["handle"], CloseCode(news["code"]))
            elif kind == "tell":
                hands.tell_session(news["handle"], news["text"])
            elif kind == "away":
                hands.send_away(from_text(news["device"]))
            elif kind == "push":
                hands.push(from_text(news["device"]))
            elif kind == "read":
                hands.read_anew()
            elif kind == "look":
                self._say_figures(news, hands)
        return None


def _began(running: Running) -> dict[str, Any]:
    return {
        "at": "began",
        "id": running.id,
        "handle": running.handle,
        "device": running.device,
        "address": running.address,
        "begun": running.begun,
    }
