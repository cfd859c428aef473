"""Channels of a session: who may open which, what leaves after pictures, and which messages travel where.

The table is the registry's (spec 03-wire, 3.4; 04-session, 4.4), so that a channel is added in one place.
"""

from __future__ import annotations

from typing import Any

from avl_protocol.wire.codec import BULK, CONTROL, FILE, INPUT, SOUND, Codec
from avl_protocol.wire.errors import LocalProtocolError
from avl_protocol.wire.registry import CHANNELS, LANES, Channel, Permission

#: channel -> what reads and writes its messages
CODECS: dict[int, Codec[Any]] = {
    Channel.CONTROL: CONTROL,
    Channel.INPUT: INPUT,
    Channel.BULK: BULK,
    **dict.fromkeys(LANES, FILE),
    Channel.SOUND: SOUND,
}

#: message class -> the channels that carry it: one, or the lanes
_CHANNELS_OF: dict[type, tuple[int, ...]] = {
    kind: tuple(int(channel) for channel, codec in CODECS.items() if kind in codec.kinds)
    for kind in {kind for codec in CODECS.values() for kind in codec.kinds}
}


def channels_of(permissions: Permission) -> tuple[int, ...]:
    """Channels that these permissions open, channel 0 first (R-SESS-13)."""
    return tuple(int(channel) for channel, (needed, _) in CHANNELS.items() if permits(permissions, needed))


def first_channels_of(permissions: Permission) -> tuple[int, ...]:
    """Those of them that are opened as soon as they may be: all but the lanes (R-SESS-260)."""
    return tuple(channel for channel in channels_of(permissions) if channel not in LANES)


def opened_by(channel: int) -> Permission:
    """The permissions, any of which opens a channel; none: it is always open."""
    return CHANNELS[Channel(channel)][0]


def is_bulk(channel: int) -> bool:
    """Whether a channel's streams leave after pictures and its messages may be large; so it is with one that this
    version does not know (R-WIRE-71)."""
    known = CHANNELS.get(channel)
    return known is None or known[1]


def channel_of(kind: type, lane: int | None = None) -> int:
    """The channel that messages of this class travel on; `lane` says which one where there are several. Raises
    LocalProtocolError for what is no channel's message, or not that lane's."""
    found = _CHANNELS_OF.get(kind, ())
    if not found:
        raise LocalProtocolError(f"{kind.__name__} travels on no channel")
    if lane is None and len(found) == 1:
        return found[0]
    if lane not in found:
        raise LocalProtocolError(f"{kind.__name__} does not travel on channel {lane}")
    return lane


def permits(permissions: Permission, needed: Permission) -> bool:
    """Whether a session with `permissions` may what needs any of `needed`; what needs none is always allowed."""
    return not needed or bool(permissions & needed)
