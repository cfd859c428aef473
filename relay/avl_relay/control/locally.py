"""Locally: the API of who runs the relay's machine, over the socket in the state folder (operators/console.py).

The same requests and answers as over the network, a line each. Only the relay's user and root reach that socket, so
that nothing is asked of them: whoever can read the state folder could change the store itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avl_protocol.endpoint.program.localcontrol import ControlError, ask
from avl_relay.http.bounds import API as BELOW
from avl_relay.http.bounds import BODY, METHODS

if TYPE_CHECKING:
    from avl_protocol.endpoint.api.http import HttpAnswer

#: What such a request asks for.
ASK = "api"
#: Seconds for an answer: the store may have to be opened, and another writer waited for.
PATIENCE = 15.0
Application = Callable[[Any, Any, Any], Awaitable[None]]


class LocalHttp:
    """Satisfies Http (endpoint/api/http.py): asks the relay whose socket is at `path`. It blocks: a command does
    nothing else meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def ask(
        self, method: str, path: str, headers: Sequence[tuple[str, str]] = (), body: bytes | None = None
    ) -> HttpAnswer:
        """See Http. Raises NobodyThere where no relay runs, and ControlError."""
        from avl_protocol.endpoint.api.http import HttpAnswer

        request = {"ask": ASK, "method": method, "path": path, "headers": [list(one) for one in headers]}
        if body is not None:
            request["body"] = body.decode()
        said = ask(self._path, request, PATIENCE, of_anybody=True)
        try:
            return HttpAnswer(int(said["status"]), dict(said["headers"]), str(said["body"]).encode())
        except (KeyError, TypeError, ValueError):
            raise ControlError("the relay's answer can't be read; is it of another version?") from None


async def answered(app: Application, request: dict[str, Any]) -> dict[str, Any]:
    """The answer of an ASGI application to one request of LocalHttp's. Raises ControlError."""
    match request:
        case {"method": str(method), "path": str(path), "headers": list(headers)} if (
            method in METHODS and path.isascii() and path.startswith(BELOW)
        ):
            text = request.get("body", "")
        case _:
            raise ControlError("the relay can't read what is asked; is the command of another version?")
    if not isinstance(text, str) or len(body := text.encode("utf-8", "replace")) > BODY:
        raise ControlError(f"a body has at most {BODY} bytes")
    return await _run(app, method, path, _pairs(headers), body)


def _pairs(headers: list[Any]) -> list[tuple[bytes, bytes]]:
    try:
        return [(str(name).lower().encode("latin-1"), str(value).encode("latin-1")) for name, value in headers]
    except (ValueError, TypeError):
        raise ControlError("a header can't be read") from None


async def _run(
    app: Application, method: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes
) -> dict[str, Any]:
    path, _, query = path.partition("?")
    answer: dict[str, Any] = {"status": 0, "headers": {}, "body": ""}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"localhost"), *headers],
        "client": ("127.0.0.1", 0),
        "server": None,
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer["status"] = message["status"]
            answer["headers"] = {
                name.decode("latin-1"): value.decode("latin-1") for name, value in message.get("headers", ())
            }
        else:
            answer["body"] += message.get("body", b"").decode()

    await app(scope, receive, send)
    return answer
