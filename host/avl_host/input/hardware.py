"""What the X server has of devices: the pointers by name, and keys that a person at the host holds down on real
keyboards, without those that were injected (X Input Extension 2)."""

from __future__ import annotations

from typing import Any

import xcffib
import xcffib.xinput

_EXTENSION = "XInputExtension"
#: The name that the X server gives to the keyboards of its XTEST extension ends like this.
_INJECTED = "XTEST keyboard"


def held_by_hand(connection: Any) -> set[int]:
    """Keycodes that are down on a keyboard that is not XTEST's; none where the server can't tell."""
    if not connection.core.QueryExtension(len(_EXTENSION), _EXTENSION).reply().present:
        return set()
    xinput: Any = connection(xcffib.xinput.key)
    xinput.XIQueryVersion(2, 0).reply()
    asked = [
        xinput.QueryDeviceState(device.deviceid)
        for device in xinput.XIQueryDevice(xcffib.xinput.Device.All).reply().infos
        if device.type == xcffib.xinput.DeviceType.SlaveKeyboard
        and not device.name.to_string().rstrip("\0").endswith(_INJECTED)
    ]
    held: set[int] = set()
    for question in asked:
        try:
            states = question.reply().classes
        except xcffib.Error:
            continue  # It was unplugged meanwhile.
        for state in states:
            if state.class_id == xcffib.xinput.InputClass.Key:
                held.update(keycodes_in(state.keys))
    return held


def pointers(connection: Any) -> list[str]:
    """The names of what moves the pointer; none where the server can't tell."""
    if not connection.core.QueryExtension(len(_EXTENSION), _EXTENSION).reply().present:
        return []
    xinput: Any = connection(xcffib.xinput.key)
    xinput.XIQueryVersion(2, 2).reply()
    kinds = (xcffib.xinput.DeviceType.SlavePointer, xcffib.xinput.DeviceType.MasterPointer)
    told = xinput.XIQueryDevice(xcffib.xinput.Device.All).reply().infos
    return [device.name.to_string().rstrip("\0") for device in told if device.type in kinds]


def keycodes_in(bits: Any) -> list[int]:
    """The keycodes whose bits are set, lowest bit of the first byte first (X protocol, QueryKeymap)."""
    return [at * 8 + bit for at, byte in enumerate(bytes(bits)) for bit in range(8) if byte >> bit & 1]
