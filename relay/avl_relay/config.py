"""Settings of a relay: one frozen dataclass, each field with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from avl_protocol.rate.limits import DEFAULT, Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """How a relay is run."""

    #: Where the identity and the reset key are kept.
    state: Path
    #: The one UDP port: native hosts and viewers, and browsers by WebTransport. TCP of the same number is for hosts and
    #: viewers whose UDP is blocked.
    listen: tuple[str, int]
    #: TCP, for a browser's first visit, and for its WebSocket where UDP is blocked.
    http: tuple[str, int]
    #: What others call this relay; the listen host by default.
    public: str
    #: A publicly trusted certificate, for both ports.
    tls_cert: Path | None = None
    tls_key: Path | None = None
    #: Written once connectable, and again when it changes.
    ready_file: Path | None = None
    #: Where sessions may go when this relay drains: `HOST:PORT[?pin=FP]` of relays at which its hosts are registered.
    elsewhere: tuple[str, ...] = ()
    #: What anybody may cost.
    limits: Limits = DEFAULT
