"""Virtual devices of the Linux kernel (uinput): a touchscreen, a pen tablet and a fine wheel, which XTEST cannot be.

A device counts once the X server has taken it: an Xvfb, which reads no devices, never does, and the pointer of another
display must not be moved. `desktop.py` asks the server for their names.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Protocol

from avl_host.input.sink import PenSample
from avl_protocol.wire.registry import MAX_CONTACTS, MAX_PEN_PRESSURE, PenState, TouchPhase

#: Where the kernel makes devices of programs.
PATH = "/dev/uinput"
#: The far end of an axis: the desktop's last pixel.
FAR = 65_535
_NOTCH = 120
#: Units in a millimetre and in a radian; what is told to be without them is taken for no tablet (libinput).
_PER_MM, _PER_RADIAN = 200, 57


class Device(Enum):
    """The devices by what the X server calls them."""

    FINGERS = "avl touchscreen"
    PEN = "avl pen"
    WHEEL = "avl wheel"


def is_ours(name: str) -> bool:
    """Whether the X server's name of a device says that a viewer's fingers, pen or wheel are behind it, of this host or
    of another one. A server may add to a name."""
    return any(name.startswith(one.value) for one in Device)


class VirtualDevices(Protocol):
    """Devices that programs cannot tell from real ones. Places are of 0 to FAR on both axes."""

    def touch(self, contact: int, phase: TouchPhase, x: int, y: int) -> None:
        """A finger is here, or is lifted; one more than CONTACTS is left out."""

    def pen(self, sample: PenSample, x: int, y: int) -> None:
        """A pen is here, or gone."""

    def wheel(self, dx: int, dy: int) -> None:
        """Turn by 120ths of a notch, right and down."""

    def release(self) -> None:
        """Lift all fingers and the pen."""

    def close(self) -> None:
        """The devices are no more."""


class KernelDevice(Protocol):
    """One device: events of (type, code, value), and the end of a moment. `evdev.UInput` has it."""

    def write(self, kind: int, code: int, value: int, /) -> None:
        """Add an event."""

    def syn(self) -> None:
        """What was written since the last time is one moment."""

    def close(self) -> None:
        """Take the device away."""


#: Makes a device: its name, capabilities as evdev.UInput takes them, properties.
Maker = Callable[[str, dict[int, Sequence[Any]], Sequence[int]], KernelDevice]


def open_devices() -> VirtualDevices | None:
    """The kernel's devices; None where this program may not make any, or the system is another one."""
    try:
        from evdev import UInput, UInputError
    except ImportError:
        return None

    def make(name: str, events: dict[int, Sequence[Any]], properties: Sequence[int]) -> KernelDevice:
        device: KernelDevice = UInput(events, name=name, input_props=properties)
        return device

    try:
        return KernelDevices(make)
    except (OSError, UInputError):
        return None


def missing() -> str:
    """Why there are no such devices, and what helps, as a sentence for a person; empty where there are."""
    try:
        os.close(os.open(PATH, os.O_WRONLY))
    except FileNotFoundError:
        return f"this system has no {PATH} (modprobe uinput makes it)"
    except PermissionError:
        return f"this user may not write {PATH}: let the group input do so by a rule of udev, and join that group"
    except OSError as error:
        return f"{PATH} does not open: {error.strerror}"
    return ""


class KernelDevices:
    """The real ones. Raises OSError where the kernel makes none."""

    def __init__(self, make: Maker) -> None:
        from evdev import AbsInfo
        from evdev import ecodes as e

        self._e: Any = e
        #: Fingers that are down -> their slot. The number of the finger that came down last.
        self._slots: dict[int, int] = {}
        self._tracked = 0
        self._pen_near: int | None = None
        self._wheel = [0, 0]
        axis = AbsInfo(value=0, min=0, max=FAR, fuzz=0, flat=0, resolution=_PER_MM)
        tilt = AbsInfo(value=0, min=-90, max=90, fuzz=0, flat=0, resolution=_PER_RADIAN)
        with contextlib.ExitStack() as made:

            def new(device: Device, events: dict[int, Sequence[Any]], *properties: int) -> KernelDevice:
                one = make(device.value, events, properties)
                made.callback(one.close)
                return one

            self._fingers = new(
                Device.FINGERS,
                {
                    e.EV_KEY: [e.BTN_TOUCH],
                    e.EV_ABS: [
                        (e.ABS_X, axis),
                        (e.ABS_Y, axis),
                        (e.ABS_MT_SLOT, AbsInfo(0, 0, MAX_CONTACTS - 1, 0, 0, 0)),
                        (e.ABS_MT_TRACKING_ID, AbsInfo(0, 0, FAR, 0, 0, 0)),
                        (e.ABS_MT_POSITION_X, axis),
                        (e.ABS_MT_POSITION_Y, axis),
                    ],
                },
                e.INPUT_PROP_DIRECT,
            )
            self._tablet = new(
                Device.PEN,
                {
                    e.EV_KEY: [e.BTN_TOOL_PEN, e.BTN_TOOL_RUBBER, e.BTN_TOUCH, e.BTN_STYLUS, e.BTN_STYLUS2],
                    e.EV_ABS: [
                        (e.ABS_X, axis),
                        (e.ABS_Y, axis),
                        (e.ABS_PRESSURE, AbsInfo(0, 0, MAX_PEN_PRESSURE, 0, 0, 0)),
                        (e.ABS_TILT_X, tilt),
                        (e.ABS_TILT_Y, tilt),
                    ],
                },
                e.INPUT_PROP_POINTER,
            )
            self._roller = new(
                Device.WHEEL,
                {
                    e.EV_KEY: [e.BTN_LEFT, e.BTN_RIGHT, e.BTN_MIDDLE],
                    e.EV_REL: [
                        e.REL_X,
                        e.REL_Y,
                        e.REL_WHEEL,
                        e.REL_HWHEEL,
                        e.REL_WHEEL_HI_RES,
                        e.REL_HWHEEL_HI_RES,
                    ],
                },
                e.INPUT_PROP_POINTER,
            )
            self._all = made.pop_all()

    def touch(self, contact: int, phase: TouchPhase, x: int, y: int) -> None:
        """See VirtualDevices. Slots and tracking numbers: multi-touch protocol of the kernel, type B."""
        e, device = self._e, self._fingers
        first = not self._slots
        if phase is TouchPhase.BEGIN and contact not in self._slots:
            free = next((slot for slot in range(MAX_CONTACTS) if slot not in self._slots.values()), None)
            if free is None:
                return
            self._slots[contact] = free
            self._tracked = (self._tracked + 1) % FAR
            device.write(e.EV_ABS, e.ABS_MT_SLOT, free)
            device.write(e.EV_ABS, e.ABS_MT_TRACKING_ID, self._tracked)
        elif contact in self._slots:
            device.write(e.EV_ABS, e.ABS_MT_SLOT, self._slots[contact])
        else:
            return
        if phase is TouchPhase.END:
            del self._slots[contact]
            device.write(e.EV_ABS, e.ABS_MT_TRACKING_ID, -1)
            if not self._slots:
                device.write(e.EV_KEY, e.BTN_TOUCH, 0)
        else:
            device.write(e.EV_ABS, e.ABS_MT_POSITION_X, x)
            device.write(e.EV_ABS, e.ABS_MT_POSITION_Y, y)
            if first:
                device.write(e.EV_KEY, e.BTN_TOUCH, 1)
            if self._slots[contact] == min(self._slots.values()):
                device.write(e.EV_ABS, e.ABS_X, x)
                device.write(e.EV_ABS, e.ABS_Y, y)
        device.syn()

    def pen(self, sample: PenSample, x: int, y: int) -> None:
        """See VirtualDevices."""
        e, device = self._e, self._tablet
        state = sample.state
        near: int | None = None
        if state & PenState.NEAR:
            near = e.BTN_TOOL_RUBBER if state & PenState.ERASER else e.BTN_TOOL_PEN
        if self._pen_near not in (None, near):
            self._lift_pen()  # it was turned round, or is gone
        if near is None:
            return
        device.write(e.EV_ABS, e.ABS_X, x)
        device.write(e.EV_ABS, e.ABS_Y, y)
        tip = bool(state & PenState.TIP)
        device.write(e.EV_ABS, e.ABS_PRESSURE, max(0, min(MAX_PEN_PRESSURE, sample.pressure)) if tip else 0)
        device.write(e.EV_ABS, e.ABS_TILT_X, max(-90, min(90, sample.tilt_x)))
        device.write(e.EV_ABS, e.ABS_TILT_Y, max(-90, min(90, sample.tilt_y)))
        if near != self._pen_near:
            device.write(e.EV_KEY, near, 1)
            self._pen_near = near
        device.write(e.EV_KEY, e.BTN_TOUCH, int(tip))
        device.write(e.EV_KEY, e.BTN_STYLUS, int(bool(state & PenState.BARREL)))
        device.write(e.EV_KEY, e.BTN_STYLUS2, int(bool(state & PenState.SECOND)))
        device.syn()

    def wheel(self, dx: int, dy: int) -> None:
        """See VirtualDevices. The kernel counts up as positive, and tells whole notches beside the parts."""
        e = self._e
        axes = ((e.REL_HWHEEL_HI_RES, e.REL_HWHEEL, dx), (e.REL_WHEEL_HI_RES, e.REL_WHEEL, -dy))
        for axis, (fine, coarse, delta) in enumerate(axes):
            if not delta:
                continue
            if delta * self._wheel[axis] < 0:
                self._wheel[axis] = 0
            self._wheel[axis] += delta
            notches = int(self._wheel[axis] / _NOTCH)
            self._wheel[axis] -= notches * _NOTCH
            self._roller.write(e.EV_REL, fine, delta)
            if notches:
                self._roller.write(e.EV_REL, coarse, notches)
        self._roller.syn()

    def release(self) -> None:
        """See VirtualDevices."""
        for contact in list(self._slots):
            self.touch(contact, TouchPhase.END, 0, 0)
        if self._pen_near is not None:
            self._lift_pen()
        self._wheel = [0, 0]

    def close(self) -> None:
        """See VirtualDevices."""
        self.release()
        self._all.close()

    def _lift_pen(self) -> None:
        e = self._e
        self._tablet.write(e.EV_ABS, e.ABS_PRESSURE, 0)
        tool = e.BTN_TOOL_PEN if self._pen_near is None else self._pen_near
        for key in (e.BTN_TOUCH, e.BTN_STYLUS, e.BTN_STYLUS2, tool):
            self._tablet.write(e.EV_KEY, key, 0)
        self._tablet.syn()
        self._pen_near = None
