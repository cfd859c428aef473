"""A browser answers what reaches it: each datagram once, with times that fit, and keeps probes to itself."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.loop.clock import SystemClock, entropy
from avl_protocol.endpoint.tls import self_signed
from avl_protocol.endpoint.udp.sockets import UdpNetwork
from avl_protocol.media.packetizer import packetize
from avl_protocol.quic.carrier import QuicCarrier
from avl_protocol.wire.registry import CloseCode, DatagramType, Priority
from tests.browser.page import Page
from tests.protocol.carriers import RecordingReceiver
from tests.protocol.rate.arrivals import Credulous

PICTURES, FRAGMENTS, APART = 60, 6, 1 / 60


async def converse(page: Page, where: dict[str, str]) -> tuple[Any, Credulous, QuicCarrier]:
    """Send a second of pictures to the page; its report, what the controller was told, and the connection."""
    endpoint = Endpoint(network=UdpNetwork(), clock=SystemClock(), entropy=entropy, loop=asyncio.get_running_loop())
    await endpoint.bind(("127.0.0.1", 0))
    certificate = self_signed(["127.0.0.1"], now=time.time(), entropy=entropy)
    viewers: list[RecordingReceiver] = []
    controller = Credulous()
    came = asyncio.Event()

    def on_carrier(carrier: QuicCarrier, alpn: str) -> RecordingReceiver:
        carrier.connection.use_controller(controller)
        viewers.append(RecordingReceiver(carrier))
        came.set()
        return viewers[-1]

    endpoint.listen(certificate, on_carrier=on_carrier, origin_allowed=lambda origin, authority: True)
    where |= {"url": f"https://127.0.0.1:{endpoint.local_address[1]}/avl/1", "hash": certificate.sha256.hex()}
    running = asyncio.create_task(asyncio.to_thread(page.run))
    async with asyncio.timeout(40):
        await came.wait()
        viewer = viewers[0]
        await viewer.until(lambda: viewer.ready)
        for number in range(PICTURES):
            viewer.carrier.send_datagrams(packetize(bytes(FRAGMENTS * 1128), 3, 1, number, 0), Priority.VIDEO, None)
            await asyncio.sleep(APART)
        carrier = viewer.carrier
        assert isinstance(carrier, QuicCarrier)
        while carrier.connection.hop.ledger.unanswered or carrier.datagram_backlog:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        carrier.close(CloseCode.GOING_AWAY, "")
        report = await running
    await endpoint.close()
    return report, controller, carrier


@pytest.mark.browser
def test_a_browser_says_what_arrived_and_when() -> None:
    where: dict[str, str] = {}
    with Page("tests/browser/feedback.html", {"/where": lambda body: json.dumps(where).encode()}) as page:
        report, controller, carrier = asyncio.run(converse(page, where))
    assert report == {"code": CloseCode.GOING_AWAY, "passed": {str(int(DatagramType.MEDIA)): PICTURES * FRAGMENTS}}
    arrivals = [arrival for arrivals, _ in controller.told for arrival in arrivals]
    probes = sum(size for _, _, size in arrivals) // 1200 - PICTURES * FRAGMENTS
    assert probes >= 3
    assert len({sent for sent, _, _ in arrivals}) > PICTURES
    assert carrier.connection.hop.refused == 0
    assert not [lost for _, lost in controller.told if lost]
    arrived = [at for _, at, _ in arrivals]
    assert arrived == sorted(arrived)
    assert arrived[-1] - arrived[0] == pytest.approx(arrivals[-1][0] - arrivals[0][0], abs=0.2)
    transits = sorted(at - sent for sent, at, _ in arrivals)
    assert transits[len(transits) // 2] - transits[0] < 0.02, "over loopback"
    assert len(controller.told) < 2.5 * PICTURES
