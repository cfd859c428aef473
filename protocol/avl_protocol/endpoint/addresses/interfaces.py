"""The machine's own addresses, and a call when they or its routes change: where a laptop was moved, and when.

On Linux the kernel tells (endpoint/addresses/netlink.py). Elsewhere the addresses are compared every POLL seconds:
those systems tell too, each in its own way, and two seconds late is soon enough to notice a new network.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import ifaddr

from avl_protocol.endpoint.addresses.netlink import News, drain, open_socket

#: Seconds without a further change after which a network has settled, and the longest that settling is waited for.
QUIET, LONGEST = 0.05, 0.5
#: Seconds between two looks where the system is not asked to tell.
POLL = 2.0


@dataclass(frozen=True, slots=True, order=True)
class LocalAddress:
    """An address of this machine: IP literal (link-local IPv6 with `%interface`), prefix length, interface's name."""

    ip: str
    prefix: int
    interface: str

    @property
    def network(self) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        """The network it is in: what it reaches without a router."""
        return ipaddress.ip_network(f"{self.ip.partition('%')[0]}/{self.prefix}", strict=False)


class Watch(Protocol):
    """A wish to be called."""

    def close(self) -> None:
        """Never call again. Closing twice does nothing."""


class Interfaces(Protocol):
    """Where a program learns of its machine's addresses."""

    def addresses(self) -> list[LocalAddress]:
        """All that are in use now, sorted. Raises OSError."""

    def watch(self, callback: Callable[[], None]) -> Watch:
        """Call at the first sign of a change, and once more when further changes have followed and it has settled."""


class SystemInterfaces:
    """The operating system's interfaces, watched on the event loop that runs when `watch` is called."""

    def __init__(self, *, loopback: bool = False, link_local: bool = False) -> None:
        self._loopback = loopback
        self._link_local = link_local

    def addresses(self) -> list[LocalAddress]:
        """As Interfaces says; loopback and link-local IPv6 only if they were asked for."""
        return sorted(set(self._found()))

    def watch(self, callback: Callable[[], None]) -> InterfaceWatcher:
        """As Interfaces says."""
        return InterfaceWatcher(asyncio.get_running_loop(), self.addresses, callback)

    def _found(self) -> Iterable[LocalAddress]:
        for adapter in ifaddr.get_adapters():
            for entry in adapter.ips:
                text = entry.ip if isinstance(entry.ip, str) else entry.ip[0]
                ip = ipaddress.ip_address(text.partition("%")[0])
                if ip.is_unspecified or (ip.is_loopback and not self._loopback):
                    continue
                text = str(ip)
                if ip.version == 6 and ip.is_link_local:
                    if not self._link_local:
                        continue
                    text = f"{ip}%{adapter.nice_name}"
                yield LocalAddress(text, entry.network_prefix, adapter.nice_name)


class FixedInterfaces:
    """The double of SystemInterfaces: `change` sets its addresses."""

    def __init__(self, addresses: Iterable[LocalAddress] = ()) -> None:
        self._addresses = sorted(addresses)
        self._watches: list[FixedWatch] = []

    def addresses(self) -> list[LocalAddress]:
        return list(self._addresses)

    def watch(self, callback: Callable[[], None]) -> FixedWatch:
        self._watches.append(FixedWatch(callback, self._watches.remove))
        return self._watches[-1]

    def change(self, addresses: Iterable[LocalAddress]) -> None:
        """The machine has these addresses from now on; whoever watches is called at once, before this returns."""
        self._addresses = sorted(addresses)
        for watch in list(self._watches):
            watch.call()


class FixedWatch:
    """A wish to be called by FixedInterfaces."""

    def __init__(self, callback: Callable[[], None], forget: Callable[[FixedWatch], None]) -> None:
        self._callback = callback
        self._forget: Callable[[FixedWatch], None] | None = forget

    def call(self) -> None:
        """Call, unless closed meanwhile."""
        if self._forget is not None:
            self._callback()

    def close(self) -> None:
        forget, self._forget = self._forget, None
        if forget is not None:
            forget(self)


class InterfaceWatcher:
    """Calls when this machine's addresses or routes change, until it is closed."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        addresses: Callable[[], list[LocalAddress]],
        callback: Callable[[], None],
        *,
        told: bool = hasattr(socket, "AF_NETLINK"),
    ) -> None:
        """`told`: the kernel tells; else, and in a sandbox where it will not, addresses are compared every POLL s."""
        self._loop = loop
        self._addresses = addresses
        self._settling = Settling(loop, callback)
        self._news = News()
        self._socket: socket.socket | None
        self._poll: asyncio.TimerHandle | None = None
        self._closed = False
        self._before: list[LocalAddress] = []
        try:
            self._socket = open_socket() if told else None
        except OSError:
            self._socket = None
        if self._socket is None:
            self._fall_back()
        else:
            loop.add_reader(self._socket.fileno(), self._readable)

    def close(self) -> None:
        self._closed = True
        self._settling.close()
        self._close_socket()
        if self._poll is not None:
            self._poll.cancel()

    def _readable(self) -> None:
        assert self._socket is not None
        try:
            changed = drain(self._socket, self._news)
        except OSError:
            # The kernel no longer tells: looking is slower, and better than never noticing a move again.
            self._close_socket()
            self._fall_back()
            changed = True
        if changed:
            self._settling.sign()

    def _close_socket(self) -> None:
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _fall_back(self) -> None:
        self._before = self._seen()
        self._poll = self._loop.call_later(POLL, self._look)

    def _look(self) -> None:
        now = self._seen()
        if now != self._before:
            self._before = now
            self._settling.sign()
        if not self._closed:
            self._poll = self._loop.call_later(POLL, self._look)

    def _seen(self) -> list[LocalAddress]:
        try:
            return self._addresses()
        except OSError:
            return self._before  # can't be read at the moment: look again next time


class Settling:
    """Turns a burst of signs into two calls: one at its first sign, one QUIET seconds after its last.

    A single sign makes a single call: what it told is in place already. A network that never rests is called for
    every LONGEST seconds.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._timer: asyncio.TimerHandle | None = None
        self._more = False
        self._until = 0.0

    def sign(self) -> None:
        """Something changed."""
        if self._timer is None:
            self._until = self._loop.time() + LONGEST
            self._wait()
            self._callback()
            return
        self._more = True
        self._timer.cancel()
        self._wait()

    def close(self) -> None:
        """Never call again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._more = False

    def _wait(self) -> None:
        self._timer = self._loop.call_at(min(self._loop.time() + QUIET, self._until), self._settled)

    def _settled(self) -> None:
        self._timer = None
        if self._more:
            self._more = False
            self._callback()
