"""Opus by libopus (RFC 6716): one packet of 10 ms at a time, and what is made up where one is missing.

PyAV decodes Opus too, but neither conceals nor reads what a packet says of the one before it (in-band FEC), and sets no
expectation of loss while it encodes. Its wheels bring libopus for every system, so that this is the same library there
and here; where PyAV stands on the system's FFmpeg, the system's libopus is taken. The calls are those of opus.h.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

#: What all sound is: samples a second and samples of a packet; a sample is a float of 32 bits for each channel.
RATE, SAMPLES = 48_000, 480
#: Room for any packet.
LARGEST = 1275

_OK = 0
_AUDIO, _VOIP = 2049, 2048
_SET_BITRATE, _SET_FEC, _SET_LOSS = 4002, 4012, 4014


class OpusError(Exception):
    """There is no libopus, or it refused; the text says what to do."""


@cache
def library() -> ctypes.CDLL:
    """libopus. Raises OpusError."""
    for name in (*_bundled(), ctypes.util.find_library("opus")):
        if name is not None:
            try:
                return _declared(ctypes.CDLL(name))
            except (OSError, AttributeError):
                continue
    raise OpusError("Sound needs libopus, which is not installed. On Debian or Ubuntu: apt install libopus0")


def _bundled() -> list[str]:
    """libopus as PyAV's wheel brings it: beside the package on Linux and Windows, within it on macOS."""
    found = find_spec("av")
    if found is None or found.origin is None:
        return []
    package = Path(found.origin).parent
    folders = (package.parent / "av.libs", package / ".dylibs")
    return sorted(str(path) for folder in folders for path in folder.glob("*opus*") if "opusfile" not in path.name)


def _declared(lib: ctypes.CDLL) -> ctypes.CDLL:
    """Types of the calls. Raises AttributeError where one is missing."""
    pointer, number = ctypes.c_void_p, ctypes.c_int32
    lib.opus_encoder_create.restype = lib.opus_decoder_create.restype = pointer
    lib.opus_encoder_create.argtypes = [number, ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.c_int)]
    lib.opus_decoder_create.argtypes = [number, ctypes.c_int, ctypes.POINTER(ctypes.c_int)]
    lib.opus_encoder_destroy.argtypes = lib.opus_decoder_destroy.argtypes = [pointer]
    lib.opus_encoder_destroy.restype = lib.opus_decoder_destroy.restype = None
    lib.opus_encode_float.argtypes = [pointer, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, number]
    lib.opus_encode_float.restype = number
    lib.opus_decode_float.argtypes = [pointer, ctypes.c_char_p, number, ctypes.c_char_p, ctypes.c_int, ctypes.c_int]
    lib.opus_encoder_ctl.restype = ctypes.c_int
    return lib


class Encoder:
    """`voice`: one channel of speech; else stereo of any kind. Raises OpusError."""

    def __init__(self, *, voice: bool, bitrate: int) -> None:
        self._lib = library()
        self.channels = 1 if voice else 2
        error = ctypes.c_int()
        self._state: Any = self._lib.opus_encoder_create(
            RATE, self.channels, _VOIP if voice else _AUDIO, ctypes.byref(error)
        )
        if error.value != _OK or not self._state:
            raise OpusError(f"libopus refuses to encode (error {error.value}): report this")
        self._out = ctypes.create_string_buffer(LARGEST)
        self._set(_SET_BITRATE, bitrate)
        self._set(_SET_FEC, 1)

    def _set(self, request: int, value: int) -> None:
        # Variadic: what stands for `...` has to be said with its type.
        self._lib.opus_encoder_ctl(ctypes.c_void_p(self._state), ctypes.c_int(request), ctypes.c_int32(value))

    def expect_loss(self, share: float) -> None:
        """So much of what is sent will be lost: packets say more of the ones before them."""
        self._set(_SET_LOSS, min(100, round(share * 100)))

    def encode(self, samples: bytes) -> bytes:
        """The packet of 10 ms: SAMPLES floats for each channel, interleaved. Raises OpusError."""
        if len(samples) != SAMPLES * self.channels * 4:
            raise OpusError("a packet is 10 ms of sound")
        size = self._lib.opus_encode_float(self._state, samples, SAMPLES, self._out, LARGEST)
        if size < 0:
            raise OpusError(f"libopus could not encode (error {size}): report this")
        return self._out.raw[:size]

    def close(self) -> None:
        """Let go of it."""
        if self._state:
            self._lib.opus_encoder_destroy(self._state)
            self._state = None


class Decoder:
    """Packets of one sender, in order. What is not Opus is concealed: whoever sent it can be heard to be at fault."""

    def __init__(self, channels: int) -> None:
        self._lib = library()
        self.channels = channels
        error = ctypes.c_int()
        self._state: Any = self._lib.opus_decoder_create(RATE, channels, ctypes.byref(error))
        if error.value != _OK or not self._state:
            raise OpusError(f"libopus refuses to decode (error {error.value}): report this")
        self._out = ctypes.create_string_buffer(SAMPLES * channels * 4)

    def decode(self, packet: bytes) -> bytes:
        """10 ms of sound: SAMPLES floats for each channel, interleaved."""
        return self._decode(packet, 0) or self.conceal()

    def conceal(self, behind: bytes = b"") -> bytes:
        """10 ms in place of a packet that is missing, by the packet `behind` it where that has come."""
        return (behind and self._decode(behind, 1)) or self._decode(None, 0) or bytes(len(self._out))

    def _decode(self, packet: bytes | None, fec: int) -> bytes:
        length = len(packet) if packet is not None else 0
        count = self._lib.opus_decode_float(self._state, packet, length, self._out, SAMPLES, fec)
        return self._out.raw if count == SAMPLES else b""

    def close(self) -> None:
        """Let go of it."""
        if self._state:
            self._lib.opus_decoder_destroy(self._state)
            self._state = None
