"""Calls of the API, and the device flow, against answers that the test gives."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.api.calls import Api, ApiError, segment, value_of
from avl_protocol.endpoint.api.deviceflow import Pending, begin, wait
from avl_protocol.endpoint.api.http import HttpAnswer
from avl_protocol.endpoint.api.proofs import HEADER, TYPE, Prover
from avl_protocol.endpoint.dial.dialling import Unreachable
from avl_protocol.endpoint.program.qrcode import drawn
from avl_protocol.rights import jws


class Answers:
    """Satisfies Http with the answers that it is given, and keeps the questions."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []

    async def ask(
        self, method: str, path: str, headers: Sequence[tuple[str, str]] = (), body: bytes | None = None
    ) -> HttpAnswer:
        self.asked.append((method, path, dict(headers), None if body is None else json.loads(body)))
        status, value = self.answers.pop(0)
        return HttpAnswer(status, {}, value if isinstance(value, bytes) else json.dumps(value).encode())


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return 1_800_000_000 + self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


async def test_a_list_is_read_page_after_page() -> None:
    http = Answers((200, {"items": [{"n": 1}, {"n": 2}], "next": "x y"}), (200, {"items": [{"n": 3}], "next": None}))
    assert [item["n"] async for item in Api(http).each("/devices", {"limit": "2"})] == [1, 2, 3]
    assert [path for _, path, _, _ in http.asked] == [
        "/api/v1/devices?limit=2",
        "/api/v1/devices?limit=2&after=x+y",
    ]


@pytest.mark.parametrize("answer", [[], {"items": 3}, {"no": "items"}, "text"])
async def test_a_list_that_is_none_is_said(answer: Any) -> None:
    with pytest.raises(Unreachable):
        [item async for item in Api(Answers((200, answer))).each("/devices")]


@pytest.mark.parametrize(
    ("status", "body", "kind", "text"),
    [
        (403, {"code": "step-up", "detail": "give it again", "type": "urn:x"}, "step-up", "give it again"),
        (400, {"code": "no-token", "error": "slow_down", "detail": "later"}, "slow_down", "later"),
        (401, {}, "", "sign in again"),
        (502, b"<html>", "", "answered 502"),
        (405, b"", "", "runs without accounts"),
        (418, {"code": 7, "detail": ["x"], "title": "Teapot"}, "", "Teapot"),
    ],
)
def test_a_refusal_has_a_kind_and_a_sentence(status: int, body: Any, kind: str, text: str) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(ApiError, match=text) as caught:
        value_of(HttpAnswer(status, {}, data))
    assert (caught.value.kind, caught.value.status) == (kind, status)


def test_what_is_no_json_is_no_answer() -> None:
    assert value_of(HttpAnswer(204, {}, b"")) is None
    with pytest.raises(Unreachable, match="relay with accounts"):
        value_of(HttpAnswer(200, {}, b"[" * 100_000))


def test_a_name_is_one_part_of_a_path() -> None:
    assert segment("../a b?#") == "..%2Fa%20b%3F%23"


async def test_a_proof_is_for_one_request_and_its_token() -> None:
    own, clock = Identity(bytes(32)), Clock()
    prover = Prover(own, clock, lambda size: bytes(size))
    ((name, proof),) = await prover.headers("POST", "/api/v1/token")
    assert name == HEADER and jws.header(proof).key == own.public
    claims = jws.claims(proof, TYPE, own.public)
    assert (claims["htm"], claims["htu"], claims["iat"]) == ("POST", "/api/v1/token", int(clock.wall()))
    bound = jws.claims(prover.header("GET", "/x", "token")[1], TYPE, own.public)
    assert bound["ath"] == jws.digest("token") and "ath" not in claims


PENDING = Pending("dev", "ABCD-EFGH", "https://r/account/", "https://r/account/#code=ABCD-EFGH", 5.0, 60.0)


async def told(*answers: Exception | dict[str, Any]) -> tuple[dict[str, Any], Clock]:
    """What waiting came to, with these answers one after the other."""
    clock, left = Clock(), list(answers)

    async def ask() -> dict[str, Any]:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return await wait(ask, PENDING, clock.monotonic, clock.sleep), clock


async def test_waiting_goes_on_until_somebody_approved_and_slower_where_asked() -> None:
    pending, slow = ApiError(400, "authorization_pending", ""), ApiError(400, "slow_down", "")
    said, clock = await told(pending, slow, Unreachable("gone"), {"access_token": "x"})
    assert said == {"access_token": "x"} and clock.slept == [5.0, 5.0, 10.0, 10.0]


async def test_what_was_denied_is_said_at_once() -> None:
    with pytest.raises(ApiError, match="denied on the page"):
        await told(ApiError(400, "access_denied", "no"))


async def test_a_code_grows_old_and_a_relay_that_is_gone_is_given_up() -> None:
    with pytest.raises(ApiError, match="too old"):
        await told(*[ApiError(400, "authorization_pending", "")] * 12)
    with pytest.raises(Unreachable):
        await told(*[Unreachable("gone")] * 12)


async def test_waiting_lasts_as_long_as_the_code_whatever_the_relay_does_meanwhile() -> None:
    gone: list[Exception] = [Unreachable("gone")] * 8
    busy: list[Exception] = [ApiError(503, "unavailable", "busy"), ApiError(429, "too-often", "busy")]
    said, _ = await told(*gone, *busy, {"access_token": "x"})
    assert said == {"access_token": "x"}


async def test_a_code_is_asked_for_and_one_that_cannot_be_read_is_said() -> None:
    said = {"device_code": "d", "user_code": "A", "verification_uri": "u", "expires_in": 600, "interval": 5}
    made = await begin(Api(Answers((200, said))), {"kind": "host"})
    assert (made.complete, made.interval, made.expires_in) == ("u", 5.0, 600.0)
    broken: list[Any] = [{}, [], {**said, "expires_in": "soon"}]
    for wrong in broken:
        with pytest.raises(Unreachable):
            await begin(Api(Answers((200, wrong))), {"kind": "host"})


def test_an_address_is_drawn_for_a_telephone() -> None:
    picture = drawn("https://relay.example.org/account/#code=ABCD-EFGH").splitlines()
    assert len(picture) > 10 and len({len(line) for line in picture}) == 1
