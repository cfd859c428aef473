"""Movements, fingers, pens and the fine wheel: at the kernel's devices, as a mouse, and on a real X server."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import xcffib
import xcffib.xinput

from avl_host.capture.source import CursorImage
from avl_host.desktop.pointer import as_travels
from avl_host.input.desktop import DesktopSink
from avl_host.input.emulation import Emulation
from avl_host.input.ownwindows import OwnWindow, OwnWindows
from avl_host.input.recorder import InputRecorder
from avl_host.input.relative import mover, on_macos, on_windows
from avl_host.input.sink import PenSample, SinkLost, StoppedLoop
from avl_host.input.uinput import FAR, Device, KernelDevices, missing, open_devices
from avl_host.presence.surface import by_hand
from avl_host.services.devices import DevicesService
from avl_protocol.session.hosting import Input
from avl_protocol.wire.endtoend import InputDevices
from avl_protocol.wire.registry import InputDevice, InputKind, PenState, TouchPhase
from tests.host.conftest import XServer
from tests.host.test_desktop import Watcher, eventually
from tests.host.test_subscribers import Lobby

BEGIN, MOVE, END = TouchPhase
NEAR, TIP, BARREL = PenState.NEAR, PenState.NEAR | PenState.TIP, PenState.NEAR | PenState.BARREL
e = pytest.importorskip("evdev.ecodes", reason="the kernel's devices are Linux's")


def sample(x: int, y: int, state: PenState, pressure: int = 0, tilt: int = 0) -> PenSample:
    return PenSample(x, y, pressure, tilt, 0, state)


# the kernel's devices, against a double


class Kernel:
    """Remembers what is written to each device, moment by moment, by the names that the kernel's header has."""

    def __init__(self) -> None:
        self.made: dict[str, Sequence[int]] = {}
        self.moments: list[list[tuple[str, int]]] = []
        self.closed: list[str] = []

    def make(self, name: str, events: dict[int, Sequence[Any]], properties: Sequence[int]) -> Any:
        kernel, told = self, [row[0] if isinstance(row, tuple) else row for rows in events.values() for row in rows]
        kernel.made[name] = told

        class Made:
            def __init__(self) -> None:
                self.now: list[tuple[str, int]] = []

            def write(self, kind: int, code: int, value: int) -> None:
                assert code in told, "a device tells only what it said it can"
                found = e.bytype[kind][code]
                self.now.append((found if isinstance(found, str) else found[-1], value))

            def syn(self) -> None:
                kernel.moments.append(self.now)
                self.now = []

            def close(self) -> None:
                kernel.closed.append(name)

        return Made()

    def take(self) -> list[list[tuple[str, int]]]:
        """The moments since the last time."""
        moments, self.moments = self.moments, []
        return moments


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


def test_fingers_have_slots_of_their_own_and_the_first_is_the_pointer(kernel: Kernel) -> None:
    devices = KernelDevices(kernel.make)
    devices.touch(7, BEGIN, 100, 200)
    devices.touch(9, BEGIN, 300, 400)
    devices.touch(7, MOVE, 101, 201)
    devices.touch(7, END, 0, 0)
    devices.touch(11, BEGIN, 5, 6)
    devices.touch(3, MOVE, 1, 1)
    place = ("ABS_MT_POSITION_X", "ABS_MT_POSITION_Y")
    assert kernel.take() == [
        [
            ("ABS_MT_SLOT", 0),
            ("ABS_MT_TRACKING_ID", 1),
            (place[0], 100),
            (place[1], 200),
            ("BTN_TOUCH", 1),
            ("ABS_X", 100),
            ("ABS_Y", 200),
        ],
        [("ABS_MT_SLOT", 1), ("ABS_MT_TRACKING_ID", 2), (place[0], 300), (place[1], 400)],
        [("ABS_MT_SLOT", 0), (place[0], 101), (place[1], 201), ("ABS_X", 101), ("ABS_Y", 201)],
        [("ABS_MT_SLOT", 0), ("ABS_MT_TRACKING_ID", -1)],
        [("ABS_MT_SLOT", 0), ("ABS_MT_TRACKING_ID", 3), (place[0], 5), (place[1], 6), ("ABS_X", 5), ("ABS_Y", 6)],
    ], "a finger that never came down does nothing"
    devices.release()
    assert [moment[1] for moment in kernel.take()] == [("ABS_MT_TRACKING_ID", -1)] * 2
    for contact in range(12):
        devices.touch(contact, BEGIN, 0, 0)
    assert len(kernel.take()) == 10, "ten fingers, and no more"


def test_a_pen_tells_pressure_tilt_and_its_buttons_and_can_be_turned_round(kernel: Kernel) -> None:
    devices = KernelDevices(kernel.make)
    devices.pen(sample(0, 0, TIP, pressure=70_000, tilt=-95), 10, 20)
    ((*_, touches, button, second),) = kernel.take()
    assert (touches, button, second) == (("BTN_TOUCH", 1), ("BTN_STYLUS", 0), ("BTN_STYLUS2", 0))
    devices.pen(sample(0, 0, BARREL, pressure=500), 11, 21)
    moment = dict(kernel.take()[0])
    assert moment["ABS_PRESSURE"] == 0 and moment["BTN_STYLUS"] == 1 and moment["BTN_TOUCH"] == 0
    assert "BTN_TOOL_PEN" not in moment, "it is near already"
    devices.pen(sample(0, 0, TIP | PenState.ERASER, pressure=9), 12, 22)
    lifted, turned = map(dict, kernel.take())
    assert lifted["BTN_TOOL_PEN"] == 0 and turned["BTN_TOOL_RUBBER"] == 1 and turned["ABS_PRESSURE"] == 9
    devices.pen(sample(0, 0, PenState(0)), 12, 22)
    assert dict(kernel.take()[0])["BTN_TOOL_RUBBER"] == 0
    devices.pen(sample(0, 0, PenState(0)), 12, 22)
    assert kernel.take() == [], "what is gone cannot go"


def test_pressure_and_tilt_stay_on_their_axes(kernel: Kernel) -> None:
    devices = KernelDevices(kernel.make)
    devices.pen(PenSample(0, 0, 70_000, -95, 95, TIP), 1, 2)
    moment = dict(kernel.take()[0])
    assert (moment["ABS_PRESSURE"], moment["ABS_TILT_X"], moment["ABS_TILT_Y"]) == (65_535, -90, 90)


def test_parts_of_a_notch_turn_at_once_and_whole_ones_are_told_beside_them(kernel: Kernel) -> None:
    devices = KernelDevices(kernel.make)
    devices.wheel(0, 50)
    devices.wheel(0, 80)
    devices.wheel(-240, -10)
    assert kernel.take() == [
        [("REL_WHEEL_HI_RES", -50)],
        [("REL_WHEEL_HI_RES", -80), ("REL_WHEEL", -1)],
        [("REL_HWHEEL_HI_RES", -240), ("REL_HWHEEL", -2), ("REL_WHEEL_HI_RES", 10)],
    ]
    devices.close()
    assert sorted(kernel.closed) == sorted(device.value for device in Device)


def test_a_kernel_that_refuses_one_device_keeps_none(kernel: Kernel) -> None:
    def make(name: str, events: dict[int, Sequence[Any]], properties: Sequence[int]) -> Any:
        if name == Device.PEN.value:
            raise OSError("no more devices")
        return kernel.make(name, events, properties)

    with pytest.raises(OSError):
        KernelDevices(make)
    assert kernel.closed == [Device.FINGERS.value]


def test_where_the_kernel_makes_none_it_is_said_what_helps() -> None:
    if why := missing():
        assert open_devices() is None and "/dev/uinput" in why
    else:
        devices = open_devices()
        assert devices is not None
        devices.close()


# as a mouse


def test_the_first_finger_is_the_left_button_until_all_are_lifted() -> None:
    recorder = InputRecorder()
    mouse = Emulation(recorder)
    mouse.touch(1, BEGIN, 10, 10)
    mouse.touch(2, BEGIN, 90, 90)
    mouse.touch(1, MOVE, 12, 12)
    mouse.touch(1, END, 12, 12)
    mouse.touch(2, MOVE, 80, 80)
    mouse.touch(3, BEGIN, 50, 50)
    mouse.touch(2, END, 80, 80)
    mouse.touch(3, END, 50, 50)
    mouse.touch(4, BEGIN, 1, 1)
    assert recorder.events == [
        ("move", 10, 10),
        ("button", 1, True),
        ("move", 12, 12),
        ("move", 12, 12),
        ("button", 1, False),
        ("move", 1, 1),
        ("button", 1, True),
    ]


def test_a_pens_tip_is_the_left_button_and_its_own_the_right_one() -> None:
    recorder = InputRecorder()
    mouse = Emulation(recorder)
    for state in (NEAR, TIP, TIP, BARREL, PenState(0)):
        mouse.pen(sample(5, 6, state))
    assert [event for event in recorder.events if event[0] == "button"] == [
        ("button", 1, True),
        ("button", 1, False),
        ("button", 3, True),
        ("button", 3, False),
    ]


# by system


def test_windows_is_told_a_movement_and_not_a_place() -> None:
    told: list[tuple[int, ...]] = []
    on_windows(lambda *arguments: told.append(arguments))(-3, 4)
    assert told == [(1, -3, 4, 0, 0)]


def test_macos_is_told_the_place_and_the_movement() -> None:
    class Quartz:
        """Remembers; names are their own values."""

        def __init__(self) -> None:
            self.calls: list[tuple[Any, ...]] = []
            self.down = False

        def __getattr__(self, name: str) -> Any:
            if name.startswith("k"):
                return name

            def call(*arguments: Any) -> bool:
                self.calls.append((name, *arguments))
                return self.down

            return call

    class Mouse:
        position = (100.5, 50.0)

    quartz = Quartz()
    on_macos(quartz, Mouse())(3, -2)
    created = next(call for call in quartz.calls if call[0] == "CGEventCreateMouseEvent")
    assert created[2:4] == ("kCGEventMouseMoved", (103.5, 48.0))
    fields = [call[2:] for call in quartz.calls if call[0] == "CGEventSetIntegerValueField"]
    assert fields == [("kCGMouseEventDeltaX", 3), ("kCGMouseEventDeltaY", -2)]
    quartz.down = True
    on_macos(quartz, Mouse())(1, 1)
    assert "kCGEventLeftMouseDragged" in [call[2] for call in quartz.calls if call[0] == "CGEventCreateMouseEvent"]


def test_elsewhere_pynput_moves() -> None:
    class Mouse:
        def move(self, dx: int, dy: int) -> None:
            self.moved = (dx, dy)

    mouse = Mouse()
    mover(mouse, "linux")(5, 6)
    assert mouse.moved == (5, 6)


# the service


def test_devices_are_told_to_whom_is_let_in_and_two_viewers_fingers_are_kept_apart(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    first, second = lobby.admit(1), lobby.admit(2)
    ((told,), (other,)) = (lobby.of(handle, InputDevices) for handle in (1, 2))
    assert told == other == InputDevices(int(lobby.sink.devices))
    touch, pen = int(InputKind.TOUCH), int(InputKind.PEN)
    lobby.happens(first, Input(((touch, 1, 0, 5, 5), (int(InputKind.MOVE_BY), 3, -4))))
    lobby.happens(second, Input(((touch, 1, 0, 9, 9), (touch, 2, 0, 8, 8))))
    lobby.happens(first, Input(((touch, 1, 2, 5, 5),)))
    lobby.happens(second, Input(((touch, 1, 1, 7, 7), (pen, 1, 2, 3, 4, 5, 0xFF))))
    assert lobby.sink.events == [
        ("touch", 0, 0, 5, 5),
        ("move_by", 3, -4),
        ("touch", 1, 0, 9, 9),
        ("touch", 2, 0, 8, 8),
        ("touch", 0, 2, 5, 5),
        ("touch", 1, 1, 7, 7),
        ("pen", PenSample(1, 2, 3, 4, 5, ~PenState(0))),
    ]


def test_devices_are_told_anew_after_a_move_and_when_they_change(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    changed: list[Callable[[], None]] = []
    lobby.sink.watch = changed.append  # type: ignore[method-assign, assignment]
    service = DevicesService(lobby.subscribers, lobby.sink)
    first = lobby.admit(1)
    lobby.admit(2)
    lobby.sink.devices = InputDevice.RELATIVE
    changed[0]()
    assert [lobby.of(handle, InputDevices)[-1] for handle in (1, 2)] == [InputDevices(1)] * 2
    lobby.sink.devices = InputDevice.PEN
    service.moved(first, 0.0)
    assert lobby.of(1, InputDevices)[-1] == InputDevices(4) and lobby.of(2, InputDevices)[-1] == InputDevices(1)


def test_a_pointer_that_cannot_be_seen_is_told_as_hidden() -> None:
    image = CursorImage(serial=4, width=8, height=8, hot_x=1, hot_y=1, rgba=bytes((255, 255, 255, 0)) * 64)
    message = as_travels(image)
    assert (message.serial, message.width, message.height) == (4, 0, 0)


@pytest.mark.parametrize(
    ("name", "counts"),
    [("USB Optical Mouse", True), ("avl touchscreen", False), ("avl pen Pen (0x1)", False), ("avl wheel\0", False)],
)
def test_viewers_fingers_answer_no_question_of_the_hosts_person(name: str, counts: bool) -> None:
    kind = xcffib.xinput.DeviceType.SlavePointer
    told = SimpleNamespace(type=kind, name=SimpleNamespace(to_string=lambda: name))

    def answer(what: Any) -> Any:
        return SimpleNamespace(reply=lambda: what)

    devices = SimpleNamespace(
        XIQueryDevice=lambda device: answer(SimpleNamespace(infos=[told])),
        XIGetProperty=lambda *_: answer(SimpleNamespace(type=0)),
    )
    assert by_hand(devices, 1, 9) is counts


# on a real server


class Virtual:
    """The double of the kernel's devices: remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def touch(self, contact: int, phase: TouchPhase, x: int, y: int) -> None:
        self.told.append(("touch", contact, phase, x, y))

    def pen(self, sample: PenSample, x: int, y: int) -> None:
        self.told.append(("pen", sample.state, x, y))

    def wheel(self, dx: int, dy: int) -> None:
        self.told.append(("wheel", dx, dy))

    def release(self) -> None:
        self.told.append(("release",))

    def close(self) -> None:
        self.told.append(("close",))


class OnceLater(StoppedLoop):
    """A loop that calls later when it is told to."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []

    def call_later(self, delay: float, callback: Callable[[], None], /) -> None:
        self.calls.append(callback)


def add_pointer(display: str, name: str) -> None:
    """A pointer of this name at the server, as it makes one for a device that it has taken."""
    x: Any = xcffib.connect(display)  # type: ignore[no-untyped-call]
    xinput: Any = x(xcffib.xinput.key)
    xinput.XIQueryVersion(2, 2).reply()
    data = name.encode() + bytes(-len(name) % 4)
    change = struct.pack("=HHHBB", 1, (8 + len(data)) // 4, len(name), 0, 1) + data
    xinput.send_request(43, io.BytesIO(struct.pack("=xx2xB3x", 1) + change), is_checked=True).check()
    x.disconnect()


@pytest.fixture
def sinks(xvfb: XServer) -> Iterator[Callable[..., DesktopSink]]:
    made: list[DesktopSink] = []

    def make(**more: Any) -> DesktopSink:
        made.append(DesktopSink(more.pop("display", xvfb.display), more.pop("loop", StoppedLoop()), **more))
        return made[-1]

    yield make
    for sink in made:
        sink.close()


@pytest.mark.display
def test_movements_add_up_exactly_and_stop_at_the_edge(xvfb: XServer, sinks: Callable[..., DesktopSink]) -> None:
    sink, watcher = sinks(), Watcher(xvfb.display)
    assert sink.devices == InputDevice.RELATIVE
    sink.move(100, 100)
    for step in (1, 5, 50, 200):
        sink.move_by(step, -1)
    assert eventually(lambda: watcher.pointer()[:2] == (356, 96)), "nothing is accelerated"
    sink.move_by(10**9, -(10**9))
    assert eventually(lambda: watcher.pointer()[:2] == (639, 0))
    watcher.close()


@pytest.mark.display
def test_movements_do_not_reach_the_agents_own_windows(xvfb: XServer, sinks: Callable[..., DesktopSink]) -> None:
    own, watcher = OwnWindows(), Watcher(xvfb.display)
    own.add(OwnWindow(window=4_000_000, x=200, y=0, width=100, height=480))
    sink = sinks(own=own)
    sink.move(190, 50)
    sink.move_by(20, 0)
    sink.move_by(2, 3)
    assert eventually(lambda: watcher.pointer()[:2] == (192, 53))
    watcher.close()


@pytest.mark.display
def test_without_devices_fingers_and_pens_are_a_mouse(xvfb: XServer, sinks: Callable[..., DesktopSink]) -> None:
    sink, watcher = sinks(), Watcher(xvfb.display)
    sink.touch(1, BEGIN, 30, 40)
    assert eventually(lambda: watcher.pointer() == (30, 40, 0x100))
    sink.release_all()
    assert eventually(lambda: watcher.pointer() == (30, 40, 0))
    sink.pen(sample(50, 60, TIP))
    assert eventually(lambda: watcher.pointer() == (50, 60, 0x100))
    sink.pen(sample(51, 60, PenState(0)))
    assert eventually(lambda: watcher.pointer() == (50, 60, 0))
    watcher.close()


@pytest.mark.display
def test_devices_count_once_the_server_has_taken_them(
    own_xvfb: Callable[..., XServer], sinks: Callable[..., DesktopSink]
) -> None:
    server, virtual, loop = own_xvfb(), Virtual(), OnceLater()
    own = OwnWindows()
    sink = sinks(display=server.display, loop=loop, virtual=virtual, own=own)
    changes: list[InputDevice] = []
    sink.watch(lambda: changes.append(sink.devices))
    assert sink.devices == InputDevice.RELATIVE
    sink.scroll(0, 60)
    assert virtual.told == [], "an Xvfb takes no devices, and another display's are none of ours"
    for device in Device:
        add_pointer(server.display, device.value)
    loop.calls[0]()
    everything = InputDevice.RELATIVE | InputDevice.TOUCH | InputDevice.PEN | InputDevice.SMOOTH_WHEEL
    assert changes == [everything]
    sink.touch(3, BEGIN, 639, 240)
    sink.touch(3, END, -5, 9999)
    sink.pen(sample(0, 479, TIP))
    sink.scroll(0, 60)
    own.add(OwnWindow(window=4_000_000, x=0, y=0, width=100, height=100))
    sink.touch(4, BEGIN, 50, 50)
    sink.pen(sample(50, 50, TIP))
    assert virtual.told == [
        ("touch", 3, BEGIN, FAR, 240 * FAR // 479),
        ("touch", 3, END, 0, FAR),
        ("pen", TIP, 0, FAR),
        ("wheel", 0, 60),
    ], "and nothing on the agent's own windows"
    sink.close()
    assert virtual.told[-2:] == [("release",), ("close",)]


@pytest.mark.display
def test_a_display_that_is_gone_is_no_news(own_xvfb: Callable[..., XServer]) -> None:
    server, loop = own_xvfb(), OnceLater()
    sink = DesktopSink(server.display, loop, virtual=Virtual())
    server.end()
    loop.calls[0]()
    with pytest.raises(SinkLost):
        sink.move_by(1, 1)
    sink.close()
