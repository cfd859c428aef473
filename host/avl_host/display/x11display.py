"""X11Display: the size of an X display, changed by RandR: of Xvfb, of Xorg without a monitor, and of an output that
takes a new mode.

A mode is made where the output has none of that size. A server that does not take it, as where a monitor has to show
it, keeps to the modes that it has. The scale is said by `Xft.dpi` of the resource database, which toolkits read when a
program starts.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import xcffib
import xcffib.randr
import xcffib.xproto

from avl_host.display.display import Size, SizeRefused, nearest
from avl_host.display.timing import timing

#: Millimetres for each pixel of a display that nobody has measured: 96 to the inch.
_MILLIMETRES = 25.4 / 96
_DPI = "Xft.dpi"
_MADE = "avl-"

_Answer = TypeVar("_Answer")


class X11Display:
    """The display called `name`. Each call has a connection of its own, on a thread."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._one_at_a_time = asyncio.Lock()
        #: What programs are told of the resolution while nobody wishes for another.
        self._usual_dpi: str | None = None

    @property
    def name(self) -> str:
        """As X calls it."""
        return self._name

    async def state(self) -> str:
        """See Display: size, mode and resolution, as JSON."""
        state = await self._do(lambda server: server.state())
        self._usual_dpi = state["dpi"]
        return json.dumps(state)

    async def resize(self, width: int, height: int, scale: int) -> Size:
        """See Display."""
        dpi = self._usual_dpi if scale == 100 else str(round(96 * scale / 100))
        return await self._do(lambda server: server.resize(width, height, dpi))

    async def restore(self, state: str) -> None:
        """See Display."""
        try:
            before = json.loads(state)
        except ValueError:
            raise SizeRefused(f"What was kept of the size of {self._name} is damaged.") from None
        await self._do(lambda server: server.restore(before))

    async def _do(self, act: Callable[[_Server], _Answer]) -> _Answer:
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._ask, act)

    def _ask(self, act: Callable[[_Server], _Answer]) -> _Answer:
        try:
            x: Any = xcffib.connect(self._name)  # type: ignore[no-untyped-call]
        except xcffib.ConnectionException:
            raise SizeRefused(f"The size of {self._name} can't be changed: it does not answer.") from None
        try:
            return act(_Server(x, self._name))
        except (xcffib.XcffibException, LookupError, TypeError, ValueError) as error:
            raise SizeRefused(f"The size of {self._name} can't be changed: {error!r}") from error
        finally:
            x.disconnect()


class _Server:
    """An X server that is asked. Raises SizeRefused, XcffibException."""

    def __init__(self, x: Any, name: str) -> None:
        self._x = x
        self._name = name
        # Asked by name first: a request to an extension that is not there closes the connection.
        if not x.core.QueryExtension(len("RANDR"), "RANDR").reply().present:
            raise self._refused("the X server lacks RANDR")
        self._randr: Any = x(xcffib.randr.key)
        version = self._randr.QueryVersion(1, 5).reply()
        if (version.major_version, version.minor_version) < (1, 5):
            raise self._refused("the X server has RANDR older than 1.5")
        self._root = x.get_setup().roots[x.pref_screen].root

    def _refused(self, why: str) -> SizeRefused:
        return SizeRefused(f"The size of {self._name} can't be changed: {why}.")

    # what it is like

    def state(self) -> dict[str, Any]:
        """What `restore` takes."""
        crtc, output = self._only()
        info = self._crtc(crtc)
        width, height = self._size()
        modes = {mode.id: mode for mode in self._resources().modes}
        if info.mode not in modes:
            raise self._refused("its output shows no mode")
        return {
            "output": output,
            "mode": info.mode,
            "mode_size": [modes[info.mode].width, modes[info.mode].height],
            "place": [info.x, info.y],
            "rotation": info.rotation,
            "screen": [width, height],
            "dpi": self._dpi(),
        }

    def _only(self) -> tuple[int, int]:
        """The one CRTC that shows something, and its output."""
        resources = self._resources()
        shown = [(crtc, info) for crtc in resources.crtcs if (info := self._crtc(crtc)).mode and info.outputs]
        monitors = self._randr.GetMonitors(self._root, True).reply().monitors
        if len(shown) != 1 or len(monitors) > 1:
            count = max(len(shown), len(monitors))
            raise self._refused(f"it has {count} monitors" if count else "no output of it shows anything")
        crtc, info = shown[0]
        return crtc, info.outputs[0]

    def _resources(self) -> Any:
        return self._randr.GetScreenResourcesCurrent(self._root).reply()

    def _crtc(self, crtc: int) -> Any:
        return self._randr.GetCrtcInfo(crtc, self._resources().config_timestamp).reply()

    def _size(self) -> Size:
        geometry = self._x.core.GetGeometry(self._root).reply()
        return geometry.width, geometry.height

    def _modes(self, output: int) -> dict[int, Size]:
        """The modes of an output, those that it prefers first."""
        resources = self._resources()
        listed = self._randr.GetOutputInfo(output, resources.config_timestamp).reply().modes
        sizes = {mode.id: (mode.width, mode.height) for mode in resources.modes}
        return {mode: sizes[mode] for mode in listed if mode in sizes}

    # having another size

    def resize(self, width: int, height: int, dpi: str | None) -> Size:
        """Have this size, or the nearest, and tell programs of this resolution."""
        crtc, output = self._only()
        info = self._crtc(crtc)
        most = self._randr.GetScreenSizeRange(self._root).reply()
        wanted = (min(width, most.max_width), min(height, most.max_height))
        rotated = info.rotation & (xcffib.randr.Rotation.Rotate_90 | xcffib.randr.Rotation.Rotate_270)
        for size in self._choices(output, wanted[::-1] if rotated else wanted):
            mode = self._mode(output, size)
            if mode is None:
                continue
            screen = size[::-1] if rotated else size
            if self._show(crtc, output, mode, screen, (0, 0), info.rotation):
                self._tidy(output, mode)
                self._set_dpi(dpi)
                return screen
        raise self._refused("its output takes no mode of that size")

    def _choices(self, output: int, wanted: Size) -> Iterator[Size]:
        """What is wanted, and what there is instead."""
        yield wanted
        instead = nearest(set(self._modes(output).values()), *wanted)
        if instead is not None and instead != wanted:
            yield instead

    def _mode(self, output: int, size: Size) -> int | None:
        """A mode of this size, made if need be; None where the output takes none."""
        found = next((mode for mode, there in self._modes(output).items() if there == size), None)
        if found is not None:
            return found
        name = f"{_MADE}{size[0]}x{size[1]}"
        made = {mode.id for mode in self._resources().modes if (mode.width, mode.height) == size}
        try:
            mode = next(iter(made), None) or self._make(name, size)
            self._randr.AddOutputMode(output, mode, is_checked=True).check()
        except xcffib.XcffibException:
            return None
        return mode

    def _make(self, name: str, size: Size) -> int:
        at = timing(*size)
        described: Any = xcffib.randr.ModeInfo
        row = described.synthetic(
            0, at.width, at.height, at.clock, *at.line_pulse, at.line, 0, *at.picture_pulse, at.picture, len(name), 0
        )
        return int(self._randr.CreateMode(self._root, row, len(name), name).reply().mode)

    def _show(self, crtc: int, output: int, mode: int, screen: Size, place: Size, rotation: int) -> bool:
        """Show a mode on a screen of this size; whether the server did. Nobody draws meanwhile."""
        before, old = self._size(), self._crtc(crtc)
        with self._grabbed():
            try:
                # A screen holds all that its outputs show at any moment: it grows before, and shrinks behind.
                room = max(before[0], screen[0]), max(before[1], screen[1])
                if room != before:
                    self._set_screen(room)
                if self._set_crtc(crtc, mode, place, rotation, [output]):
                    if screen != room:
                        self._set_screen(screen)
                    return True
            except xcffib.XcffibException:
                pass
            try:
                self._set_crtc(crtc, old.mode, (old.x, old.y), old.rotation, list(old.outputs))
                if self._size() != before:
                    self._set_screen(before)
            except xcffib.XcffibException:
                return False
        return False

    def _set_crtc(self, crtc: int, mode: int, place: Size, rotation: int, outputs: list[int]) -> bool:
        stamp = self._resources().config_timestamp
        told = self._randr.SetCrtcConfig(
            crtc, xcffib.xproto.Time.CurrentTime, stamp, *place, mode, rotation, len(outputs), outputs
        ).reply()
        return bool(told.status == xcffib.randr.SetConfig.Success)

    def _set_screen(self, size: Size) -> None:
        across, down = (max(1, round(side * _MILLIMETRES)) for side in size)
        self._randr.SetScreenSize(self._root, *size, across, down, is_checked=True).check()

    @contextmanager
    def _grabbed(self) -> Iterator[None]:
        self._x.core.GrabServer()
        try:
            yield
        finally:
            self._x.core.UngrabServer()
            self._x.core.GetInputFocus().reply()  # all of it was done

    def _tidy(self, output: int, shown: int) -> None:
        """Let go of the modes that were made for other sizes."""
        resources = self._resources()
        names, at = bytes(resources.names), 0
        for mode in resources.modes:
            name, at = names[at : at + mode.name_len], at + mode.name_len
            if name.startswith(_MADE.encode()) and mode.id != shown:
                try:
                    self._randr.DeleteOutputMode(output, mode.id, is_checked=True).check()
                    self._randr.DestroyMode(mode.id, is_checked=True).check()
                except xcffib.XcffibException:
                    continue  # another output has it, too

    # being as before

    def restore(self, before: dict[str, Any]) -> None:
        """See Display."""
        crtc, output = self._only()
        size = tuple(before["mode_size"])
        modes = self._modes(output)
        mode = before["mode"] if modes.get(before["mode"]) == size else None
        mode = mode or next((one for one, there in modes.items() if there == size), None)
        screen, place = tuple(before["screen"]), tuple(before["place"])
        if mode is None or not self._show(crtc, output, mode, screen, place, int(before["rotation"])):
            raise self._refused(f"its output no longer has the mode of before, {size[0]} x {size[1]}")
        self._tidy(output, mode)
        self._set_dpi(before["dpi"])

    # how large things are drawn

    def _resource_lines(self) -> list[str]:
        told = self._x.core.GetProperty(
            False, self._root, xcffib.xproto.Atom.RESOURCE_MANAGER, xcffib.xproto.Atom.STRING, 0, 1 << 20
        ).reply()
        return bytes(told.value.buf()).decode("latin-1").splitlines()

    def _dpi(self) -> str | None:
        for line in self._resource_lines():
            name, _, value = line.partition(":")
            if name.strip() == _DPI:
                return value.strip()
        return None

    def _set_dpi(self, dpi: str | None) -> None:
        """Say it, or (None) nothing of it."""
        if dpi == self._dpi():
            return
        lines = [line for line in self._resource_lines() if line.partition(":")[0].strip() != _DPI]
        lines += [f"{_DPI}:\t{dpi}"] if dpi is not None else []
        text = "".join(f"{line}\n" for line in lines).encode("latin-1")
        self._x.core.ChangeProperty(
            xcffib.xproto.PropMode.Replace,
            self._root,
            xcffib.xproto.Atom.RESOURCE_MANAGER,
            xcffib.xproto.Atom.STRING,
            8,
            len(text),
            text,
            is_checked=True,
        ).check()
