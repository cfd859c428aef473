"""Lists: `{items, next}`, a page at a time. `next` is where the following page begins, opaque to who asks; what comes
or goes meanwhile moves nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, tuple_

from avl_relay.api.operations import Answer
from avl_relay.api.shapes import Shape, Text, Whole, invalid

USUAL, MOST = 50, 200
#: The parameters that every list has.
PAGING: Mapping[str, Shape] = {
    "after": Text(1, 1024, "[A-Za-z0-9_-]+", "`next` of an earlier answer is expected"),
    "limit": Whole(1, MOST, USUAL),
}


def cursor(values: Sequence[str | int]) -> str:
    """Where a page ended, as text."""
    return base64.urlsafe_b64encode(json.dumps(list(values)).encode()).rstrip(b"=").decode()


def position(text: str, *kinds: type) -> tuple[Any, ...]:
    """Where a page ended; `kinds`: of what its values are. Raises Problem."""
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        values = None
    known = isinstance(values, list) and len(values) == len(kinds)
    if not known or any(type(value) is not kind for value, kind in zip(values, kinds, strict=True)):
        raise invalid("after", "`next` of an earlier answer is expected")
    for value in values:
        if isinstance(value, str):
            Text(0, 1024).read(value, "after")
        elif not -(1 << 63) <= value < 1 << 63:
            raise invalid("after", "`next` of an earlier answer is expected")
    return tuple(values)


def beyond(columns: Sequence[ColumnElement[Any]], values: Sequence[Any]) -> ColumnElement[bool]:
    """The condition for rows that come after one, in the order of these columns: one comparison of rows, which both
    databases look up in an index."""
    return tuple_(*columns) > tuple_(*values)


def page(
    rows: Sequence[Any], limit: int, show: Callable[[Any], Any], at: Callable[[Any], Sequence[str | int]]
) -> Answer:
    """The answer of a list. `rows` are at most `limit` and one more, which tells that there is another page."""
    shown = rows[:limit]
    return Answer({"items": [show(row) for row in shown], "next": cursor(at(shown[-1])) if len(rows) > limit else None})
