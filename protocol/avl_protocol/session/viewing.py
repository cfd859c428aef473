"""What a viewer's session is told, and where it stands: its settings and its states (spec 04-session)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from avl_protocol.crypto.identity import Identity
from avl_protocol.wire.endtoend import Decoder
from avl_protocol.wire.registry import InputDevice, InputKind, Permission

_NEEDED = {
    InputKind.MOVE_BY: InputDevice.RELATIVE,
    InputKind.TOUCH: InputDevice.TOUCH,
    InputKind.PEN: InputDevice.PEN,
}


class ViewerState(Enum):
    """Where a session stands."""

    HANDSHAKE = "the host is proving itself, and we are"
    ADMITTED = "running"
    ENDED = "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewerSettings:
    """The device that is wanted, and the reason. `decodes`: what our decoder can do, None where no pictures
    are wanted yet (`ViewerSession.watch`); `ticket`: of a lost session; `chain`: the statements that it comes with
    (spec 06-security, 6.2.4)."""

    identity: Identity
    device: int
    session_id: bytes
    code: str
    name: str
    permissions: Permission
    decodes: Decoder | None
    ticket: bytes = b""
    chain: tuple[str, ...] = ()


def may(permissions: Permission, event: tuple[Any, ...]) -> bool:
    """Whether a host with these permissions applies an input event (spec 04-session, 4.6)."""
    return event[0] in (InputKind.RELEASE_ALL, InputKind.HOLDING) or bool(permissions & needed(event))


def needed(event: tuple[Any, ...]) -> Permission:
    """What an input event that acts needs."""
    return Permission.KEYBOARD if event[0] in (InputKind.KEY, InputKind.TEXT) else Permission.POINTER


def takes(devices: InputDevice, event: tuple[Any, ...]) -> bool:
    """Whether a host whose system takes these devices knows an input event (R-WIRE-95)."""
    needed = _NEEDED.get(event[0])
    return needed is None or bool(devices & needed)
