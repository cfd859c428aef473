"""Log: one line an event, as text or as JSON, of nothing that anybody has to keep secret.

What an event may hold is decided here once, and not where events are logged: numbers, and short text made fit to be
shown. Bytes are never shown, as keys, tickets and media are bytes; nor is anything under the name of a secret.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from enum import Enum
from typing import Any, TextIO

import structlog

from avl_protocol.wire.foreign import for_log


class Format(Enum):
    """How a line is written."""

    TEXT = "text"
    JSON = "json"


#: Names under which nothing is shown, whatever it is.
SECRET = frozenset(
    ("authorization", "code", "cookie", "key", "nonce", "password", "proof", "secret", "session_id", "ticket", "token")
)
HIDDEN = "(not shown)"


def shown(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """What of an event may stand in a log."""
    return {name: HIDDEN if name.lower() in SECRET else _value(value) for name, value in event.items()}


def _value(value: object) -> object:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, str):
        return for_log(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"({len(value)} bytes)"
    return f"({type(value).__name__})"


class _Events(logging.Handler):
    """What libraries log by Python's own logging, as events like all others."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record."""
        logger = structlog.get_logger(record.name)
        logger.log(record.levelno, record.getMessage(), logger=record.name)


def configure_log(form: Format = Format.TEXT, to: TextIO | None = None) -> None:
    """One line an event from now on, on stderr unless `to` says otherwise."""
    render: Any = structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"])
    if form is Format.JSON:
        render = structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            shown,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            render,
        ],
        logger_factory=structlog.WriteLoggerFactory(to or sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    logging.basicConfig(handlers=[_Events()], level=logging.WARNING, force=True)
