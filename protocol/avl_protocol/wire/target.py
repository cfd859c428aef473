"""TARGET: where a desktop is, `avl://HOST:PORT/DEVICE-ID[?pin=FP]`, and the `HOST:PORT[?pin=FP]` of a relay (spec
01-overview)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from avl_protocol.wire import device_id

#: Relays that one target, or one GOAWAY, names.
MOST_RELAYS = 4
#: What stands in names and addresses beside letters and digits; `%` before the zone of an address.
_HOST = ".-_:%"
_PAGE = re.compile(
    r"https?://(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]+))(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]*)?",
)
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """A relay's QUIC address and, unless its certificate is publicly trusted, the SHA-256 of its identity key."""

    host: str
    port: int
    pin: bytes | None = None

    def __str__(self) -> str:
        return join(self.host, self.port) + (f"?pin={show_pin(self.pin)}" if self.pin else "")


@dataclass(frozen=True, slots=True)
class Target:
    """One device, and where it might be found: at relays, or at an address of its own, the first to be tried first."""

    relay: RelayAddress
    device: int
    others: tuple[RelayAddress, ...] = ()

    @property
    def relays(self) -> tuple[RelayAddress, ...]:
        """All places, in their order."""
        return (self.relay, *self.others)

    def __str__(self) -> str:
        address = join(self.relay.host, self.relay.port)
        values = [f"pin={show_pin(self.relay.pin)}"] if self.relay.pin else []
        for other in self.others:
            pin = f",{show_pin(other.pin)}" if other.pin else ""
            values.append(f"relay={join(other.host, other.port)}{pin}")
        query = "?" + "&".join(values) if values else ""
        return f"avl://{address}/{device_id.to_text(self.device)}{query}"


def parse_target(text: str) -> Target:
    """Read a TARGET. Raises ValueError with what a person should write instead."""
    parts = urlsplit(text.strip())
    if parts.scheme != "avl":
        raise ValueError(f"{text!r} is not a target: write avl://HOST:PORT/DEVICE-ID?pin=FP as the host prints it")
    relay = _relay(parts.netloc, parts.query)
    try:
        device = device_id.from_text(parts.path.strip("/"))
    except ValueError as error:
        raise ValueError(f"the target's device ID is wrong: {error}") from None
    named = parse_qs(parts.query, keep_blank_values=True).get("relay", [])
    if len(named) >= MOST_RELAYS:
        raise ValueError(f"a target names at most {MOST_RELAYS} relays")
    others = []
    for other in named:
        address, _, pin = other.partition(",")
        others.append(parse_relay(address, pin or None))
    return Target(relay, device, tuple(others))


def parse_relay(text: str, pin: str | None = None) -> RelayAddress:
    """Read `HOST:PORT[?pin=FP]`; `pin` is a pin given apart. Raises ValueError."""
    address, _, query = text.strip().partition("?")
    relay = _relay(address, query)
    if pin is None:
        return relay
    given = parse_pin(pin)
    if relay.pin is not None and relay.pin != given:
        raise ValueError("two different pins were given for one relay")
    return RelayAddress(relay.host, relay.port, given)


def relays_elsewhere(texts: Sequence[str], known: Sequence[RelayAddress] = ()) -> tuple[RelayAddress, ...]:
    """The relays that a GOAWAY names beside those that are `known`, MOST_RELAYS at most; what is no address is left
    out (spec 04-session, 4.3)."""
    found: dict[tuple[str, int], RelayAddress] = {}
    places = {(relay.host, relay.port) for relay in known}
    for text in texts[:MOST_RELAYS]:
        try:
            relay = parse_relay(text)
        except ValueError:
            continue
        if (relay.host, relay.port) not in places:
            found.setdefault((relay.host, relay.port), relay)
    return tuple(found.values())


def parse_address(text: str) -> tuple[str, int]:
    """Read `HOST:PORT` (IPv6 in brackets). Raises ValueError."""
    parts = urlsplit(f"//{text}")
    try:
        port = parts.port
    except ValueError:
        port = None
    named = bool(parts.hostname) and all(letter.isalnum() or letter in _HOST for letter in parts.hostname or "")
    if not named or not parts.hostname or port is None or parts.path or parts.query or parts.username:
        raise ValueError(f"{text!r} is not an address: write HOST:PORT, for example 127.0.0.1:4433 or [::1]:4433")
    return parts.hostname, port


def own_page(page: str, relay: RelayAddress) -> str:
    """The address of a relay's page as it is shown, or "" where it does not lead to `relay` itself.

    What WELCOME says is the relay's to choose, and a code is put behind it: it must be a plain address by http or https
    at the name by which this relay was given to us, whatever its port. Loopback has several names.
    """
    match = _PAGE.fullmatch(page)
    if match is None:
        return ""
    host = (match["six"] or match["host"]).lower()
    own = relay.host.lower()
    return page if host == own or {host, own} <= _LOOPBACK else ""


def parse_pin(text: str) -> bytes:
    """Read a pin: 32 bytes in base64url. Raises ValueError."""
    try:
        value = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        value = b""
    if len(value) != 32:
        raise ValueError(f"{text!r} is not a pin: it is the 43 characters that the relay prints")
    return value


def show_pin(pin: bytes) -> str:
    """A pin as people copy it."""
    return base64.urlsafe_b64encode(pin).rstrip(b"=").decode()


def join(host: str, port: int) -> str:
    """`HOST:PORT`, with brackets where HOST is an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _relay(address: str, query: str) -> RelayAddress:
    host, port = parse_address(address)
    if port == 0:
        raise ValueError("a relay's port can't be 0 here")
    values = parse_qs(query, keep_blank_values=True)
    pin = values.get("pin", [None])[0]
    return RelayAddress(host, port, parse_pin(pin) if pin is not None else None)
