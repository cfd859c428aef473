"""Opens this system's sound: PulseAudio or PipeWire on Linux, WASAPI on Windows, ScreenCaptureKit on macOS."""

from __future__ import annotations

import sys
from collections.abc import Callable

from avl_host.sound.source import SoundSource
from avl_protocol.endpoint.loop.faults import Faults


def open_sound(clock: Callable[[], float], faults: Faults) -> SoundSource | None:
    """What plays on this machine; None where nothing of ours can take it. `clock`: seconds, as the host's."""
    if sys.platform == "linux":
        from avl_host.sound.pulse import PulseSource

        return PulseSource(clock, faults)
    if sys.platform == "win32":
        from avl_host.sound.wasapi import WasapiSource

        return WasapiSource(clock, faults)
    if sys.platform == "darwin":
        from avl_host.sound.screencapturekit import ScreenCaptureSource

        return ScreenCaptureSource(clock, faults)
    return None


def whence() -> str:
    """Where that is, for a person; where there is none, what to do."""
    if sys.platform == "linux":
        from avl_host.sound import pulse

        return pulse.whence()
    if sys.platform == "win32":
        return "the default output, by WASAPI"
    if sys.platform == "darwin":
        return "what plays here, by ScreenCaptureKit"
    return "none is shared: this system's can't be taken; --no-sound leaves that out"
