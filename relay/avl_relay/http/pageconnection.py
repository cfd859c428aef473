"""PageConnection: one TCP connection to the page, with one place and a time limit for each request.

uvicorn gives every connection all the time and all the descriptors there are. Here a head has some seconds, an answer
some more, and a request with a body ends the connection (http/app.py refuses it).
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from avl_protocol.endpoint.accept.admission import ConnectionAdmission, Decision
from avl_protocol.endpoint.accept.hits import network
from avl_protocol.endpoint.accept.quota import Claim, Quota
from avl_protocol.rate.limits import Limits

#: How an IPv4 address looks to a socket of both families.
MAPPED = "::ffff:"


class PageConnection(H11Protocol):
    """uvicorn's protocol for one connection, bounded."""

    def __init__(self, *args: Any, quota: Quota, admission: ConnectionAdmission, limits: Limits, **more: Any) -> None:
        super().__init__(*args, **more)
        self._quota, self._admission, self._limits = quota, admission, limits
        self._place: Claim | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a place; without one, or if the source opens too many a second, the connection ends."""
        super().connection_made(transport)
        host = str((transport.get_extra_info("peername") or ("0.0.0.0",))[0]).removeprefix(MAPPED)
        now = self.loop.time()
        if self._admission.decide(host, proved=True, now=now) is not Decision.ACCEPT:
            self._quota.hits.add(network(host))
        elif (place := self._quota.claim(host, now, transport.abort)) is not None:
            self._place = place
        else:
            self._admission.blame(host, now)
        if self._place is None:
            transport.abort()
        else:
            self._expect(self._limits.request_seconds)

    def data_received(self, data: bytes) -> None:
        """Part of a request: its head has its time from here on if none is under way."""
        if self._deadline is None:
            self._expect(self._limits.request_seconds)
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before and self._deadline is not None and not self.cycle.response_complete:
            self._expect(self._limits.answer_seconds)

    def on_response_complete(self) -> None:
        """The answer has left; uvicorn keeps the connection for a moment."""
        self._relax()
        super().on_response_complete()

    def handle_websocket_upgrade(self, event: Any) -> None:
        """Somebody else speaks from here on, and has its own place for it."""
        self._leave()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        self._leave()
        super().connection_lost(exc)

    def _expect(self, seconds: float) -> None:
        self._relax()
        self._deadline = self.loop.call_later(seconds, self.transport.abort)

    def _relax(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _leave(self) -> None:
        self._relax()
        if self._place is not None:
            self._place.release()
