"""Opens this system's sound: PulseAudio or PipeWire on Linux; other systems' sound is not taken yet."""

from __future__ import annotations

import sys
from collections.abc import Callable

from avl_host.sound.pulse import PulseSource
from avl_host.sound.source import SoundSource
from avl_protocol.endpoint.loop.faults import Faults


def open_sound(clock: Callable[[], float], faults: Faults) -> SoundSource | None:
    """What plays on this machine; None where nothing of ours can take it. `clock`: seconds, as the host's."""
    return PulseSource(clock, faults) if sys.platform == "linux" else None
