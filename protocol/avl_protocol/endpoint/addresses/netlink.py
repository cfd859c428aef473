"""Changes of links, addresses and routes as Linux tells them: rtnetlink(7) messages, and which of them matter.

The kernel also repeats itself: a router that advertises IPv6 renews each address every few minutes, and a Wi-Fi card
reports each scan. A message about something known is no news: otherwise each message would start a search for paths.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterator
from typing import TypeVar

#: Multicast groups of rtnetlink(7): RTMGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE.
GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400
NEWLINK, DELLINK, NEWADDR, DELADDR, NEWROUTE, DELROUTE = 16, 17, 20, 21, 24, 25
#: Flags of a link that say whether it carries anything: IFF_UP, IFF_RUNNING, IFF_LOWER_UP.
CARRYING = 0x1 | 0x40 | 0x10000
#: Attribute of an address: the address itself.
IFA_ADDRESS = 1
#: Entries kept of links and of addresses; beyond them everything is news again, which costs a look and no more.
MOST_KNOWN = 1024

_HEADER = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_LARGEST = 65536
_Key = TypeVar("_Key")


class News:
    """Tells changes from repetitions."""

    __slots__ = ("_addresses", "_links")

    def __init__(self) -> None:
        self._links: dict[int, int] = {}
        self._addresses: dict[tuple[int, int, int, bytes], int] = {}

    def feed(self, data: bytes) -> bool:
        """Take what one read returned; True when links, addresses or routes are not as they were."""
        changed = False
        for kind, body in messages(data):
            changed = self._message(kind, body) or changed
        return changed

    def _message(self, kind: int, body: bytes) -> bool:
        if kind in (NEWROUTE, DELROUTE):
            return True
        if kind in (NEWLINK, DELLINK) and len(body) >= _LINK.size:
            _, _, index, flags, _ = _LINK.unpack_from(body)
            return _changes(self._links, index, flags & CARRYING if kind == NEWLINK else None)
        if kind in (NEWADDR, DELADDR) and len(body) >= _ADDRESS.size:
            family, prefix, flags, _, index = _ADDRESS.unpack_from(body)
            address = next((value for name, value in attributes(body[_ADDRESS.size :]) if name == IFA_ADDRESS), b"")
            return _changes(self._addresses, (family, prefix, index, address), flags if kind == NEWADDR else None)
        return False


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, payload) of each message, aligned to 4 bytes; what is cut short is left out."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, _, _, _ = _HEADER.unpack_from(data, at)
        if length < _HEADER.size or at + length > len(data):
            return
        yield kind, data[at + _HEADER.size : at + length]
        at += (length + 3) & ~3


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, value) of each attribute behind a message's fixed part."""
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size or at + length > len(data):
            return
        yield kind, data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3


def open_socket() -> socket.socket:
    """A non-blocking socket on which the kernel tells of changes from now on. Raises OSError."""
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
    try:
        opened.setblocking(False)
        opened.bind((0, GROUPS))
    except OSError:
        opened.close()
        raise
    return opened


def drain(opened: socket.socket, news: News) -> bool:
    """Read all there is; True when something changed. Raises OSError when the socket is of no more use."""
    changed = False
    while True:
        try:
            data, source = opened.recvfrom(_LARGEST)
        except (BlockingIOError, InterruptedError):
            return changed
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            changed = True  # more happened than the kernel could queue
            continue
        if source[0] == 0 and news.feed(data):  # port 0 is the kernel; other processes may write here too
            changed = True


def _changes(known: dict[_Key, int], key: _Key, value: int | None) -> bool:
    if value is None:
        known.pop(key, None)
        return True
    if known.get(key) == value:
        return False
    if len(known) >= MOST_KNOWN:
        known.clear()
    known[key] = value
    return True
