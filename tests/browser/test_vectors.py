"""The browser's side in Chromium: every vector, those with ML-KEM too, and live handshakes with a Python host."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from avl_protocol.crypto.channel import SecureChannel, open_channel
from avl_protocol.crypto.handshake import HostHandshake
from avl_protocol.crypto.identity import Identity
from avl_protocol.crypto.sframe import ObjectSealer
from avl_protocol.wire.errors import Refused
from tests.browser.page import Page

CODES = ("7K3P9QX2", "V1EWC0DE")
OBJECTS = 200


class LiveHost:
    """A Python host that answers each body of a viewer with one body of its own."""

    def __init__(self) -> None:
        self._identity = Identity(os.urandom(32))
        self.confirmed: list[int] = []
        self.refused = 0
        self.heard: list[bytes] = []

    def new(self, body: bytes) -> bytes:
        """Another session begins."""
        self._session = os.urandom(16)
        self._handshake = HostHandshake(
            own=self._identity, session_id=self._session, entropy=os.urandom, wall=int(time.time())
        )
        self._channel: SecureChannel | None = None
        number = self._identity.number.to_bytes(17, "big").hex()
        return json.dumps({"session": self._session.hex(), "device": number}).encode()

    def body(self, body: bytes) -> bytes:
        """A body of the viewer's; an empty one asks for the next of ours."""
        if not body:
            self._channel = open_channel(self._handshake.keys, 0, False, self._session)
            return self._handshake.admit()
        try:
            step = self._handshake.receive(body)
        except Refused as refused:
            self.refused += 1
            return self._handshake.refuse(refused.code)
        if step.asks is not None:
            assert (step.asks.name, step.asks.permissions) == ("Chromium", 31)
            return self._handshake.challenge(CODES)
        if step.confirmed is not None:
            self.confirmed.append(step.confirmed)
            return self._handshake.wait(30)
        (answer,) = step.send
        return answer

    def records(self, body: bytes) -> bytes:
        """Bytes of channel 0."""
        assert self._channel is not None
        self.heard += self._channel.receive(body)
        return self._channel.send(b"from the host")


def sealed_objects(body: bytes) -> bytes:
    """Objects of 20 kB for the browser to open."""
    signer, base, media = Identity(os.urandom(32)), os.urandom(32), os.urandom(16)
    sealer = ObjectSealer(media_session=media, generation=1, step=0, base=base, track=1, sign=signer.sign)
    picture = os.urandom(20_000)
    sealed = [sealer.seal(number, 0, picture).hex() for number in range(OBJECTS)]
    return json.dumps(
        {"media": media.hex(), "signer": signer.public.hex(), "base": base.hex(), "sealed": sealed}
    ).encode()


@pytest.fixture(scope="module")
def host() -> LiveHost:
    return LiveHost()


@pytest.fixture(scope="module")
def report(host: LiveHost) -> Iterator[Any]:
    answers = {
        "/live/new": host.new,
        "/live/body": host.body,
        "/live/records": host.records,
        "/objects": sealed_objects,
    }
    with Page("tests/browser/vectors.html", answers) as page:
        yield page.run()


@pytest.mark.browser
def test_every_vector_holds_in_the_browser(report: Any) -> None:
    assert isinstance(report["vectors"], dict), report["vectors"]
    assert {name: result for name, result in report["vectors"].items() if result != "ok"} == {}
    subjects = {name.split(":")[0] for name in report["vectors"]}
    assert {"varint", "messages", "identity", "cpace", "record", "channel", "sframe", "handshake"} <= subjects


@pytest.mark.browser
def test_a_browser_and_a_python_host_agree_with_fresh_randomness(report: Any, host: LiveHost) -> None:
    assert report["right"] == report["view"] == "from the host"
    assert host.confirmed == [0, 1]
    assert host.heard == [b"from the browser"] * 2


@pytest.mark.browser
def test_a_wrong_code_is_refused_in_the_browser(report: Any) -> None:
    assert report["wrong"] == "REFUSED"


@pytest.mark.browser
def test_opening_an_object_costs_far_less_than_a_frame(report: Any) -> None:
    assert 0 < report["objectCost"] < 5000, "microseconds"
