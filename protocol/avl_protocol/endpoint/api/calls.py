"""Api: calls of a relay's JSON API, and the errors that it answers with (RFC 9457), as sentences for a person."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from avl_protocol.endpoint.api.http import Http, HttpAnswer
from avl_protocol.endpoint.dial.dialling import Unreachable

BASE = "/api/v1"
#: Pages of a list that are asked for, at most: a list that never ends is a fault of the relay's.
MOST_PAGES = 1000
#: What a person is told where the relay says no more than a status.
SENTENCES = {
    401: "the relay does not know this sign-in: sign in again, with avl login",
    403: "the relay does not permit that to this person",
    404: "the relay knows no such thing",
    405: "this relay runs without accounts",
    409: "that has been changed by somebody else meanwhile: look again",
    429: "the relay wants fewer questions: wait a minute",
    503: "the relay is busy: try again soon",
}


class ApiError(Exception):
    """The relay refused. `kind` is the problem's code, by which programs tell one from another; `status` is the
    answer's. The text is for a person."""

    def __init__(self, status: int, kind: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.kind = kind


class Credentials(Protocol):
    """What shows who asks."""

    async def headers(self, method: str, path: str) -> Sequence[tuple[str, str]]:
        """Headers of one question; `path` without the query. Raises ApiError, OSError."""


class Api:
    """Calls over `http`, as whoever the credentials say (None: nobody). Paths begin with a slash, below BASE."""

    def __init__(self, http: Http, credentials: Credentials | None = None) -> None:
        self._http = http
        self._credentials = credentials

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> Any:
        """The answer's JSON value, None where it has none. Raises ApiError, and OSError where there is no answer."""
        whole = BASE + path
        sent = [("accept", "application/json"), *headers]
        data = None
        if body is not None:
            sent.append(("content-type", "application/json"))
            data = json.dumps(body, separators=(",", ":")).encode()
        if self._credentials is not None:
            sent += await self._credentials.headers(method, whole)
        answer = await self._http.ask(method, whole + (f"?{urlencode(query)}" if query else ""), sent, data)
        return value_of(answer)

    async def each(self, path: str, query: Mapping[str, str] | None = None) -> AsyncIterator[dict[str, Any]]:
        """Every item of a list, page after page (cursor lists, `{items, next}`). Raises as `call` does."""
        after: str | None = None
        for _ in range(MOST_PAGES):
            page = await self.call("GET", path, query={**(query or {}), **({"after": after} if after else {})})
            if not isinstance(page, dict) or not isinstance(page.get("items"), list):
                raise Unreachable("the relay's list can't be read")
            for item in page["items"]:
                if isinstance(item, dict):
                    yield item
            after = page.get("next")
            if not isinstance(after, str) or not after:
                return


def segment(text: str) -> str:
    """Text as one part of a path."""
    return quote(text, safe="")


def value_of(answer: HttpAnswer) -> Any:
    """The JSON value of an answer, None where it has none. Raises ApiError for one that is no success."""
    try:
        value = json.loads(answer.body) if answer.body else None
    except (ValueError, RecursionError):
        if answer.status < 400:
            raise Unreachable("the relay's answer can't be read: is it a relay with accounts?") from None
        value = None
    if 200 <= answer.status < 300:
        return value
    said = value if isinstance(value, dict) else {}
    kind = _text(said.get("error")) or _text(said.get("code"))
    text = _text(said.get("detail")) or _text(said.get("error_description")) or _text(said.get("title"))
    raise ApiError(answer.status, kind, text or SENTENCES.get(answer.status, f"the relay answered {answer.status}"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
