"""Devices: what the host's system takes beside keys, buttons and places, told to every viewer (spec, 4.6)."""

from __future__ import annotations

from avl_host.input.sink import InputSink
from avl_host.services.audience import Audience
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.endtoend import InputDevices


class DevicesService(Service[HostSession]):
    """Tells them to whom is let in, and to all when they are others."""

    def __init__(self, audience: Audience, sink: InputSink) -> None:
        self._audience = audience
        self._sink = sink
        sink.watch(self._changed)

    def admitted(self, session: HostSession, now: float) -> None:
        """It learns them."""
        session.send(InputDevices(int(self._sink.devices)))

    def moved(self, session: HostSession, now: float) -> None:
        """It may have missed them."""
        self.admitted(session, now)

    def _changed(self) -> None:
        told = InputDevices(int(self._sink.devices))
        self._audience.everybody(lambda session: session.send(told))
