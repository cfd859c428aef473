"""Acceptor: the answers that a server gives before it keeps a connection, or instead.

A Retry makes a stranger prove its address, version negotiation names what we speak, a stateless reset tells a peer
that we have forgotten it. None of them costs more than the packet it answers (RFC 9000, sections 6, 8.1.2 and
10.3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aioquic.buffer import Buffer  # type: ignore[attr-defined]
from aioquic.quic.packet import encode_quic_retry, encode_quic_version_negotiation, pull_quic_header
from aioquic.quic.retry import QuicRetryTokenHandler

from avl_protocol.endpoint.accept.admission import ConnectionAdmission, Decision
from avl_protocol.endpoint.accept.hits import Hits, network
from avl_protocol.endpoint.udp.demux import (
    SMALLEST_RESET,
    SUPPORTED_VERSIONS,
    TOKEN_LENGTH,
    NewConnection,
    UnknownVersion,
)
from avl_protocol.endpoint.udp.network import Address
from avl_protocol.quic.identifiers import reset_token
from avl_protocol.quic.options import CID_LENGTH
from avl_protocol.rate.limits import DEFAULT, Bucket, Limits

#: Stateless resets a second and in a burst, for all sources together.
RESETS = (100.0, 100.0)
LARGEST_RESET = 42


@dataclass(frozen=True, slots=True)
class Admitted:
    """A connection may be made: the client's first destination ID, and ours if there was a Retry in between."""

    original: bytes
    retried: bytes | None


class Acceptor:
    """Judges first packets and writes stateless answers."""

    def __init__(
        self,
        reset_key: bytes,
        entropy: Callable[[int], bytes],
        now: float,
        limits: Limits = DEFAULT,
        *,
        names: Callable[[int], bytes] | None = None,
    ) -> None:
        """`names` makes connection IDs, by which the answer to a Retry finds us again."""
        self.admission = ConnectionAdmission(limits)
        self._reset_key = reset_key
        self._entropy = entropy
        self._names = names or entropy
        self._resets = Bucket(*RESETS, now)
        self._tokens = QuicRetryTokenHandler()
        #: First packets that were answered by a Retry, and those that were dropped for a limit.
        self.retried, self.refused = 0, Hits()

    def judge(self, first: NewConnection, data: bytes, address: Address, now: float) -> Admitted | bytes | None:
        """Admit a first packet, answer it with the returned bytes, or ignore it."""
        try:
            token = pull_quic_header(Buffer(data=data), host_cid_length=CID_LENGTH).token
        except ValueError:
            return None
        original, retried = first.destination, None
        if token:
            try:
                original = self._tokens.validate_token(
                    address=address, destination_cid=first.destination, token=token, now=now
                )
                retried = first.destination
            except ValueError:
                retried = None  # an old or foreign token proves nothing; the client may be asked again
        decision = self.admission.decide(address[0], proved=retried is not None, now=now)
        if decision is Decision.RETRY:
            self.retried += 1
            return self._retry(first, address, now)
        if decision is Decision.ACCEPT:
            return Admitted(original, retried)
        self.refused.add(network(address[0]))
        return None

    def reset(self, destination: bytes, size: int, now: float) -> bytes | None:
        """A stateless reset for a packet of `size` bytes; shorter than it, so that two endpoints cannot loop."""
        size = min(size - 1, LARGEST_RESET)
        if size < SMALLEST_RESET or not self._resets.take(now):
            return None
        noise = self._entropy(size - TOKEN_LENGTH)
        return bytes([0x40 | noise[0] & 0x3F]) + noise[1:] + reset_token(self._reset_key, destination)

    def _retry(self, first: NewConnection, address: Address, now: float) -> bytes:
        chosen = self._names(CID_LENGTH)
        token = self._tokens.create_token(
            address=address,
            original_destination_connection_id=first.destination,
            retry_source_connection_id=chosen,
            now=now,
        )
        return encode_quic_retry(
            version=first.version,
            source_cid=chosen,
            destination_cid=first.source,
            original_destination_cid=first.destination,
            retry_token=token,
        )


def other_versions(unknown: UnknownVersion) -> bytes:
    """A version negotiation packet."""
    return encode_quic_version_negotiation(
        source_cid=unknown.destination,
        destination_cid=unknown.source,
        supported_versions=list(SUPPORTED_VERSIONS),
    )
