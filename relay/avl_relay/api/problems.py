"""Problems: the one way in which the API says no (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse, Response

#: What problems are called: `urn:avl:problem:NAME`, and the member `code` says NAME.
URN = "urn:avl:problem:"
MEDIA_TYPE = "application/problem+json"

#: The HTTP status of each, and its title.
KNOWN: dict[str, tuple[int, str]] = {
    "malformed": (400, "The request cannot be read"),
    "no-token": (400, "No token is handed out"),
    "not-signed-in": (401, "Nobody is signed in"),
    "credentials": (401, "That is not right"),
    "forbidden": (403, "This person may not do that"),
    "cross-site": (403, "The request comes from another site"),
    "unfinished": (403, "The sign-in is not whole"),
    "turned-off": (403, "This is turned off here"),
    "step-up": (403, "A second factor is needed, of the last minutes"),
    "not-found": (404, "There is no such thing here"),
    "method": (405, "This cannot be done to it"),
    "conflict": (409, "It contradicts what is there"),
    "gone": (410, "It is over"),
    "length": (411, "The request does not say how long it is"),
    "too-large": (413, "The request is too large"),
    "media-type": (415, "The request is not JSON"),
    "misdirected": (421, "This relay is not known by that name"),
    "invalid": (422, "The request does not say what it has to"),
    "weak-password": (422, "The password would be guessed"),
    "reused-key": (422, "The Idempotency-Key was used for another request"),
    "unverified": (422, "The statement is not what it claims to be"),
    "limited": (429, "Too many requests"),
    "failed": (500, "An error in this program"),
    "unavailable": (503, "The relay cannot do this now"),
}


class Problem(Exception):
    """A refusal. `code` is one of KNOWN; `detail` is a sentence for a person, `more` further members (RFC 9457, 3.2)
    for a program, `headers` those of the answer."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        more: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail
        self.more, self.headers = dict(more or {}), dict(headers or {})

    @property
    def status(self) -> int:
        """The HTTP status."""
        return KNOWN[self.code][0]

    def body(self) -> dict[str, object]:
        """The members."""
        status, title = KNOWN[self.code]
        return {
            **self.more,
            "type": URN + self.code,
            "title": title,
            "status": status,
            "detail": self.detail,
            "code": self.code,
        }

    def response(self) -> Response:
        """The answer."""
        return JSONResponse(self.body(), self.status, self.headers, media_type=MEDIA_TYPE)


#: JSON Schema of a problem.
SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "enum": sorted(KNOWN)},
        "at": {"type": "string", "description": "JSON Pointer to what is wrong in the request"},
    },
}
