"""ScreenCaptureSource: what a Mac plays, by ScreenCaptureKit (macOS 13), which follows the output by itself.

The system calls us on threads of its own, with planes of floats at the rate that we ask for. The first time it asks its
person, in the system settings, whether this program may record screen and sound.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from avl_host.sound.blocks import FRAME, Blocks
from avl_host.sound.source import SoundListener
from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.endpoint.sound.opus import RATE
from avl_protocol.wire.onethread import any_thread
from avl_protocol.wire.registry import SoundState

#: What a person is told who has not permitted it.
NOT_PERMITTED = (
    "macOS does not let this program record sound: permit it in System Settings, Privacy & Security, Screen & System "
    "Audio Recording, and start the host again."
)
TOO_OLD = "A Mac's sound is to be had from macOS 13 on: --no-sound leaves this sentence out."
NO_DISPLAY = "macOS gives its sound with a display only, and there is none: connect one, or a dummy plug."


class Capture(Protocol):
    """A stream of the system's, or a double."""

    def stop(self) -> None:
        """End; what is called meanwhile may still be."""


#: Begins to capture: `heard` is given frames of two floats each, `began` is called once, `failed` says what to do.
Open = Callable[[Callable[[bytes], None], Callable[[], None], Callable[[str], None]], Capture]


class ScreenCaptureSource:
    """Satisfies SoundSource. `clock`: seconds, as the host's."""

    def __init__(self, clock: Callable[[], float], faults: Faults, open_capture: Open | None = None) -> None:
        self._clock = clock
        self._faults = faults
        self._open = open_capture or _open
        self._run: _Run | None = None

    def start(self, listener: SoundListener) -> None:
        if self._run is None:
            self._run = _Run(listener, self._clock, self._faults)
            self._run.begin(self._open)

    def stop(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            run.stop()


def _open(heard: Callable[[bytes], None], began: Callable[[], None], failed: Callable[[str], None]) -> Capture:
    from avl_host.sound.screencapturecalls import open_capture

    return open_capture(heard, began, failed)


class _Run:
    """From one start to one stop. All that it is told comes on the system's threads, one at a time."""

    def __init__(self, listener: SoundListener, clock: Callable[[], float], faults: Faults) -> None:
        self._listener = listener
        self._clock = clock
        self._faults = faults
        self._blocks = Blocks()
        self._lock = threading.Lock()
        self._ended = False
        self._capture: Capture | None = None

    def begin(self, open_capture: Open) -> None:
        """Ask the system for its sound."""
        self._capture = open_capture(self._heard, self._began, self._failed)

    def stop(self) -> None:
        """Tell nothing any more."""
        with self._lock:
            self._ended = True
        if self._capture is not None:
            self._capture.stop()

    @any_thread
    def _heard(self, frames: bytes) -> None:
        self._faults.run(self._take, frames)

    @any_thread
    def _take(self, frames: bytes) -> None:
        with self._lock:
            if self._ended:
                return
            for block, at in self._blocks.put(frames, self._clock() - len(frames) / FRAME / RATE):
                self._listener.heard(block, at)

    @any_thread
    def _began(self) -> None:
        self._tell(SoundState.HEARD, "")

    @any_thread
    def _failed(self, why: str) -> None:
        self._tell(SoundState.FAILED, why)

    @any_thread
    def _tell(self, state: SoundState, text: str) -> None:
        with self._lock:
            if not self._ended:
                self._faults.run(self._listener.state, state, text)
