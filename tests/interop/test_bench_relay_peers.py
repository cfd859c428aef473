"""The relay bench carries the same film through other programs, and into browsers."""

from __future__ import annotations

import asyncio

import pytest

from interop.bench.relay.measuring import Effort, measure
from interop.bench.relay.products import PEERS, chromium
from interop.bench.relay.turn import CHANNEL_BIND, CHANNEL_NUMBER, crossed, relayed, request
from interop.stage import BIN
from tests.tools import need


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_carries_the_film(name: str) -> None:
    product, possible = PEERS[name]
    if not possible():
        pytest.skip(f"{name} is not on this machine")
    made = asyncio.run(measure(product, 2.0, 2, Effort(seconds=1.0)))
    assert made.product == name and made.viewers == 2
    assert made.cores > 0 and made.datagrams > 200 and made.arrived > 0


@pytest.mark.browser
def test_browsers_watch_the_film() -> None:
    need("chromium")
    made = asyncio.run(measure(chromium(BIN / "avl-relay"), 2.0, 2, Effort(seconds=2.0)))
    assert made.product == "avl, Chromium" and made.datagrams > 200 and made.arrived > 0
    assert 0 < made.delays.p50 < 1


def test_turn_requests_and_answers_are_as_the_rfcs_have_them() -> None:
    # RFC 5769, section 2.2: 192.0.2.1, port 32853.
    assert crossed(("192.0.2.1", 32853)).hex() == "0001a147e112a643"
    asked = request(CHANNEL_BIND, bytes(12), (CHANNEL_NUMBER, bytes((0x40, 0, 0, 0))))
    assert asked.hex() == "00090008" + "2112a442" + "00" * 12 + "000c0004" + "40000000"
    other = bytes.fromhex("802200036162630000160008") + crossed(("192.0.2.1", 32853))
    assert relayed(bytes(20) + other) == ("192.0.2.1", 32853)
    with pytest.raises(ValueError, match="no address"):
        relayed(bytes(20))
