"""MonitorStream: what one source of the sound server gives, and never what another does.

PulseAudio moves a stream of its default source, which a sink's monitor is where no microphone is, when another becomes
the default one: to another sink's monitor, or to a microphone that was just plugged in. Only a stream that forbids this
stays where it is, or ends; libpulse-simple cannot say so, hence libpulse itself, on the thread that reads.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

from avl_protocol.endpoint.sound.pulse import NO_SERVER, SAMPLES, PulseError, buffer, floats, library

_CHANNELS = 2
#: pa_context_flags_t: never start a server. pa_context_state_t: ready; what comes after it is over.
_NO_AUTOSPAWN, _CONTEXT_READY = 0x1, 4
#: pa_stream_flags_t: not to another source, and the latency of the whole way. pa_stream_state_t, likewise.
_DONT_MOVE, _ADJUST_LATENCY, _STREAM_READY = 0x200, 0x2000, 2
_ENDED = "The sound server ended the stream."


@cache
def _libpulse() -> ctypes.CDLL:
    """Raises PulseError."""
    lib = library("libpulse.so.0")
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    takes: dict[str, tuple[Any, ...]] = {
        "pa_mainloop_new": (),
        "pa_mainloop_get_api": (pointer,),
        "pa_mainloop_iterate": (pointer, number, pointer),
        "pa_mainloop_free": (pointer,),
        "pa_context_new": (pointer, text),
        "pa_context_connect": (pointer, text, number, pointer),
        "pa_context_get_state": (pointer,),
        "pa_context_disconnect": (pointer,),
        "pa_context_unref": (pointer,),
        "pa_stream_new": (pointer, text, pointer, pointer),
        "pa_stream_connect_record": (pointer, text, pointer, number),
        "pa_stream_get_state": (pointer,),
        "pa_stream_peek": (pointer, pointer, pointer),
        "pa_stream_drop": (pointer,),
        "pa_stream_disconnect": (pointer,),
        "pa_stream_unref": (pointer,),
    }
    for name, types in takes.items():
        function = getattr(lib, name)
        function.argtypes = types
        made = name.endswith(("_new", "_get_api"))
        function.restype = pointer if made else None if name.endswith(("_free", "_unref")) else number
    return lib


class MonitorStream:
    """10 ms at a time of what `source` gives: two channels of floats at RATE, interleaved. All of it may raise
    PulseError."""

    def __init__(self, source: str, title: str) -> None:
        self._lib = lib = _libpulse()
        self._size = SAMPLES * _CHANNELS * 4
        self._heard = bytearray()
        self._stream: Any = None
        self._loop: Any = lib.pa_mainloop_new()
        self._context: Any = lib.pa_context_new(lib.pa_mainloop_get_api(self._loop), b"avl")
        try:
            if lib.pa_context_connect(self._context, None, _NO_AUTOSPAWN, None) < 0:
                raise PulseError(NO_SERVER)
            while (state := lib.pa_context_get_state(self._context)) < _CONTEXT_READY:
                self._wait()
            if state > _CONTEXT_READY:
                raise PulseError(NO_SERVER)
            self._connect(source, title)
        except PulseError:
            self.close()
            raise

    def _connect(self, source: str, title: str) -> None:
        lib, wanted = self._lib, buffer(fragsize=self._size)
        self._stream = lib.pa_stream_new(self._context, title.encode(), ctypes.byref(floats(_CHANNELS)), None)
        flags = _DONT_MOVE | _ADJUST_LATENCY
        refused = lib.pa_stream_connect_record(self._stream, source.encode(), ctypes.byref(wanted), flags) < 0
        while not refused and (state := lib.pa_stream_get_state(self._stream)) != _STREAM_READY:
            refused = state > _STREAM_READY
            if not refused:
                self._wait()
        if refused:
            raise PulseError("The sound server refused a stream.")

    def read(self) -> bytes:
        """The next 10 ms; waits for them."""
        data, size = ctypes.c_void_p(), ctypes.c_size_t()
        while len(self._heard) < self._size:
            if self._lib.pa_stream_peek(self._stream, ctypes.byref(data), ctypes.byref(size)) < 0:
                raise PulseError(_ENDED)
            if not size.value:
                self._wait()
                continue
            # Without an address it is a hole: nothing was recorded for so long.
            self._heard += ctypes.string_at(data, size.value) if data.value else bytes(size.value)
            self._lib.pa_stream_drop(self._stream)
        block = bytes(self._heard[: self._size])
        del self._heard[: self._size]
        return block

    def _wait(self) -> None:
        """For the server's next word."""
        if self._lib.pa_mainloop_iterate(self._loop, 1, None) < 0:
            raise PulseError(_ENDED)

    def close(self) -> None:
        """End it; once."""
        if self._stream:
            self._lib.pa_stream_disconnect(self._stream)
            self._lib.pa_stream_unref(self._stream)
        self._lib.pa_context_disconnect(self._context)
        self._lib.pa_context_unref(self._context)
        self._lib.pa_mainloop_free(self._loop)
