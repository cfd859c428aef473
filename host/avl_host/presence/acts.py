"""HostActs: what the buttons and the hotkey of the person at the host do."""

from __future__ import annotations

from collections.abc import Callable

from avl_host.services.control import ControlService
from avl_host.sessions.subscribers import Subscribers
from avl_protocol.wire.registry import CloseCode, ControlMode


class HostActs:
    """See presence.scene.Acts. `after`: called when something was done, so that timers are looked at again."""

    def __init__(
        self,
        subscribers: Subscribers,
        control: Callable[[], ControlService],
        clock: Callable[[], float],
        after: Callable[[], None],
    ) -> None:
        self._subscribers = subscribers
        self._control = control
        self._clock = clock
        self._after = after
        #: How viewers acted before the person took control.
        self._before = ControlMode.SHARED

    def end_all(self) -> None:
        """Evict everybody, those who are being asked about included: their tickets and the keys they have are void."""
        self._subscribers.end_all(CloseCode.EVICTED, self._clock())
        self._after()

    def give(self, number: int) -> None:
        """Let one viewer alone act; nothing where it is gone by now."""
        self._control().give(number, self._clock())
        self._after()

    def take(self) -> None:
        """Let no viewer act; the second time as it was before."""
        control = self._control()
        if control.mode is ControlMode.HOST:
            control.set_mode(self._before, self._clock())
        else:
            self._before = control.mode
            control.set_mode(ControlMode.HOST, self._clock())
        self._after()
