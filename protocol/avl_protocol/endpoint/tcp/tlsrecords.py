"""TlsRecords: TLS on TCP without I/O: bytes of the network on one side, plain bytes on the other.

An event loop's own TLS puts two more buffers between a program and its socket, of which one can't be made shorter; what
waits there can no longer be dropped or overtaken. And it can't be begun on a connection that was accepted without a
chance to lose the first bytes.
"""

from __future__ import annotations

import ssl

#: Bytes read at once; a record holds 16 KiB.
PIECE = 64 << 10


class TlsRecords:
    """One side of one connection. Raises ssl.SSLError if the peer is at fault; the alert to send is kept."""

    def __init__(self, context: ssl.SSLContext, server_name: str | None = None) -> None:
        """A client's side names the server it means."""
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._arrived, self._leaving, server_side=server_name is None, server_hostname=server_name
        )
        #: Whether the handshake is done, and whether the peer has said that it writes no more.
        self.established = self.ended = False

    def start(self) -> None:
        """Begin the handshake, or go on with it."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        self.established = True

    def receive(self, data: bytes) -> bytes:
        """Take bytes of the network; returns plain ones."""
        self._arrived.write(data)
        if not self.established:
            self.start()
        plain = b""
        while self.established and not self.ended:
            try:
                piece = self._tls.read(PIECE)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLZeroReturnError:
                piece = b""
            self.ended = not piece
            plain += piece
        return plain

    def send(self, plain: bytes) -> None:
        """Seal plain bytes."""
        self._tls.write(plain)

    def finish(self) -> None:
        """Say that nothing more follows, so that the peer can tell this from a cut."""
        if self.established:
            try:
                self._tls.unwrap()
            except ssl.SSLError:  # the peer need not say the same first
                return

    def data_to_send(self) -> bytes:
        """Bytes for the network."""
        return self._leaving.read()

    @property
    def peer_certificate(self) -> bytes | None:
        """DER of what the peer presented."""
        return self._tls.getpeercert(binary_form=True)
