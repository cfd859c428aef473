"""The hop's control messages: what a relay and its neighbours say to each other (spec 03-wire, 3.3). The relay reads
these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Hello:
    """The client's first message: what it is and speaks. An unknown name in `required` fails the HELLO."""

    versions: tuple[int, ...]
    role: int
    software: str = ""
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """The relay's answer: chosen version, nonce to register with, the client's address as seen, and the relay's
    identity."""

    version: int
    nonce: bytes
    observed: str
    identity: bytes
    endorsement: bytes
    time_ms: int = 0
    name: str = ""
    page: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """A host proves its identity and becomes reachable (spec 06-security, 6.1); `yields` 1: not if it is reachable
    already, from elsewhere (spec 04-session, 4.3)."""

    identity: bytes
    record: bytes
    signature: bytes
    proof: bytes
    yields: int = 0


@dataclass(frozen=True, slots=True)
class Registered:
    """The host is reachable; its media datagrams carry `media_handle`."""

    media_handle: int


@dataclass(frozen=True, slots=True)
class Attach:
    """A viewer asks for a device by number (17 bytes) under a session id of its own (16 bytes); `moves` 1: that session
    is running already and comes here. `access_pass`: of the relay's account, where it takes nobody without one."""

    device: bytes
    session: bytes
    moves: int = 0
    access_pass: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """Relay to host: somebody asks for you. `source` is an opaque tag of where from, for the host's own limits.

    `near`: 1 where the relay sees both of you at one address.
    """

    session: bytes
    handle: int
    source: bytes = b""
    moves: int = 0
    near: int = 0


@dataclass(frozen=True, slots=True)
class Accept:
    """Host to relay: let channel 0 of this session through."""

    handle: int


@dataclass(frozen=True, slots=True)
class Reject:
    """Host to relay: not now, because of `code`."""

    handle: int
    code: int


@dataclass(frozen=True, slots=True)
class Attached:
    """Relay to viewer: open channel 0 under `handle`; media will carry `media_handle`; `near` as in INCOMING."""

    session: bytes
    handle: int
    media_handle: int
    near: int = 0


@dataclass(frozen=True, slots=True)
class Tracks:
    """Host to relay: what it publishes, one row a track (spec 03-wire, 3.3; `media.track`)."""

    tracks: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Admit:
    """Host to relay: this session may open `channels` and receive `tracks`, each from its object of `since` on (all of
    them where `since` is shorter)."""

    handle: int
    tracks: tuple[int, ...]
    channels: tuple[int, ...]
    since: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Evict:
    """Host to relay: cut this session now, because of `code`."""

    handle: int
    code: int


@dataclass(frozen=True, slots=True)
class Detach:
    """Either way: a session is over, because of `code`."""

    handle: int
    code: int


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Viewer to relay: send (wish 1) or do not send (wish 0) a track."""

    handle: int
    track: int
    wish: int


@dataclass(frozen=True, slots=True)
class Recover:
    """Towards the host: a track can't be decoded from `object` on. The relay coalesces these."""

    handle: int
    track: int
    object: int


@dataclass(frozen=True, slots=True)
class Viewers:
    """Relay to host: how many receive media, which tracks anybody wants, the rate in bit/s the audience can take (0:
    unknown), for how long to take no picture, since a hop's queue must empty first, and what the slowest of those takes
    who cannot follow, in bit/s (0: all follow)."""

    count: int
    tracks: tuple[int, ...] = ()
    rate: int = 0
    hold_ms: int = 0
    slow: int = 0


@dataclass(frozen=True, slots=True)
class Ping:
    """Answer with the same token."""

    token: int


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a Ping."""

    token: int


@dataclass(frozen=True, slots=True)
class Goaway:
    """The sender drains; `elsewhere` lists where else to go."""

    elsewhere: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Close:
    """The connection ends, because of `code`."""

    code: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class HopRate:
    """Relay to viewer: what the rate controller of their hop thinks (spec 07-rate, 7.6)."""

    handle: int
    state: str
    reason: str
    figures: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Observed:
    """Relay to client: the client's address as seen now, "IP port" (spec 08-paths, 8.2)."""

    address: str


@dataclass(frozen=True, slots=True)
class NatTest:
    """Client to relay: send me a FILTER with this token (16 bytes) from another port, and listen there."""

    token: bytes


@dataclass(frozen=True, slots=True)
class NatTested:
    """Relay to client: that other port, at which a LOCATE is heard for a while."""

    token: bytes
    port: int


@dataclass(frozen=True, slots=True)
class Statements:
    """Relay to host: what the device's owner has signed about it, newest policies and revocation list (11.6)."""

    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Host to relay: what a person is shown of this device, its owner's thumbprint, and the newest statements that it
    has (11.6)."""

    name: str
    system: str = ""
    software: str = ""
    owner: str = ""
    policy: int = 0
    revocation: int = 0
    pictures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Relay to client: its audit log as it is now, signed, and the proof that it goes on from what the client keeps
    (14.6)."""

    size: int
    root: bytes
    chain: bytes
    time_ms: int
    key: bytes
    signature: bytes
    proof: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class HeadKnown:
    """Client to relay: it keeps a head of this size, 0 for none, and wants to be told newer ones (14.6)."""

    size: int


@dataclass(frozen=True, slots=True)
class Logged:
    """Host and relay to each other: the sender's log tells of the last `covers` seconds, and these sessions are in it:
    rows of name (16 bytes) and age in seconds (14.7)."""

    covers: int
    sessions: tuple[tuple[Any, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class OperatorSays:
    """Relay to viewer: what who runs the relay says to this session (14.8): any text."""

    handle: int
    text: str


@dataclass(frozen=True, slots=True)
class Readers:
    """Relay to host: for whom to leave last pictures: chains of grants, each with a picture key behind it, as tokens
    with spaces between (11.9)."""

    readers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LastPicture:
    """Host to relay: the desktop at `taken` (Unix seconds), sealed to this picture key (32 bytes; 11.9)."""

    key: bytes
    taken: int
    sealed: bytes


HopMessage = (
    Hello
    | Welcome
    | Register
    | Registered
    | Attach
    | Incoming
    | Accept
    | Reject
    | Attached
    | Tracks
    | Admit
    | Evict
    | Detach
    | Subscribe
    | Recover
    | Viewers
    | Ping
    | Pong
    | Goaway
    | Close
    | HopRate
    | Observed
    | NatTest
    | NatTested
    | Statements
    | About
    | Head
    | HeadKnown
    | Logged
    | OperatorSays
    | Readers
    | LastPicture
)

HOP: tuple[type[HopMessage], ...] = (
    Hello,
    Welcome,
    Register,
    Registered,
    Attach,
    Incoming,
    Accept,
    Reject,
    Attached,
    Tracks,
    Admit,
    Evict,
    Detach,
    Subscribe,
    Recover,
    Viewers,
    Ping,
    Pong,
    Goaway,
    Close,
    HopRate,
    Observed,
    NatTest,
    NatTested,
    Statements,
    About,
    Head,
    HeadKnown,
    Logged,
    OperatorSays,
    Readers,
    LastPicture,
)
