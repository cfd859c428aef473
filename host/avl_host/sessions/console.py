"""Console: answers commands of the same machine at a running host: list the sessions, end a session, who has control.

Requests are `{"ask": "sessions"}`, `{"ask": "end", "sessions": [NUMBER, ...]}`, or `"sessions": "all"`, and
`{"ask": "control"}`, with `"mode": "shared" | "one" | "host"` or `"give": NUMBER` to change it. `{"ask": "owner"}` has
the host read anew who owns it; the answer names the owner.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from avl_host.services.control import ControlService
from avl_host.sessions.sessionlist import whose
from avl_host.sessions.subscriber import Subscriber
from avl_host.sessions.subscribers import Subscribers
from avl_protocol.crypto.identity import device_number
from avl_protocol.endpoint.program.localcontrol import ControlError
from avl_protocol.session.host import HostSession
from avl_protocol.wire import device_id
from avl_protocol.wire.registry import CloseCode, ControlMode, Permission


class Console:
    """Answers of one host. `delay`: seconds until a viewer shows what was captured, None where that is not known;
    `owner`: reads anew who owns the host, and gives the owner's thumbprint, "" where nobody does."""

    def __init__(
        self,
        subscribers: Subscribers,
        control: ControlService,
        delay: Callable[[HostSession], float | None],
        clock: Callable[[], float],
        owner: Callable[[], str],
    ) -> None:
        self._subscribers = subscribers
        self._control = control
        self._delay = delay
        self._clock = clock
        self._owner = owner

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to one request. Raises ControlError."""
        if request.get("ask") == "sessions":
            return {"sessions": [self._row(subscriber) for subscriber in self._subscribers.subscribers()]}
        if request.get("ask") == "end":
            return {"ended": self._end(request.get("sessions"))}
        if request.get("ask") == "control":
            return self._controlled(request)
        if request.get("ask") == "owner":
            return {"owner": self._owner()}
        raise ControlError("the host that runs does not know this command: restart it, so that it is of this version")

    def _row(self, subscriber: Subscriber) -> dict[str, Any]:
        """One session. `name` is any text: the viewer chose it. `who`: as the chain that it came with says, which was
        verified ("" where it came by a code); any text, too. `seconds`: since it was admitted."""
        session, here, delay = subscriber.session, subscriber.here, self._delay(subscriber.session)
        return {
            "number": subscriber.number,
            "name": session.name,
            "who": whose(session.presented.rights) if session.presented is not None else "",
            "device": device_id.to_text(device_number(session.viewer)),
            "permissions": [str(one.name).lower() for one in Permission if one in session.permissions],
            "seconds": self._clock() - subscriber.since,
            "delay_ms": None if delay is None else round(delay * 1000),
            "way": "none" if subscriber.lost or here is None else "direct" if here.hop.direct else "relay",
        }

    def _controlled(self, request: dict[str, Any]) -> dict[str, Any]:
        """Change who has control, where that is asked; then who has it."""
        now = self._clock()
        if "mode" in request:
            mode = ControlMode.__members__.get(str(request["mode"]).upper())
            if mode is None:
                raise ControlError("control is 'shared', 'one' or 'host'")
            self._control.set_mode(mode, now)
        if "give" in request and not (type(request["give"]) is int and self._control.give(request["give"], now)):
            raise ControlError("nobody of this number is here and may act: 'avl-host control' lists them")
        return {"mode": self._control.mode.name.lower(), "people": self._control.rows()}

    def _end(self, wanted: object) -> list[int]:
        """End sessions, by number or all; the numbers of those that were ended. Ends none when one is unknown."""
        here = {subscriber.number: subscriber for subscriber in self._subscribers.subscribers()}
        if wanted == "all":
            numbers = list(here)
        elif isinstance(wanted, list) and all(isinstance(number, int) for number in wanted):
            numbers = list(dict.fromkeys(wanted))
        else:
            raise ControlError("name sessions by their numbers, or all")
        if unknown := [number for number in numbers if number not in here]:
            raise ControlError(f"there is no session {', '.join(map(str, unknown))}: 'avl-host sessions' lists them")
        for number in numbers:
            self._subscribers.end(here[number].session, CloseCode.EVICTED, self._clock())
        return numbers
