"""Channels of a session: who may open which, what leaves after pictures, and which messages travel where.

The table is the registry's (spec 03-wire, 3.4; 04-session, 4.4), so that a channel is added in one place.
"""

from __future__ import annotations

from typing import Any

from avl_protocol.wire.codec import BULK, CONTROL, INPUT, SOUND, Codec
from avl_protocol.wire.errors import LocalProtocolError
from avl_protocol.wire.registry import CHANNELS, Channel, Permission

#: channel -> what reads and writes its messages
CODECS: dict[int, Codec[Any]] = {
    Channel.CONTROL: CONTROL,
    Channel.INPUT: INPUT,
    Channel.BULK: BULK,
    Channel.SOUND: SOUND,
}

_CHANNEL_OF: dict[type, int] = {kind: int(channel) for channel, codec in CODECS.items() for kind in codec.kinds}


def channels_of(permissions: Permission) -> tuple[int, ...]:
    """Channels that these permissions open, channel 0 first (R-SESS-13)."""
    return tuple(int(channel) for channel, (needed, _) in CHANNELS.items() if permits(permissions, needed))


def is_bulk(channel: int) -> bool:
    """Whether a channel's streams leave after pictures and its messages may be large; so it is with one that this
    version does not know (R-WIRE-71)."""
    known = CHANNELS.get(channel)
    return known is None or known[1]


def channel_of(kind: type) -> int:
    """The channel that messages of this class travel on. Raises LocalProtocolError for what is no channel's message."""
    try:
        return _CHANNEL_OF[kind]
    except KeyError:
        raise LocalProtocolError(f"{kind.__name__} travels on no channel") from None


def permits(permissions: Permission, needed: Permission) -> bool:
    """Whether a session with `permissions` may what needs any of `needed`; what needs none is always allowed."""
    return not needed or bool(permissions & needed)
