"""Settings: how the relay is set, for who administers it, and its features turned off and on while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from avl_protocol.endpoint.program.state import StateError
from avl_protocol.endpoint.settings.faults import BadSettings
from avl_relay.api.operations import Answer, Call, Operation, Transaction, Who
from avl_relay.api.problems import Problem
from avl_relay.api.shapes import Described, Flag, Record
from avl_relay.live import Happening, Live
from avl_relay.settings.live import SetElsewhere
from avl_relay.settings.model import Features

_ANY: dict[str, Any] = {"type": ["string", "number", "boolean", "array", "null"]}
SETTINGS = Described(
    {
        "type": "object",
        "required": ["items"],
        "properties": {
            "items": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["name", "value", "place", "reason", "default", "live"],
                    "properties": {
                        "name": {"type": "string"},
                        "value": {**_ANY, "description": "null: none; of a secret nothing is shown"},
                        "place": {"type": "string", "description": "FILE:LINE, a variable, a flag, or default"},
                        "reason": {"type": "string"},
                        "default": _ANY,
                        "live": {"type": "boolean", "description": "whether it changes without a restart"},
                    },
                },
            }
        },
    }
)


class Desk(Protocol):
    """The settings of this process (settings/live.py)."""

    def shown(self) -> list[dict[str, Any]]:
        """All of them, without secrets."""

    def turn(self, features: Mapping[str, bool]) -> dict[str, bool]:
        """Turn features off or on, for good; those that are others now. Raises SetElsewhere, BadSettings,
        StateError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """What is told of a change: `person` has turned `feature` on or off."""

    person: str
    feature: str
    on: bool


class SettingList:
    """The resource. `turned` is told of each change: it is what an audit hears of."""

    def __init__(self, desk: Desk, live: Live, *, turned: Callable[[Turned], None]) -> None:
        self._desk, self._live, self._turned = desk, live, turned

    def operations(self) -> Sequence[Operation]:
        """See Resource."""
        return (
            Operation(
                method="GET",
                path="/settings",
                handler=self.listed,
                summary="All settings of the relay, where each came from, and why",
                who=Who.ADMIN,
                transaction=Transaction.NONE,
                answers=SETTINGS,
            ),
            Operation(
                method="PATCH",
                path="/settings",
                handler=self.change,
                summary="Turn features of the relay off or on, at once and for good",
                who=Who.ADMIN,
                fresh=True,
                transaction=Transaction.NONE,
                body=Record({"features": Record({}, {name: Flag() for name in Features.model_fields})}),
                answers=SETTINGS,
                says=("conflict", "unavailable"),
            ),
        )

    async def listed(self, call: Call) -> Answer:
        """GET /settings."""
        return Answer({"items": self._desk.shown()})

    async def change(self, call: Call) -> Answer:
        """PATCH /settings. Every process of the relay has changed, or is about to, when this is answered."""
        try:
            turned = self._desk.turn(call.body["features"])
        except SetElsewhere as error:
            raise Problem("conflict", str(error)) from None
        except (BadSettings, StateError) as error:
            raise Problem("unavailable", f"this can't be kept: {error}") from None
        if turned:
            self._live.announce(Happening(kind="settings", device="", about={"features": turned}))
        for feature, on in turned.items():
            self._turned(Turned(person=call.identity.person, feature=feature, on=on))
        return Answer({"items": self._desk.shown()})
