"""PulseAudio by its own client library, which PipeWire serves too: streams of 10 ms, and a watch over the server.

A stream is libpulse-simple's: it blocks, so that each lives on a thread of its own. The latency that it tells is not
used: for the monitor of a sink it is wrong by half a second for a while. What is read was heard when it came, and what
is written is heard after the time that the stream was made to hold. What is asked of the server beside that (its
default sink, virtual devices) goes by pulsectl, which loads libpulse; both take the server that PULSE_SERVER names, or
the session's.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

from avl_protocol.endpoint.loop.faults import Faults

#: What all sound is: samples a second, samples of a block of 10 ms, and seconds that one lasts.
RATE, SAMPLES, BLOCK = 48_000, 480, 0.010
#: Seconds until a server that was lost, or was not there, is tried again: doubling from the first to the last.
FIRST_RETRY, LAST_RETRY = 0.5, 8.0

_PLAYBACK, _RECORD = 1, 2
_FLOAT32LE = 5
_LEFT_TO_SERVER = 0xFFFFFFFF
#: What to do about a machine without a sound server.
NO_SERVER = "No sound server answers here: start PulseAudio, or PipeWire with pipewire-pulse, in the desktop's session."


_NO_LIBRARY = "Sound needs PulseAudio's client library. On Debian or Ubuntu: apt install libpulse0"


class PulseError(Exception):
    """There is no server, or it refused or ended; the text says what to do."""


class SampleSpec(ctypes.Structure):
    """pa_sample_spec."""

    _fields_ = (("format", ctypes.c_int), ("rate", ctypes.c_uint32), ("channels", ctypes.c_uint8))


def floats(channels: int) -> SampleSpec:
    """What all streams are."""
    return SampleSpec(_FLOAT32LE, RATE, channels)


class BufferAttributes(ctypes.Structure):
    """pa_buffer_attr."""

    _fields_ = tuple((name, ctypes.c_uint32) for name in ("maxlength", "tlength", "prebuf", "minreq", "fragsize"))


def buffer(**bytes_of: int) -> BufferAttributes:
    """What is not named is left to the server."""
    attributes = BufferAttributes(*[_LEFT_TO_SERVER] * 5)
    for name, size in bytes_of.items():
        setattr(attributes, name, size)
    return attributes


def library(name: str) -> ctypes.CDLL:
    """One of PulseAudio's. Raises PulseError."""
    try:
        return ctypes.CDLL(name)
    except OSError:
        raise PulseError(_NO_LIBRARY) from None


@cache
def _library() -> ctypes.CDLL:
    lib = library("libpulse-simple.so.0")
    text, pointer = ctypes.c_char_p, ctypes.c_void_p
    error = ctypes.POINTER(ctypes.c_int)
    lib.pa_simple_new.restype = pointer
    lib.pa_simple_new.argtypes = [
        *(text, text, ctypes.c_int, text, text),
        *(ctypes.POINTER(SampleSpec), pointer, ctypes.POINTER(BufferAttributes), error),
    ]
    for call in (lib.pa_simple_read, lib.pa_simple_write):
        call.argtypes = [pointer, text, ctypes.c_size_t, error]
    lib.pa_simple_free.argtypes = [pointer]
    lib.pa_simple_free.restype = None
    return lib


class Stream:
    """One stream of floats at RATE, interleaved. `device`: a sink or source of the server; None: the default one. The
    server may move it to another (what must stay with its source is a MonitorStream of the host's).
    `ahead`: seconds of sound that the server holds, its device's part included. Raises PulseError, here and in all that
    it does."""

    def __init__(self, *, record: bool, device: str | None, channels: int, title: str, ahead: float = BLOCK) -> None:
        connect().close()  # first: libpulse-simple would start a server of its own where there is none
        self._lib = _library()
        self._size = SAMPLES * channels * 4
        held = round(ahead / BLOCK * self._size)
        attributes = buffer(fragsize=held) if record else buffer(tlength=held)
        self._error = ctypes.c_int()
        self._stream: Any = self._lib.pa_simple_new(
            *(None, b"avl", _RECORD if record else _PLAYBACK, device.encode() if device else None, title.encode()),
            *(ctypes.byref(floats(channels)), None, ctypes.byref(attributes), ctypes.byref(self._error)),
        )
        if not self._stream:
            raise PulseError(f"The sound server refused a stream (error {self._error.value}).")
        self._block = ctypes.create_string_buffer(self._size)

    def read(self) -> bytes:
        """The next 10 ms; waits for them."""
        self._check(self._lib.pa_simple_read(self._stream, self._block, self._size, ctypes.byref(self._error)))
        return self._block.raw

    def write(self, samples: bytes) -> None:
        """Play this next; waits until there is room."""
        self._check(self._lib.pa_simple_write(self._stream, samples, len(samples), ctypes.byref(self._error)))

    def _check(self, result: int) -> None:
        if result < 0:
            raise PulseError(f"The sound server ended the stream (error {self._error.value}).")

    def close(self) -> None:
        """End it; what is on its way to a loudspeaker is dropped."""
        if self._stream:
            self._lib.pa_simple_free(self._stream)
            self._stream = None


def connect() -> Any:
    """A pulsectl.Pulse. Raises PulseError with NO_SERVER."""
    try:
        import pulsectl

        return pulsectl.Pulse("avl")
    except (ImportError, OSError):
        raise PulseError(_NO_LIBRARY) from None
    except _refusals():
        raise PulseError(NO_SERVER) from None


def _refusals() -> tuple[type[Exception], type[Exception], type[Exception]]:
    """What pulsectl raises where the server is not there, ends, refuses, or has ended before it is asked."""
    import pulsectl
    from pulsectl import _pulsectl

    return pulsectl.PulseError, pulsectl.PulseDisconnected, _pulsectl.LibPulse.CallError


class Attendant(Protocol):
    """What is done with a server, on the watch's thread. All may raise PulseError: the server is tried again."""

    def came(self, pulse: Any) -> None:
        """A server answers; `pulse` asks it."""

    def changed(self, pulse: Any) -> None:
        """Its default devices may be others."""

    def went(self, why: str) -> None:
        """There is none (any more); said once, until one came."""

    def leaves(self, pulse: Any) -> None:
        """The watch ends while the server is there."""


class ServerWatch:
    """Keeps a connection to the server, whenever there is one, on a thread of its own."""

    def __init__(self, attendant: Attendant, faults: Faults) -> None:
        self._attendant = attendant
        self._faults = faults
        self._lock = threading.Lock()
        self._pulse: Any = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="avl-pulse", daemon=True)

    def start(self) -> None:
        """Begin to look for a server."""
        self._thread.start()

    def close(self) -> None:
        """End the watch; waits until the attendant has left."""
        self._ending.set()
        while self._thread.is_alive():
            with self._lock:
                if self._pulse is not None:
                    self._pulse.event_listen_stop()
            self._thread.join(0.05)  # it may just have been on its way into listening

    def _run(self) -> None:
        self._faults.run(self._keep)

    def _keep(self) -> None:
        pause, told = FIRST_RETRY, False
        while not self._ending.is_set():
            try:
                pulse = connect()
            except PulseError as error:
                if not told:
                    told = True
                    self._attendant.went(str(error))
                self._ending.wait(pause)
                pause = min(LAST_RETRY, pause * 2)
                continue
            pause, told = FIRST_RETRY, False
            try:
                self._attend(pulse)
            except (PulseError, *_refusals()):
                told = True
                self._attendant.went("The sound server has ended.")
            finally:
                with self._lock:
                    self._pulse = None
                pulse.close()

    def _attend(self, pulse: Any) -> None:
        # Before anything is asked: what changes while answers are waited for is looked at afterwards.
        heard: list[object] = []
        pulse.event_mask_set("server", "sink", "source")
        pulse.event_callback_set(_hearer(pulse, heard))
        self._attendant.came(pulse)
        with self._lock:
            self._pulse = pulse
        while not self._ending.is_set():
            if not heard:
                pulse.event_listen()
            if heard:
                heard.clear()
                self._attendant.changed(pulse)
        self._attendant.leaves(pulse)


def _hearer(pulse: Any, heard: list[object]) -> Callable[[object], None]:
    """Notes an event, and has listening end so that something is done about it."""

    def hear(event: object) -> None:
        heard.append(event)
        pulse.event_listen_stop()

    return hear
