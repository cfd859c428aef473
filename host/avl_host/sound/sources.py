"""Opens this system's sound: PulseAudio or PipeWire on Linux, WASAPI on Windows, ScreenCaptureKit on macOS."""

from __future__ import annotations

import sys
from collections.abc import Callable

from avl_host.sound.pulse import PulseSource
from avl_host.sound.source import SoundSource
from avl_protocol.endpoint.loop.faults import Faults


def open_sound(clock: Callable[[], float], faults: Faults) -> SoundSource:
    """What plays on this machine. `clock`: seconds, as the host's."""
    if sys.platform == "win32":
        from avl_host.sound.wasapi import WasapiSource

        return WasapiSource(clock, faults)
    if sys.platform == "darwin":
        from avl_host.sound.screencapturekit import ScreenCaptureKitSource

        return ScreenCaptureKitSource(clock, faults)
    return PulseSource(clock, faults)
