"""Devices by name: what the relay last said of them, and which of them a person means.

They are kept in the state folder, so that a name still leads somewhere while the relay's accounts are down.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from avl_protocol.endpoint.program.state import StateError, StateFolder
from avl_protocol.wire import device_id
from avl_viewer.held.sockets import DEVICES

#: Names that a sentence lists.
LISTED = 5
_COSTS = "names have to be asked of the relay each time"


@dataclass(frozen=True, slots=True)
class Device:
    """One device, as the relay describes it: name, system and software are hostile text. `number`: 28 characters;
    `owner`: thumbprint of the key that it believes; `seen`: Unix seconds, None: never."""

    number: str
    name: str
    owner: str = ""
    online: bool = False
    seen: int | None = None
    system: str = ""
    software: str = ""
    labels: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def device(self) -> int:
        """The device number."""
        return device_id.from_text(self.number)

    @property
    def id(self) -> str:
        """The device ID as people read it."""
        return device_id.to_text(self.device)


class NoSuchName(ValueError):
    """Nobody, or more than one, is called that; the text says what to write."""


def read_device(said: Mapping[str, Any]) -> Device | None:
    """A device of the API's list; None for one that can't be read."""
    number, name = said.get("number"), said.get("name")
    if not isinstance(number, str) or not isinstance(name, str):
        return None
    try:
        device_id.from_text(number)
    except ValueError:
        return None
    seen = said.get("seen")
    return Device(
        number=number,
        name=name,
        owner=_text(said.get("owner_thumbprint")),
        online=said.get("online") is True,
        seen=seen if type(seen) is int else None,
        system=_text(said.get("system")),
        software=_text(said.get("software")),
        labels=_texts(said.get("labels")),
        groups=_texts(said.get("groups")),
    )


def meant(name: str, devices: Sequence[Device]) -> Device:
    """The one device that a person calls so: by its name, the beginning of it, or its device ID. Raises NoSuchName."""
    wanted = name.strip().casefold()
    same = [one for one in devices if one.name.casefold() == wanted]
    begins = [one for one in devices if wanted and one.name.casefold().startswith(wanted)]
    plain = wanted.replace("-", "").upper()
    ids = [one for one in devices if one.number == plain]
    found = ids or same or begins
    if len(found) == 1:
        return found[0]
    if found:
        choices = ", ".join(f"{one.name} ({one.id})" for one in found[:LISTED])
        raise NoSuchName(f"more than one device is called {name!r}: {choices}. Write the device ID, or rename one")
    close = difflib.get_close_matches(wanted, [one.name.casefold() for one in devices], LISTED)
    names = [one.name for one in devices if one.name.casefold() in close] or [one.name for one in devices[:LISTED]]
    hint = f"did you mean {', '.join(names)}? " if names else ""
    raise NoSuchName(f"no device is called {name!r}: {hint}'avl devices' lists them; a target begins with avl://")


class DeviceFile:
    """The devices that were last heard of, in a state folder."""

    def __init__(self, state: StateFolder) -> None:
        self._state = state

    def load(self) -> tuple[Device, ...]:
        """All of them; none where the file is missing or damaged."""
        try:
            rows = json.loads(self._state.read(DEVICES) or b"[]")
            return tuple(
                Device(**{**row, "labels": tuple(row["labels"]), "groups": tuple(row["groups"])}) for row in rows
            )
        except (StateError, ValueError, TypeError, KeyError):
            return ()

    def save(self, devices: Sequence[Device]) -> None:
        """Keep them."""
        self._state.keep(DEVICES, json.dumps([asdict(one) for one in devices]).encode() + b"\n", _COSTS)

    def forget(self) -> None:
        """Keep none."""
        (self._state.path / DEVICES).unlink(missing_ok=True)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
