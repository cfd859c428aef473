"""WasapiSource: what Windows plays at its default output, by WASAPI's loopback.

One thread reads. A device that is taken away, or another that becomes the default one, is another stream; where there
is no output, Windows says when there is one. While nothing plays Windows gives nothing, which is silence here, too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from avl_host.sound.blocks import FRAME, Blocks
from avl_host.sound.source import SoundListener
from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.endpoint.sound.opus import RATE
from avl_protocol.wire.registry import SoundState

#: What a person is told who has no output.
NO_OUTPUT = "Windows has no sound output to listen to: connect one, or install a virtual one."


class EndpointLost(Exception):
    """There is no output, or no longer; the text says what to do."""


class Loopback(Protocol):
    """The default output's loopback, as the thread that opened it uses it."""

    def read(self) -> bytes | None:
        """The next frames, two floats of 32 bits each at 48 kHz; b"": it was woken, or there were none; None: another
        output is the default one. Waits. Raises EndpointLost."""

    def close(self) -> None:
        """Let go of it."""


class Outputs(Protocol):
    """The outputs of this machine. All but `wake` belongs to one thread."""

    def open(self) -> Loopback:
        """The default one's loopback. Raises EndpointLost where there is none."""

    def wait(self) -> None:
        """Until another output is the default one, or `wake`."""

    def wake(self) -> None:
        """End a wait, also one in `read`; from any thread."""

    def close(self) -> None:
        """Listen to changes no more."""


class WasapiSource:
    """Satisfies SoundSource. `clock`: seconds, as the host's; `outputs` are made on the thread that uses them."""

    def __init__(
        self, clock: Callable[[], float], faults: Faults, outputs: Callable[[], Outputs] | None = None
    ) -> None:
        self._clock = clock
        self._faults = faults
        self._outputs = outputs or _outputs
        self._run: _Run | None = None

    def start(self, listener: SoundListener) -> None:
        if self._run is None:
            self._run = _Run(listener, self._clock, self._faults, self._outputs)

    def stop(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            run.stop()


def _outputs() -> Outputs:
    from avl_host.sound.wasapicalls import WindowsOutputs

    return WindowsOutputs()


class _Run:
    """From one start to one stop."""

    def __init__(
        self, listener: SoundListener, clock: Callable[[], float], faults: Faults, make: Callable[[], Outputs]
    ) -> None:
        self._listener = listener
        self._clock = clock
        self._make = make
        self._lock = threading.Lock()
        self._outputs: Outputs | None = None
        self._ending = False
        threading.Thread(target=faults.run, args=(self._read_all,), name="avl-sound", daemon=True).start()

    def stop(self) -> None:
        """Read no more; what still comes is told to nobody."""
        with self._lock:
            self._ending = True
            if self._outputs is not None:
                self._outputs.wake()

    def _tell(self, state: SoundState, text: str = "") -> None:
        if not self._ending:
            self._listener.state(state, text)

    def _read_all(self) -> None:
        try:
            outputs = self._make()
        except EndpointLost as error:
            self._tell(SoundState.FAILED, str(error))
            return
        with self._lock:
            self._outputs = outputs
        try:
            while not self._ending:
                try:
                    self._read(outputs)
                except EndpointLost as error:
                    self._tell(SoundState.FAILED, str(error))
                    if not self._ending:
                        outputs.wait()
        finally:
            with self._lock:
                self._outputs = None
            outputs.close()

    def _read(self, outputs: Outputs) -> None:
        """Until another is to be read. Raises EndpointLost."""
        loopback = outputs.open()
        try:
            self._tell(SoundState.HEARD)
            blocks = Blocks()
            while not self._ending and (frames := loopback.read()) is not None:
                heard = self._clock() - len(frames) / FRAME / RATE
                for block, at in blocks.put(frames, heard) if frames else ():
                    if not self._ending:
                        self._listener.heard(block, at)
        finally:
            loopback.close()
