"""Statistics: where the host's time goes and how its hops are doing, told to viewers (spec 03-wire, 3.4.2; 07-rate,
7.6)."""

from __future__ import annotations

from avl_host.outlets import Outlet
from avl_host.services.audience import Audience
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.endtoend import Rate, Stages


class StatisticsService(Service[HostSession]):
    """Passes figures on."""

    def __init__(self, audience: Audience) -> None:
        self._audience = audience

    def measured(self, figures: Stages | Rate, outlet: Outlet | None) -> None:
        """There are figures: of all pictures (`outlet` None), or of the hop that the pictures of some leave on."""
        self._audience.everybody(lambda session: session.send(figures), outlet)
