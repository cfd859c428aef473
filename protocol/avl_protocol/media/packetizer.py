"""Cuts a sealed object into datagrams of one fixed fragment size (spec 05-media, 5.2)."""

from __future__ import annotations

from avl_protocol.wire import datagram
from avl_protocol.wire.datagram import MediaHeader
from avl_protocol.wire.errors import LocalProtocolError
from avl_protocol.wire.registry import MAX_FRAGMENT_PAYLOAD, MAX_OBJECT_SIZE, DatagramType


def packetize(sealed: bytes, handle: int, track: int, number: int, flags: int) -> list[bytes]:
    """Datagram payloads of object `number`, in order; every fragment but the last carries exactly 1,128 bytes."""
    length = len(sealed)
    if not 0 < length <= MAX_OBJECT_SIZE:
        raise LocalProtocolError(f"an object of {length} bytes can't travel")
    view = memoryview(sealed)
    return [
        datagram.encode(
            MediaHeader(
                handle=handle,
                type=DatagramType.MEDIA,
                track=track,
                object=number,
                flags=flags,
                fragment=fragment,
                length=length,
            ),
            view[fragment * MAX_FRAGMENT_PAYLOAD : (fragment + 1) * MAX_FRAGMENT_PAYLOAD],
        )
        for fragment in range(datagram.fragment_count(length))
    ]
