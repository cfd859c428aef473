"""WASAPI's calls by ctypes: COM interfaces are tables of functions, of which each is called by its place.

The names, places and numbers are those of mmdeviceapi.h and audioclient.h.
"""

from __future__ import annotations

import ctypes
import uuid
from typing import Any

from avl_host.sound.wasapi import NO_OUTPUT, EndpointLost, Loopback
from avl_protocol.endpoint.sound.opus import RATE


def _id(name: str) -> Any:
    """A name of COM's, as COM has it."""
    return ctypes.create_string_buffer(uuid.UUID(name).bytes_le, 16)


_ENUMERATOR_CLASS = _id("bcde0395-e52f-467c-8e3d-c4579291692e")
_ENUMERATOR = _id("a95664d2-9614-4f35-a746-de8db63617e6")
_CLIENT = _id("1cb9ad4c-dbfa-4c32-b178-c2f568a703b2")
_CAPTURE = _id("c8adbd64-e71e-48a0-a4de-185c395cd317")
_UNKNOWN = uuid.UUID("00000000-0000-0000-c000-000000000046")
_NOTIFIED = uuid.UUID("7991eec9-7e89-4d85-8390-6c703cec60c0")
#: eRender, eConsole; CLSCTX_ALL; shared mode.
_RENDER, _CONSOLE, _ALL, _SHARED = 0, 0, 0x17, 0
#: Loopback, told by an event, converted to our format by Windows' better resampler.
_FLAGS = 0x00020000 | 0x00040000 | 0x80000000 | 0x08000000
#: A buffer of 100 ms, in units of 100 ns; and what GetBuffer says of frames that are silent whatever they hold.
_BUFFER, _SILENT = 1_000_000, 0x2
_FLOAT, _FRAME = 3, 8
_E_NOINTERFACE = 0x80004002
_MULTITHREADED, _FOREVER = 0, 0xFFFFFFFF


class _Key(ctypes.Structure):
    """A PROPERTYKEY."""

    _fields_ = (("content", ctypes.c_byte * 20),)


class _Format(ctypes.Structure):
    _pack_ = 1
    _fields_ = (
        ("tag", ctypes.c_uint16),
        ("channels", ctypes.c_uint16),
        ("rate", ctypes.c_uint32),
        ("bytes_a_second", ctypes.c_uint32),
        ("frame", ctypes.c_uint16),
        ("bits", ctypes.c_uint16),
        ("more", ctypes.c_uint16),
    )


def _prototype(*types: Any) -> Any:
    return ctypes.WINFUNCTYPE(*types)  # type: ignore[attr-defined, unused-ignore]


class _Interface:
    """A pointer to a COM object. Calls raise EndpointLost where they fail."""

    def __init__(self, pointer: ctypes.c_void_p) -> None:
        self._pointer = pointer

    def call(self, place: int, *arguments: Any) -> int:
        """The method at this place of the table."""
        table = ctypes.cast(self._pointer, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p))).contents
        function = _prototype(ctypes.c_int32, ctypes.c_void_p, *(type(one) for one in arguments))(table[place])
        result = int(function(self._pointer, *arguments))
        if result < 0:
            raise EndpointLost(f"{NO_OUTPUT} (error {result & 0xFFFFFFFF:#010x})")
        return result

    def asked(self, place: int, *arguments: Any) -> _Interface:
        """What the method gives by its last argument."""
        given = ctypes.c_void_p()
        self.call(place, *arguments, ctypes.cast(ctypes.byref(given), ctypes.c_void_p))
        return _Interface(given)

    def release(self) -> None:
        """Let go of it."""
        table = ctypes.cast(self._pointer, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p))).contents
        _prototype(ctypes.c_uint32, ctypes.c_void_p)(table[2])(self._pointer)


def _pointer(to: Any) -> ctypes.c_void_p:
    return ctypes.cast(ctypes.byref(to), ctypes.c_void_p)


class _Listener:
    """An IMMNotificationClient that sets an event when another output is the default one. Windows calls it on threads
    of its own; it lives as long as the outputs do, whatever it is told of references."""

    def __init__(self, changed: Any, set_event: Any) -> None:
        self._changed, self._set_event = changed, set_event
        number, pointer, text = ctypes.c_int32, ctypes.c_void_p, ctypes.c_wchar_p
        self._methods = (
            _prototype(number, pointer, pointer, pointer)(self._query),
            _prototype(ctypes.c_uint32, pointer)(lambda me: 2),
            _prototype(ctypes.c_uint32, pointer)(lambda me: 1),
            _prototype(number, pointer, text, ctypes.c_uint32)(lambda me, device, state: 0),
            _prototype(number, pointer, text)(lambda me, device: 0),
            _prototype(number, pointer, text)(lambda me, device: 0),
            _prototype(number, pointer, ctypes.c_int, ctypes.c_int, text)(self._default),
            _prototype(number, pointer, text, _Key)(lambda me, device, key: 0),
        )
        self._table = (ctypes.c_void_p * len(self._methods))(
            *(ctypes.cast(method, ctypes.c_void_p) for method in self._methods)
        )
        self._object = ctypes.c_void_p(ctypes.addressof(self._table))
        self.pointer = ctypes.c_void_p(ctypes.addressof(self._object))

    def _query(self, me: int, wanted: int, given: int) -> int:
        known = ctypes.string_at(wanted, 16) in (_UNKNOWN.bytes_le, _NOTIFIED.bytes_le)
        ctypes.c_void_p.from_address(given).value = me if known else None
        return 0 if known else _E_NOINTERFACE - (1 << 32)

    def _default(self, me: int, flow: int, role: int, device: str | None) -> int:
        if flow == _RENDER and role == _CONSOLE:
            self._set_event(self._changed)
        return 0


class WindowsOutputs:
    """Satisfies Outputs. Raises EndpointLost where this Windows has no sound at all."""

    def __init__(self) -> None:
        windll = ctypes.windll  # type: ignore[attr-defined, unused-ignore]
        self._ole, self._kernel = windll.ole32, windll.kernel32
        handle = ctypes.c_void_p
        self._kernel.CreateEventW.restype = handle
        self._kernel.SetEvent.argtypes = self._kernel.CloseHandle.argtypes = [handle]
        self._kernel.WaitForMultipleObjects.argtypes = [ctypes.c_uint32, handle, ctypes.c_int, ctypes.c_uint32]
        self._ole.CoInitializeEx(None, _MULTITHREADED)
        given = ctypes.c_void_p()
        made = self._ole.CoCreateInstance(_ENUMERATOR_CLASS, None, _ALL, _ENUMERATOR, ctypes.byref(given))
        if made != 0 or not given:
            self._ole.CoUninitialize()
            raise EndpointLost(NO_OUTPUT)
        self._enumerator = _Interface(given)
        self._changed = handle(self._kernel.CreateEventW(None, False, False, None))
        self._woken = handle(self._kernel.CreateEventW(None, True, False, None))
        self._listener = _Listener(self._changed, self._kernel.SetEvent)
        self._enumerator.call(6, self._listener.pointer)

    def open(self) -> Loopback:
        return _WindowsLoopback(self)

    def default(self) -> _Interface:
        """The default output's device."""
        return self._enumerator.asked(4, ctypes.c_int(_RENDER), ctypes.c_int(_CONSOLE))

    def event(self) -> ctypes.c_void_p:
        """A new event, which is reset by who waited for it."""
        return ctypes.c_void_p(self._kernel.CreateEventW(None, False, False, None))

    def forget(self, event: ctypes.c_void_p) -> None:
        """Close an event."""
        self._kernel.CloseHandle(event)

    def wait_for(self, *more: ctypes.c_void_p) -> int:
        """Until one is set: 0 `wake`, 1 a change, 2 and on `more`."""
        events = (ctypes.c_void_p * (2 + len(more)))(self._woken, self._changed, *more)
        return int(self._kernel.WaitForMultipleObjects(len(events), events, False, _FOREVER))

    def wait(self) -> None:
        self.wait_for()

    def wake(self) -> None:
        self._kernel.SetEvent(self._woken)

    def close(self) -> None:
        self._enumerator.call(7, self._listener.pointer)
        self._enumerator.release()
        self.forget(self._changed)
        self.forget(self._woken)
        self._ole.CoUninitialize()


class _WindowsLoopback:
    """Satisfies Loopback."""

    def __init__(self, outputs: WindowsOutputs) -> None:
        self._outputs = outputs
        self._held: list[_Interface] = []
        self._ready = outputs.event()
        try:
            self._begin()
        except EndpointLost:
            self.close()
            raise

    def _keep(self, interface: _Interface) -> _Interface:
        self._held.append(interface)
        return interface

    def _begin(self) -> None:
        device = self._keep(self._outputs.default())
        nothing = ctypes.c_void_p()
        client = self._keep(device.asked(3, _pointer(_CLIENT), ctypes.c_uint32(_ALL), nothing))
        wanted = _Format(_FLOAT, 2, RATE, RATE * _FRAME, _FRAME, 32, 0)
        client.call(
            *(3, ctypes.c_int(_SHARED), ctypes.c_uint32(_FLAGS), ctypes.c_int64(_BUFFER), ctypes.c_int64(0)),
            *(_pointer(wanted), nothing),
        )
        client.call(13, self._ready)
        self._capture = self._keep(client.asked(14, _pointer(_CAPTURE)))
        client.call(10)

    def read(self) -> bytes | None:
        which = self._outputs.wait_for(self._ready)
        if which == 1:
            return None
        parts: list[bytes] = []
        while which == 2 and (part := self._packet()) is not None:
            parts.append(part)
        return b"".join(parts)

    def _packet(self) -> bytes | None:
        """The next packet; None: there is none now."""
        frames = ctypes.c_uint32()
        self._capture.call(5, _pointer(frames))
        if not frames.value:
            return None
        data, flags, nothing = ctypes.c_void_p(), ctypes.c_uint32(), ctypes.c_void_p()
        self._capture.call(3, _pointer(data), _pointer(frames), _pointer(flags), nothing, nothing)
        size = frames.value * _FRAME
        taken = bytes(size) if flags.value & _SILENT or not data.value else ctypes.string_at(data.value, size)
        self._capture.call(4, frames)
        return taken

    def close(self) -> None:
        while self._held:
            self._held.pop().release()
        self._outputs.forget(self._ready)
