"""PortAudio by `sounddevice`: loudspeakers and microphone of Windows and macOS, whose wheels bring the library."""

from __future__ import annotations

from typing import Any

import sounddevice

from avl_protocol.media.sound import RATE, SAMPLES
from avl_viewer.sound.output import AHEAD, OutputError
from avl_viewer.sound.playback import CHANNELS


class PortAudioOutput:
    """Satisfies SoundOutput."""

    def __init__(self) -> None:
        try:
            self._stream: Any = sounddevice.RawOutputStream(
                samplerate=RATE, blocksize=SAMPLES, channels=CHANNELS, dtype="float32", latency=AHEAD
            )
            self._stream.start()
        except sounddevice.PortAudioError as error:
            raise OutputError(f"The loudspeakers can't be opened ({error}): connect some, or choose them.") from error

    @property
    def ahead(self) -> float:
        """What the device says."""
        return float(self._stream.latency)

    def write(self, samples: bytes) -> None:
        """See SoundOutput."""
        try:
            self._stream.write(samples)
        except sounddevice.PortAudioError as error:
            raise OutputError(f"The loudspeakers are gone ({error}).") from error

    def close(self) -> None:
        """See SoundOutput."""
        self._stream.close()


class PortAudioInput:
    """Satisfies SoundInput: one channel of the default microphone."""

    def __init__(self) -> None:
        try:
            self._stream: Any = sounddevice.RawInputStream(
                samplerate=RATE, blocksize=SAMPLES, channels=1, dtype="float32"
            )
            self._stream.start()
        except sounddevice.PortAudioError as error:
            raise OutputError(f"The microphone can't be opened ({error}): connect one, and permit its use.") from error

    def read(self) -> bytes:
        """See SoundInput."""
        try:
            samples, _ = self._stream.read(SAMPLES)
        except sounddevice.PortAudioError as error:
            raise OutputError(f"The microphone is gone ({error}).") from error
        return bytes(samples)

    def close(self) -> None:
        """See SoundInput."""
        self._stream.close()
