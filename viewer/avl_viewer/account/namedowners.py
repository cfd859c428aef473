"""NamedOwners: whose device a name led to the last time (spec 11, 11.6).

Which device a name means is the relay's word, and it could make up an owner with device, grant and all. So a name goes
on leading to the owner it led to at first; another takes its place only by the device ID, which a person has from
somewhere else.
"""

from __future__ import annotations

import json

from avl_protocol.endpoint.program.state import StateError, StateFolder
from avl_viewer.account.devices import Device

FILE = "owners.json"
_COSTS = "whose device a name leads to is not remembered"


class NamedOwners:
    """A file of the state folder."""

    def __init__(self, state: StateFolder) -> None:
        self._state = state

    def differs(self, written: str, device: Device) -> bool:
        """Whether this is another owner's device than what a person called so before. `written`: what they write now; a
        device ID is its own answer."""
        if _is_id(written, device):
            return False
        known = self._load()
        return any(known.get(name, device.owner) != device.owner for name in _names(written, device))

    def remember(self, written: str, device: Device) -> None:
        """What was written has led to this device."""
        known = self._load()
        following = known | dict.fromkeys(_names(written, device), device.owner)
        if following != known:
            self._state.keep(FILE, json.dumps(following).encode() + b"\n", _COSTS)

    def forget(self) -> None:
        """Know of no name."""
        (self._state.path / FILE).unlink(missing_ok=True)

    def _load(self) -> dict[str, str]:
        try:
            found = json.loads(self._state.read(FILE) or b"{}")
            return {str(name): str(owner) for name, owner in found.items()}
        except (StateError, ValueError, AttributeError):
            return {}


def _names(written: str, device: Device) -> set[str]:
    """What is remembered: the device's whole name, and what was written for it."""
    return {device.name.strip().casefold()} | (set() if _is_id(written, device) else {written.strip().casefold()})


def _is_id(written: str, device: Device) -> bool:
    return written.strip().replace("-", "").upper() == device.number
