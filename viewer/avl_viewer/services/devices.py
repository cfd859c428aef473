"""Devices: what the host's system takes beside keys, buttons and places (spec 04-session, 4.6)."""

from __future__ import annotations

from avl_protocol.session.services import Service
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.wire.endtoend import InputDevices
from avl_protocol.wire.registry import InputDevice
from avl_viewer.present.presenter import Presenter

_KNOWN = int(~InputDevice(0))


class DevicesService(Service[ViewerSession]):
    """Keeps them for who sends input, and tells the presenter."""

    def __init__(self, presenter: Presenter) -> None:
        self._presenter = presenter
        self.devices = InputDevice(0)

    def admitted(self, session: ViewerSession, now: float) -> None:
        """A host of an older kind tells none."""
        self._say(InputDevice(0))

    def told(self, session: ViewerSession, message: InputDevices, now: float) -> None:
        """They are these."""
        self._say(InputDevice(message.devices & _KNOWN))

    def _say(self, devices: InputDevice) -> None:
        self.devices = devices
        self._presenter.devices(devices)
