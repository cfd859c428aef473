"""The device flow (RFC 8628): a program without a browser shows a code, a person approves it on another device."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from avl_protocol.endpoint.api.calls import Api, ApiError
from avl_protocol.endpoint.dial.dialling import Unreachable

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
#: Seconds between two questions, where the relay says nothing else; seconds more that SLOW_DOWN asks for (3.5).
INTERVAL, SLOWER = 5.0, 5.0
#: Seconds between two questions at least and at most, whatever the relay says.
SHORTEST, LONGEST = 1.0, 60.0
#: Answers after which the same may be asked again (RFC 9110): the relay has too much to do, or its store is away.
PASSING = (429, 502, 503, 504)
#: How programs tell what a code came to.
SENTENCES = {
    "access_denied": "it was denied on the page",
    "expired_token": "the code is too old: begin anew",
}


@dataclass(frozen=True, slots=True)
class Pending:
    """A code that waits for a person. `uri` is the page, `complete` the page with the code filled in; times in
    seconds."""

    device_code: str
    user_code: str
    uri: str
    complete: str
    interval: float
    expires_in: float


async def begin(api: Api, about: Mapping[str, Any]) -> Pending:
    """Ask for a code. `about`: kind (host or program), jkt, and how the program calls itself. Raises ApiError,
    OSError."""
    said = await api.call("POST", "/device-authorizations", about)
    try:
        return Pending(
            device_code=str(said["device_code"]),
            user_code=str(said["user_code"]),
            uri=str(said["verification_uri"]),
            complete=str(said.get("verification_uri_complete") or said["verification_uri"]),
            interval=float(said.get("interval", INTERVAL)),
            expires_in=float(said["expires_in"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Unreachable("the relay's code can't be read") from None


async def wait(
    ask: Callable[[], Awaitable[dict[str, Any]]],
    pending: Pending,
    now: Callable[[], float],
    sleep: Callable[[float], Awaitable[object]],
) -> dict[str, Any]:
    """Ask again and again until a person has decided; what an approved code is answered with. `ask` asks once.

    A question without an answer is asked again for as long as the code is good: a relay may be started again meanwhile.
    Raises ApiError (kind access_denied or expired_token, or what else is final), OSError where nobody answers any more.
    """
    interval, end = pending.interval, now() + pending.expires_in
    unanswered: OSError | None = None
    while now() < end:
        await sleep(min(max(interval, SHORTEST), LONGEST))
        try:
            return await ask()
        except ApiError as error:
            unanswered = None
            if error.kind == "slow_down":
                interval += SLOWER
            elif error.kind != "authorization_pending" and error.status not in PASSING:
                raise ApiError(error.status, error.kind, SENTENCES.get(error.kind, str(error))) from None
        except OSError as error:
            unanswered = error
    if unanswered is not None:
        raise unanswered
    raise ApiError(400, "expired_token", SENTENCES["expired_token"])
