"""Settings of a connection: what differs between programs, and aioquic's configuration with what does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from aioquic.quic.configuration import QuicConfiguration

from avl_protocol.quic import congestion
from avl_protocol.quic.flow import FRIEND, STRANGER
from avl_protocol.quic.qlog import recorder
from avl_protocol.rate.settings import RateSettings

CID_LENGTH = 8
#: AES-GCM may protect 2^23 packets under one key (RFC 9001, section 6.6); half of that is soon enough.
KEY_UPDATE_AFTER = 1 << 22


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """What differs between programs. Times in seconds; `keepalive` None: the idle timeout may end the connection."""

    ack_delay: float = 0.005
    keepalive: float | None = None
    handshake_deadline: float = 5.0
    key_update_after: int = KEY_UPDATE_AFTER
    rate: RateSettings = field(default_factory=RateSettings)


def configuration(*, is_client: bool, alpn: Sequence[str], idle_timeout: float) -> QuicConfiguration:
    """A QuicConfiguration with what is common to all; certificates and verification are the caller's to add."""
    windows = FRIEND if is_client else STRANGER
    return QuicConfiguration(
        is_client=is_client,
        alpn_protocols=list(alpn),
        connection_id_length=CID_LENGTH,
        congestion_control_algorithm=congestion.NAME,
        idle_timeout=idle_timeout,
        max_data=windows.connection,
        max_stream_data=windows.stream,
        max_datagram_frame_size=65536,
        quic_logger=recorder(),
    )
