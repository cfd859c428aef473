"""Bodies: JSON that a stranger sends, bounded in size and depth before anything of it is built."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from starlette.requests import ClientDisconnect, Request

from avl_relay.api.problems import Problem
from avl_relay.http.bounds import BODY

#: How deep lists and objects may lie in each other.
DEPTH = 16
_MARKS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[][{}]', re.DOTALL)


async def json_body(request: Request) -> Any:
    """The body of a request. Raises Problem."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    data = bytearray()
    try:
        async for piece in request.stream():
            data += piece
            if len(data) > BODY:
                raise Problem("too-large", f"a body has at most {BODY} bytes")
    except ClientDisconnect:
        raise Problem("malformed", "the request ended before its body did") from None
    if kind != "application/json":
        raise Problem("media-type", "the body has to be application/json")
    return parsed(bytes(data))


def parsed(data: bytes) -> Any:
    """What JSON says. Raises Problem."""
    depth = 0
    for mark in _MARKS.finditer(data):
        depth += (mark[0] in b"[{") - (mark[0] in b"]}")
        if depth > DEPTH:
            raise Problem("malformed", f"lists and objects lie at most {DEPTH} deep in each other")
    try:
        return json.loads(data.decode(), parse_constant=_refuse, parse_int=_whole)
    except UnicodeDecodeError:
        raise Problem("malformed", "the body is not UTF-8") from None
    except ValueError as error:
        raise Problem("malformed", f"the body is not JSON: {error}") from None


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _whole(text: str) -> int:
    if len(text) > 20:
        raise ValueError("a number is too long")
    return int(text)
