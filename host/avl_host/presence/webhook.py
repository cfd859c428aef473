"""Webhook: posts notices as JSON to an address of the owner's (HTTP/1.1, RFC 9112).

One request a connection, no redirects, no more of the answer than its first line: whoever answers can do nothing here,
and who does not is left by the time that Notices gives.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

from avl_host.presence.notices import Notice

_PORTS = {"http": 80, "https": 443}


class Webhook:
    """A Teller. `url`: "https://..." or "http://...". Raises ValueError for anything else."""

    name = "the webhook"

    def __init__(self, url: str, context: Callable[[], ssl.SSLContext] = ssl.create_default_context) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or not url.isascii() or not url.isprintable() or " " in url:
            raise ValueError(f"{url!r} is no address for a webhook: give https://HOST/PATH")
        self._host, self._port = parts.hostname, parts.port or _PORTS[parts.scheme]
        self._authority = parts.netloc.rpartition("@")[2]
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._context = context if parts.scheme == "https" else None

    async def tell(self, notice: Notice) -> None:
        """See Teller. Any status of 200 to 299 is taken for yes."""
        tls = self._context() if self._context is not None else None
        reader, writer = await asyncio.open_connection(self._host, self._port, ssl=tls, limit=1024)
        try:
            body = notice.to_json()
            head = (
                f"POST {self._path} HTTP/1.1\r\nHost: {self._authority}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            )
            writer.write(head.encode("ascii") + body)
            await writer.drain()
            try:
                line = await reader.readline()
            except ValueError:
                raise OSError("its answer is no HTTP") from None
            status = line.split()[1:2]
            if not line.startswith(b"HTTP/1.") or not status or not status[0].isdigit():
                raise OSError("its answer is no HTTP")
            if not 200 <= int(status[0]) < 300:
                raise OSError(f"it answered {int(status[0])}")
        finally:
            # Not closed in peace: that would wait for the other end.
            writer.transport.abort()
