"""A channel: two directions of records that outlive the stream they travel on (spec 06-security, 6.3 and 6.3.1).

The sender keeps the ciphertext of what is unacknowledged. When a stream is lost, both ends say which counter they
expect and repeat those very bytes on the next stream, so that every byte arrives once and no counter ever seals two
things.
"""

from __future__ import annotations

import hmac
from collections import deque
from dataclasses import dataclass

from avl_protocol.crypto.record import LENGTH_BYTES, MAX_CIPHERTEXT, RecordOpener, RecordSealer
from avl_protocol.crypto.schedule import SessionKeys
from avl_protocol.wire import varint
from avl_protocol.wire.buffer import Reader
from avl_protocol.wire.channels import is_bulk
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.framing import ShortFrameReader
from avl_protocol.wire.registry import (
    MAX_CHANNEL_MESSAGE,
    MAX_RECORD_DATA,
    MAX_RECORD_PAD,
    MAX_RETAINED_BULK,
    MAX_RETAINED_CONTROL,
    Channel,
    CloseCode,
    RecordType,
)

ACK_RECORDS = 32
ACK_BYTES = 16_384
#: Records of any type, acknowledgements too, after which one is owed: what only acknowledges must not be kept for ever.
ACK_ANY_RECORDS = 256

SESSION_BYTES = 16
MAC_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeHeader:
    """Channel Resume: what each direction of a re-opened stream begins with."""

    session: bytes
    channel: int
    epoch: int
    next_counter: int
    mac: bytes

    @property
    def body(self) -> bytes:
        """All that the MAC covers but the direction."""
        numbers = (self.channel, self.epoch, self.next_counter)
        return self.session + b"".join(varint.encode(number) for number in numbers)

    def to_bytes(self) -> bytes:
        """The header as it travels."""
        return self.body + self.mac


def read_resume_header(data: bytes) -> tuple[ResumeHeader, int] | None:
    """The header at the front of a stream and its size in bytes; None until all of it has arrived.

    The MAC is not checked here.
    """
    offset = SESSION_BYTES
    numbers = []
    for _ in range(3):
        found = varint.decode(data, offset)
        if found is None:
            return None
        number, offset = found
        numbers.append(number)
    end = offset + MAC_BYTES
    if len(data) < end:
        return None
    return ResumeHeader(
        session=bytes(data[:SESSION_BYTES]),
        channel=numbers[0],
        epoch=numbers[1],
        next_counter=numbers[2],
        mac=bytes(data[offset:end]),
    ), end


class SecureChannel:
    """One end of a channel.

    `from_viewer`: whether this end is the viewer's. `limit`: ciphertext kept at most, in bytes.
    """

    def __init__(
        self,
        *,
        send_key: bytes,
        receive_key: bytes,
        channel: int,
        from_viewer: bool,
        move_key: bytes,
        session_id: bytes,
        limit: int,
    ) -> None:
        self.channel = channel
        self._sealer = RecordSealer(send_key, MAX_RECORD_PAD if channel == Channel.INPUT else 0)
        self._opener = RecordOpener(receive_key)
        self._from_viewer = from_viewer
        self._move_key = move_key
        self._session_id = session_id
        self._limit = limit
        self._reader = ShortFrameReader(MAX_CIPHERTEXT)
        self._kept: deque[bytes] = deque()
        self._first_kept = 0
        self._backlog: deque[bytes] = deque()
        self._suspended = False
        self._epoch = 0
        self._epoch_sent = 0
        self._closing = False
        self._fin_sent = False
        self._owed_records = self._owed_bytes = self._owed_any = 0
        #: Bytes of ciphertext that the peer has not acknowledged.
        self.retained = 0
        #: Bytes given to `send` that no record holds yet, because `retained` is at its limit.
        self.backlog = 0
        #: Whether the peer ended its direction with FIN.
        self.finished = False

    @property
    def writable(self) -> bool:
        """Whether more data should be given to `send` now."""
        return not self.backlog and self.retained < self._limit and not self._closing

    @property
    def suspended(self) -> bool:
        """Whether the channel waits for another stream: nothing it returns belongs on the lost one."""
        return self._suspended

    def send(self, data: bytes) -> bytes:
        """Send `data`: returns what to put on the stream now. The rest follows from `take_output` as the peer
        acknowledges.

        Raises LocalProtocolError after `finish`, or when more than MAX_CHANNEL_MESSAGE bytes would wait.
        """
        if self._closing:
            raise LocalProtocolError("the channel was finished")
        if self.backlog and self.backlog + len(data) > MAX_CHANNEL_MESSAGE:
            raise LocalProtocolError("the channel is not writable: its peer does not acknowledge")
        for at in range(0, len(data), MAX_RECORD_DATA):
            self._backlog.append(bytes(data[at : at + MAX_RECORD_DATA]))
        self.backlog += len(data)
        return self._flush()

    def finish(self) -> bytes:
        """End our direction behind what waits: returns what to put on the stream now."""
        self._closing = True
        return self._flush()

    def receive(self, data: bytes) -> list[bytes]:
        """Take bytes of the stream; returns the data of the records completed. Call `take_output` afterwards.

        Raises RemoteProtocolError: TAMPERED for a record that does not open, SESSION_PROTOCOL for one that breaks the
        rules.
        """
        self._reader.feed(data)
        out: list[bytes] = []
        while (ciphertext := self._reader.next()) is not None:
            kind, content = self._opener.open(ciphertext)
            self._owed_any += 1
            if kind == RecordType.ACK:
                self._acknowledged(content)
                continue
            if kind in (RecordType.DATA, RecordType.FIN) and self.finished:
                raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "the channel goes on behind its end")
            self._owed_records += 1
            self._owed_bytes += LENGTH_BYTES + len(ciphertext)
            if kind == RecordType.DATA:
                out.append(content)
            elif kind == RecordType.FIN:
                self.finished = True
        return out

    def take_output(self) -> bytes:
        """What to put on the stream after `receive`: an acknowledgement if one is due, and data that waited for
        room.
        """
        if self._suspended:
            return b""
        out = b""
        if self._owed_records >= ACK_RECORDS or self._owed_bytes >= ACK_BYTES or self._owed_any >= ACK_ANY_RECORDS:
            self._owed_records = self._owed_bytes = self._owed_any = 0
            out = self._seal(RecordType.ACK, varint.encode(self._opener.counter))
        return out + self._flush()

    def truncated(self) -> bool:
        """Whether an end of the stream here would cut the peer's direction short: that is never an end (R-SEC-22)."""
        return not self.finished

    # -- moving to another stream ------------------------------------------------------------------------------------

    def suspend(self) -> None:
        """The stream is lost: forget its unfinished record and hold back until `resume`."""
        self._suspended = True
        self._reader.clear()

    @property
    def epoch(self) -> int:
        """The highest epoch that a header of ours has named."""
        return self._epoch_sent

    def resume_header(self, epoch: int, binding: bytes = b"") -> bytes:
        """Our Channel Resume for a new stream on a carrier of this `binding` (6.3.1).

        The viewer picks an `epoch` above all earlier ones and is suspended until `resume`; the host first accepts the
        viewer's header with `resume`, then repeats its epoch here.
        """
        if epoch < self._epoch or (self._from_viewer and epoch <= self._epoch_sent):
            raise LocalProtocolError(f"epoch {epoch} of a channel was used before")
        if self._from_viewer:
            self.suspend()
        self._epoch_sent = epoch
        header = ResumeHeader(
            session=self._session_id, channel=self.channel, epoch=epoch, next_counter=self._opener.counter, mac=b""
        )
        self._owed_records = self._owed_bytes = self._owed_any = 0
        return header.body + self._mac(self._from_viewer, header.body, binding)

    def resume(self, header: ResumeHeader, binding: bytes = b"") -> bytes:
        """Accept the peer's Channel Resume: returns what to put on the new stream, behind our own header.

        Raises RemoteProtocolError(TAMPERED) for a header to be refused (R-SEC-27); the channel is unchanged then.
        """
        if header.session != self._session_id or header.channel != self.channel:
            raise RemoteProtocolError(CloseCode.TAMPERED, "a resume header is for another channel")
        if not hmac.compare_digest(header.mac, self._mac(not self._from_viewer, header.body, binding)):
            raise RemoteProtocolError(CloseCode.TAMPERED, "a resume header is not authentic")
        if header.epoch <= self._epoch or (self._from_viewer and header.epoch != self._epoch_sent):
            raise RemoteProtocolError(CloseCode.TAMPERED, "a resume header is out of date")
        if not self._first_kept <= header.next_counter <= self._sealer.counter:
            raise RemoteProtocolError(CloseCode.TAMPERED, "a resume header asks for what is not kept")
        self._reader.clear()
        self._epoch = header.epoch
        self._drop_before(header.next_counter)
        self._suspended = False
        return b"".join(self._kept) + self._flush()

    def _mac(self, from_viewer: bool, body: bytes, binding: bytes) -> bytes:
        direction = b"\x00" if from_viewer else b"\x01"
        return hmac.digest(self._move_key, direction + body + binding, "sha256")[:MAC_BYTES]

    # -- records -----------------------------------------------------------------------------------------------------

    def _flush(self) -> bytes:
        if self._suspended:
            return b""
        out = []
        while self._backlog and self.retained + self._sealer.size(len(self._backlog[0])) <= self._limit:
            data = self._backlog.popleft()
            self.backlog -= len(data)
            out.append(self._seal(RecordType.DATA, data))
        if self._closing and not self._backlog and not self._fin_sent:
            self._fin_sent = True
            out.append(self._seal(RecordType.FIN, b""))
        return b"".join(out)

    def _seal(self, kind: RecordType, data: bytes) -> bytes:
        out = self._keep(self._sealer.seal(RecordType.REKEY, b"")) if self._sealer.rekey_due else b""
        return out + self._keep(self._sealer.seal(kind, data))

    def _keep(self, record: bytes) -> bytes:
        self._kept.append(record)
        self.retained += len(record)
        return record

    def _acknowledged(self, content: bytes) -> None:
        reader = Reader(content, CloseCode.SESSION_PROTOCOL)
        counter = reader.integer()
        if len(reader) or counter > self._sealer.counter:
            raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "an acknowledgement of what was never sent")
        self._drop_before(counter)

    def _drop_before(self, counter: int) -> None:
        while self._first_kept < counter:
            self.retained -= len(self._kept.popleft())
            self._first_kept += 1


def open_channel(keys: SessionKeys, channel: int, from_viewer: bool, session_id: bytes) -> SecureChannel:
    """The end of a session's channel with the keys and limit that the specification gives it."""
    return SecureChannel(
        send_key=keys.channel_key(channel, from_viewer),
        receive_key=keys.channel_key(channel, not from_viewer),
        channel=channel,
        from_viewer=from_viewer,
        move_key=keys.move_key,
        session_id=session_id,
        limit=MAX_RETAINED_BULK if is_bulk(channel) else MAX_RETAINED_CONTROL,
    )
