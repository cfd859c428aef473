"""CapturePermit: whether a picture taken now would leave at once. It is all that the event loop and the capture thread
share about sending.

The loop decides, after everything that may change the answer, and publishes it here. The thread only reads it. A queue
drains without an event at the loop; so a thread that was refused asks the loop to look again.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from avl_protocol.wire.onethread import any_thread


class Capture(Enum):
    """What the loop says about the next picture."""

    NOW = "a picture taken now leaves at once"
    LATER = "a picture taken now would only wait on its way"
    NOT = "nobody watches"


class CapturePermit:
    """`ask` is called on the thread that was refused, and has the loop decide anew; once until it has done so."""

    __slots__ = ("_ask", "_asked", "_state")

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask
        self._asked = False
        self._state = Capture.NOT

    # on the loop

    @property
    def state(self) -> Capture:
        """What was published last."""
        return self._state

    def publish(self, state: Capture) -> None:
        """Say what the loop has found. Whoever is refused after this asks again."""
        self._asked = False
        self._state = state

    # on any thread

    @any_thread
    def ready(self) -> bool:
        """Whether a picture may be taken. Costs no turn of the loop, whatever the answer is."""
        state = self._state
        if state is Capture.LATER and not self._asked:
            self._asked = True
            self._ask()
        return state is Capture.NOW

    @any_thread
    def watched(self) -> bool:
        """Whether anybody watches."""
        return self._state is not Capture.NOT
