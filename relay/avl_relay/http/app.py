"""The web application: the browser client's files, and what the page must know of this relay.

Everything is checked against the names this relay is known by, and nothing is loaded from elsewhere (CSP).
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from avl_protocol.wire.target import show_pin
from avl_relay.http.bounds import API, BODY, METHODS, takes_bodies

#: A Host header that may stand in a policy.
AUTHORITY = re.compile(r"[A-Za-z0-9.:\[\]_-]+")
#: `{}`: the page's own origin for WebSockets, which not every browser takes for 'self'. WebAssembly unpacks exact
#: pixels; its package brings it as a `data:` address, which reaches nobody.
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self' https: data: {}; "
    "worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
#: Below these, which have nothing to do with pictures, text can't become script or markup at all, whatever an error of
#: theirs did with it, and they reach nobody but this relay.
CONSOLE = "/console/"
STRICT = ("/account/", CONSOLE)
STRICT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
#: What the browser's devices may be used for: a microphone by the page of a desktop, which asks its person first.
DEVICES, STRICT_DEVICES = "camera=(), geolocation=(), microphone=(self)", "camera=(), geolocation=(), microphone=()"
#: The console stands on modules of the page (account/, rights/), which are served beside it.
CONSOLE_FOLDER = Path(__file__).parents[1] / "console"
#: The page's decompressor: a build on a machine without npm goes on without it.
FROM_NPM = "vendor/zstddec/zstddec.mjs"
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cache-control": "no-cache",
}


@dataclass(frozen=True, slots=True)
class PageInfo:
    """What a page needs to connect, and a program to be sure of this relay. `hashes`: SHA-256 of the current and the
    next certificate; empty where it is public. `endorsements`: what `identity` signed of each certificate that may be
    shown. `page`: where people go."""

    quic: str
    pin: bytes
    hashes: tuple[bytes, ...]
    public: bool
    identity: bytes = b""
    endorsements: tuple[bytes, ...] = ()
    page: str = ""


def names_allowed(public: str, listen: str) -> frozenset[str]:
    """Host names under which this relay is visited; loopback has several."""
    names = {public.lower(), listen.lower()}
    if names & {"127.0.0.1", "::1", "localhost"}:
        names |= {"127.0.0.1", "::1", "localhost"}
    return frozenset(names)


def build(
    info: Callable[[], PageInfo],
    names: frozenset[str],
    alternative: Callable[[], str],
    pays: Callable[[str], bool] = lambda host: True,
    api: Callable[[Any, Any, Any], Awaitable[None]] | None = None,
) -> Starlette:
    """The application. `alternative` is the Alt-Svc header that leads browsers to HTTP/3; `pays(host)`: whether a
    source may ask for one more thing; `api`: the ASGI application that is below /api, None: there is none."""

    async def describe(request: Request) -> Response:
        now = info()
        return JSONResponse(
            {
                "quic": now.quic,
                "pin": show_pin(now.pin),
                "hashes": [show_pin(value) for value in now.hashes],
                "public": now.public,
                "accounts": api is not None,
            }
        )

    async def identify(request: Request) -> Response:
        now = info()
        return JSONResponse(
            {
                "identity": show_pin(now.identity),
                "endorsements": [show_pin(value) for value in now.endorsements],
                "page": now.page,
            }
        )

    async def health(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    below = [] if api is None else [Route(API + "{path:path}", _Whole(api))]
    return Starlette(
        routes=[
            Route("/.well-known/avl.json", describe),
            Route("/.well-known/avl-identity", identify),
            Route("/health", health),
            *below,
            *_pages(),
        ],
        middleware=[Middleware(Guard, names=names, alternative=alternative, pays=pays)],
    )


class _Whole:
    """An application at a route that keeps the whole path: it has routes of its own, with all that is before them."""

    def __init__(self, app: Callable[[Any, Any, Any], Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """See ASGI."""
        await self._app(scope, receive, send)


def _pages() -> Sequence[BaseRoute]:
    """The console and the browser client, on whose modules it stands; where this installation lacks that, a sentence
    about it: all else that a relay does goes on."""

    async def to_console(request: Request) -> Response:
        return RedirectResponse(CONSOLE)

    console = CONSOLE.rstrip("/")
    try:
        return (
            Route(console, to_console),
            Mount(console, StaticFiles(directory=CONSOLE_FOLDER, html=True)),
            Mount("/", StaticFiles(directory=client_folder(), html=True)),
        )
    except LookupError as error:
        lacking = f"This relay has no page: {error}\n"

    async def absent(request: Request) -> Response:
        return PlainTextResponse(lacking, 503)

    return (Route("/{path:path}", absent),)


def page_lacks() -> str | None:
    """What the page lacks, in a sentence; None where it is whole."""
    try:
        client_folder()
    except LookupError as error:
        return str(error)
    return None


def client_folder() -> Path:
    """The folder of the browser client, as the entry point `avl.static` names it. Raises LookupError when nothing
    is, or when it is not whole."""
    for entry in entry_points(group="avl.static"):
        spec = importlib.util.find_spec(entry.value)
        if spec is not None and spec.submodule_search_locations:
            return checked(Path(next(iter(spec.submodule_search_locations))))
    raise LookupError("the browser client is not installed: pip install 'avl[viewer]'")


def checked(folder: Path) -> Path:
    """The folder, which holds what the page takes from npm (hatch_build.py). Raises LookupError when it does not."""
    if not (folder / FROM_NPM).is_file():
        raise LookupError("the browser client lacks zstddec, which npm brings: install npm, then avl again")
    return folder


Send = Callable[[Any], Awaitable[None]]


class Guard:
    """ASGI middleware: Host must be one of ours (DNS rebinding), Origin must be too, nobody asks too often, bodies are
    for the API alone, and every answer carries the headers."""

    def __init__(
        self, app: Any, names: frozenset[str], alternative: Callable[[], str], pays: Callable[[str], bool]
    ) -> None:
        self._app = app
        self._pays = pays
        self._names = names
        self._alternative = alternative

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        for_api = takes_bodies(scope["path"])
        if (refusal := self._refusal(scope, headers, for_api)) is not None:
            # The connection ends with it: a body would be read to its end otherwise, and a crowd would stay.
            last = {"connection": "close"} if scope["http_version"].startswith("1") else {}
            await _refused(refusal, for_api, {**HEADERS, **last})(scope, receive, send)
            return
        host = headers.get(b"host", headers.get(b":authority", b"")).decode("latin-1")
        origin = headers.get(b"origin")
        if not self.allows(host) or (origin is not None and not self.allows_origin(origin.decode("latin-1"))):
            unknown = (421, "This relay is not known by that name.\n", "misdirected")
            await _refused(unknown, for_api, {})(scope, receive, send)
            return
        fixed = {**HEADERS, "cache-control": "no-store"} if for_api else HEADERS

        async def decorated(message: Any) -> None:
            if message["type"] == "http.response.start":
                own = f"{'wss' if scope['scheme'] == 'https' else 'ws'}://{host}"
                policy, devices = POLICY.format(own if AUTHORITY.fullmatch(host) else ""), DEVICES
                if scope["path"].startswith(STRICT):
                    policy, devices = STRICT_POLICY, STRICT_DEVICES
                extra = {**fixed, "content-security-policy": policy, "permissions-policy": devices}
                extra["alt-svc"] = self._alternative()
                message["headers"] = [
                    *(pair for pair in message["headers"] if pair[0].decode() not in extra),
                    *((name.encode(), value.encode()) for name, value in extra.items()),
                ]
            await send(message)

        await self._app(scope, receive, decorated)

    def _refusal(self, scope: Any, headers: dict[bytes, bytes], for_api: bool) -> tuple[int, str, str] | None:
        """The status, the sentence, and its name among the API's problems."""
        if not self._pays((scope.get("client") or ("",))[0]):
            return 429, "Too many requests. Wait a minute and try again.\n", "limited"
        if for_api:
            return _beyond(scope, headers)
        if scope["method"] not in ("GET", "HEAD"):
            return 405, "Only GET and HEAD.\n", "method"
        if b"transfer-encoding" in headers or headers.get(b"content-length", b"0").strip() != b"0":
            return 413, "No body is read here.\n", "too-large"
        return None

    def allows(self, authority: str) -> bool:
        """Whether an authority (host, port optional) names this relay."""
        return host_allowed(authority, self._names)

    def allows_origin(self, origin: str) -> bool:
        """Whether a page of this origin may talk to this relay."""
        return origin_allowed(origin, self._names)


def _beyond(scope: Any, headers: dict[bytes, bytes]) -> tuple[int, str, str] | None:
    """What is wrong with a request to the API before anything of its body is read. Over HTTP/3 a body need not say how
    long it is: it is counted where it arrives."""
    length = headers.get(b"content-length", b"0").strip()
    if scope["method"] not in METHODS:
        return 405, "No such method.\n", "method"
    if b"transfer-encoding" in headers:
        return 411, "Say how long the body is.\n", "length"
    if not (length.isdigit() and int(length[:20]) <= BODY):
        return 413, f"A body has at most {BODY} bytes.\n", "too-large"
    return None


def _refused(refusal: tuple[int, str, str], for_api: bool, headers: dict[str, str]) -> Response:
    """A refusal: text, or, below the API, a problem (RFC 9457)."""
    status, text, code = refusal
    if not for_api:
        return PlainTextResponse(text, status, headers)
    said = text.strip()
    body = {"type": f"urn:avl:problem:{code}", "title": said, "status": status, "detail": said, "code": code}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def host_allowed(authority: str, names: frozenset[str]) -> bool:
    """Whether a Host header (port optional) names this relay."""
    name = authority.rsplit(":", 1)[0] if not authority.endswith("]") and ":" in authority else authority
    return name.strip("[]").lower() in names


def origin_allowed(origin: str, names: frozenset[str]) -> bool:
    """Whether an Origin header names this relay; `null` and other schemes do not."""
    scheme, _, rest = origin.partition("://")
    if scheme not in ("http", "https") or not rest:
        return False
    name = rest if rest.endswith("]") else rest.rsplit(":", 1)[0] if ":" in rest else rest
    return name.strip("[]").lower() in names
