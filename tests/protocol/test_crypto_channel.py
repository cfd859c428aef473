"""Channels: whatever the stream does, every byte arrives once, in order, and no counter seals two things."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avl_protocol.crypto import record
from avl_protocol.crypto.channel import ResumeHeader, SecureChannel, open_channel, read_resume_header
from avl_protocol.crypto.record import RecordOpener, RecordSealer
from avl_protocol.crypto.schedule import SessionKeys
from avl_protocol.wire import varint
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import MAX_CHANNEL_MESSAGE, CloseCode, RecordType

KEYS = SessionKeys(b"m" * 32, b"h" * 32)
SESSION = bytes(range(16))


def _pair(channel: int = 0) -> tuple[SecureChannel, SecureChannel]:
    return open_channel(KEYS, channel, True, SESSION), open_channel(KEYS, channel, False, SESSION)


def _limited(limit: int) -> tuple[SecureChannel, SecureChannel]:
    up, down, move = KEYS.channel_key(2, True), KEYS.channel_key(2, False), KEYS.move_key
    return (
        SecureChannel(
            send_key=up, receive_key=down, channel=2, from_viewer=True, move_key=move, session_id=SESSION, limit=limit
        ),
        SecureChannel(
            send_key=down, receive_key=up, channel=2, from_viewer=False, move_key=move, session_id=SESSION, limit=limit
        ),
    )


def _deliver(sender: SecureChannel, receiver: SecureChannel, data: bytes) -> bytes:
    """Carry bytes to and fro until both have said all; returns what the receiver read."""
    out = b""
    while data:
        out += b"".join(receiver.receive(data))
        assert sender.receive(receiver.take_output()) == []
        data = sender.take_output()
    return out


def _move(viewer: SecureChannel, host: SecureChannel, epoch: int) -> tuple[bytes, bytes]:
    """Move both ends to another stream; returns what the viewer and the host wrote behind their headers."""
    found = read_resume_header(viewer.resume_header(epoch))
    assert found is not None
    from_host = host.resume(found[0])
    answer = read_resume_header(host.resume_header(found[0].epoch))
    assert answer is not None
    return viewer.resume(answer[0]), from_host


def test_bytes_arrive_in_both_directions() -> None:
    viewer, host = _pair()
    assert host.receive(viewer.send(b"up")) == [b"up"]
    assert viewer.receive(host.send(b"down")) == [b"down"]


@given(st.lists(st.integers(1, 50), max_size=30))
def test_a_stream_may_be_cut_anywhere(cuts: list[int]) -> None:
    viewer, host = _pair()
    stream, out = viewer.send(b"first") + viewer.send(b"second") + viewer.finish(), b""
    for cut in (*cuts, len(stream)):
        out += b"".join(host.receive(stream[:cut]))
        stream = stream[cut:]
    assert out == b"firstsecond" and host.finished


def test_long_data_is_cut_into_records_and_waits_for_room() -> None:
    viewer, host = _pair(0)
    data = bytes(range(256)) * 2000
    first = viewer.send(data)
    assert viewer.retained <= 65536 and viewer.retained == len(first)
    assert not viewer.writable and viewer.backlog == len(data) - 3 * 16384
    assert _deliver(viewer, host, first) == data
    assert viewer.writable and viewer.backlog == 0


def test_bulk_keeps_more_than_control() -> None:
    viewer, _ = _pair(2)
    viewer.send(bytes(1_000_000))
    assert viewer.writable and viewer.backlog == 0
    viewer.send(bytes(3_500_000))
    assert not viewer.writable and viewer.retained <= 4194304


def test_a_peer_that_never_acknowledges_can_not_make_us_hold_everything() -> None:
    viewer, _ = _pair(0)
    viewer.send(bytes(100_000))
    with pytest.raises(LocalProtocolError):
        viewer.send(bytes(MAX_CHANNEL_MESSAGE))


def test_acknowledgements_come_after_32_records_or_16_kib() -> None:
    viewer, host = _pair()
    for _ in range(31):
        host.receive(viewer.send(b"x"))
        assert host.take_output() == b""
    host.receive(viewer.send(b"x"))
    ack = host.take_output()
    assert ack and host.take_output() == b""
    viewer.receive(ack)
    assert viewer.retained == 0
    host.receive(viewer.send(bytes(16384)))
    viewer.receive(host.take_output())
    assert viewer.retained == 0


def test_acknowledgements_alone_are_not_answered_for_long_and_not_kept_for_ever() -> None:
    viewer, host = _pair(2)
    for _ in range(2000):
        assert _deliver(viewer, host, viewer.send(bytes(16384))) == bytes(16384)
    assert host.retained < 256 * 32
    assert viewer.retained < 1000


def test_only_input_is_padded() -> None:
    assert len(_pair(1)[0].send(b"x")) == 2 + 64 + 16
    assert len(_pair(0)[0].send(b"x")) == 2 + 4 + 16


def test_the_end_of_a_stream_without_fin_is_truncation() -> None:
    viewer, host = _pair()
    host.receive(viewer.send(b"x"))
    assert host.truncated()
    host.receive(viewer.finish())
    assert host.finished and not host.truncated()
    with pytest.raises(LocalProtocolError):
        viewer.send(b"more")


def test_fin_waits_behind_what_waits() -> None:
    viewer, host = _pair()
    data = bytes(200_000)
    out = viewer.send(data) + viewer.finish()
    assert _deliver(viewer, host, out) == data
    assert host.finished
    assert viewer.finish() == b""


def test_nothing_but_acknowledgements_may_follow_fin() -> None:
    sealer, (_, host) = RecordSealer(KEYS.channel_key(0, True)), _pair()
    host.receive(sealer.seal(RecordType.FIN, b"") + sealer.seal(RecordType.ACK, b"\0"))
    with pytest.raises(RemoteProtocolError) as raised:
        host.receive(sealer.seal(RecordType.DATA, b"more"))
    assert raised.value.code == CloseCode.SESSION_PROTOCOL


def test_unknown_records_are_ignored() -> None:
    sealer, (_, host) = RecordSealer(KEYS.channel_key(0, True)), _pair()
    assert host.receive(sealer.seal(200, b"?") + sealer.seal(RecordType.DATA, b"x")) == [b"x"]


@pytest.mark.parametrize("content", [varint.encode(1), b"", b"\0\0"], ids=["never sent", "empty", "too long"])
def test_acknowledgements_that_make_no_sense_are_refused(content: bytes) -> None:
    sealer, (_, host) = RecordSealer(KEYS.channel_key(0, True)), _pair()
    with pytest.raises(RemoteProtocolError) as raised:
        host.receive(sealer.seal(RecordType.ACK, content))
    assert raised.value.code == CloseCode.SESSION_PROTOCOL


def test_tampering_and_oversized_records_end_the_channel() -> None:
    viewer, host = _pair()
    data = bytearray(viewer.send(b"x"))
    data[-1] ^= 1
    with pytest.raises(RemoteProtocolError) as raised:
        host.receive(bytes(data))
    assert raised.value.code == CloseCode.TAMPERED
    with pytest.raises(RemoteProtocolError):
        _pair()[1].receive((record.MAX_CIPHERTEXT + 1).to_bytes(2, "big"))


def test_directions_and_channels_do_not_share_keys() -> None:
    viewer, _ = _pair(0)
    data = viewer.send(b"x")
    for other in (_pair(1)[1], _pair(0)[0]):
        with pytest.raises(RemoteProtocolError):
            other.receive(data)


def test_a_channel_re_keys_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    viewer, host = _pair()
    monkeypatch.setattr(viewer._sealer, "_rekey_every", 4)
    opener = RecordOpener(KEYS.channel_key(0, True))
    stream = b"".join(viewer.send(b"%d" % n) for n in range(10))
    assert b"".join(host.receive(stream)) == b"0123456789"
    kinds = []
    while stream:
        size = 2 + int.from_bytes(stream[:2], "big")
        kinds.append(opener.open(stream[2:size])[0])
        stream = stream[size:]
    assert [n for n, kind in enumerate(kinds) if kind == RecordType.REKEY] == [3, 7, 11]


# -- moving --------------------------------------------------------------------------------------------------------


def test_what_was_lost_with_a_stream_is_repeated_on_the_next() -> None:
    viewer, host = _pair()
    host.receive(viewer.send(b"arrived "))
    lost = viewer.send(b"lost ")
    viewer.receive(host.send(b"down ")[:7])
    viewer.suspend()
    assert viewer.send(b"while suspended") == b""
    from_viewer, from_host = _move(viewer, host, 1)
    assert from_viewer.startswith(lost)
    assert b"".join(host.receive(from_viewer)) == b"lost while suspended"
    assert viewer.receive(from_host) == [b"down "]
    assert host.receive(viewer.send(b"!")) == [b"!"]


def test_the_same_counter_carries_the_same_bytes_over_any_number_of_moves() -> None:
    viewer, host = _pair()
    sent = viewer.send(b"one") + viewer.send(b"two")
    for epoch in (1, 2, 9):
        from_viewer, _ = _move(viewer, host, epoch)
        assert from_viewer == sent
    assert host.receive(sent) == [b"one", b"two"]


def test_fin_survives_a_move() -> None:
    viewer, host = _pair()
    viewer.send(b"x")
    viewer.finish()
    from_viewer, _ = _move(viewer, host, 1)
    assert host.receive(from_viewer) == [b"x"] and host.finished


@pytest.mark.parametrize(
    "forge",
    [
        lambda header: replace(header, mac=bytes(16)),
        lambda header: replace(header, next_counter=1),
        lambda header: replace(header, epoch=2),
        lambda header: replace(header, session=bytes(16)),
        lambda header: replace(header, channel=1),
    ],
)
def test_forged_headers_are_refused_and_change_nothing(forge: object) -> None:
    viewer, host = _pair()
    sent = host.send(b"x") + host.send(b"y")
    found = read_resume_header(viewer.resume_header(1))
    assert found is not None and callable(forge)
    with pytest.raises(RemoteProtocolError) as raised:
        host.resume(forge(found[0]))
    assert raised.value.code == CloseCode.TAMPERED
    assert host.resume(found[0]) == sent


def _sealed_header(from_viewer: bool, epoch: int, counter: int) -> ResumeHeader:
    maker = open_channel(KEYS, 0, from_viewer, SESSION)
    body = ResumeHeader(session=SESSION, channel=0, epoch=epoch, next_counter=counter, mac=b"")
    return replace(body, mac=maker._mac(from_viewer, body.body, b""))


def test_headers_of_the_past_are_refused() -> None:
    viewer, host = _pair()
    old = read_resume_header(viewer.resume_header(1))
    assert old is not None
    host.resume(old[0])
    answer = read_resume_header(host.resume_header(1))
    assert answer is not None
    viewer.resume(answer[0])
    for end, header in ((host, old[0]), (viewer, answer[0])):
        with pytest.raises(RemoteProtocolError):
            end.resume(header)
    host.resume(_sealed_header(True, 5, 0))
    with pytest.raises(RemoteProtocolError):
        host.resume(_sealed_header(True, 4, 0))
    with pytest.raises(LocalProtocolError):
        viewer.resume_header(1)


def test_the_viewer_accepts_only_an_answer_to_its_own_header() -> None:
    viewer, _ = _pair()
    viewer.resume_header(3)
    for epoch in (2, 4):
        with pytest.raises(RemoteProtocolError):
            viewer.resume(_sealed_header(False, epoch, 0))
    viewer.resume(_sealed_header(False, 3, 0))


def test_counters_never_sent_or_no_longer_kept_are_refused() -> None:
    viewer, host = _pair()
    for _ in range(32):
        viewer.receive(host.send(b"x"))
    host.receive(viewer.take_output())
    host.send(b"y")
    for counter in (31, 34):
        with pytest.raises(RemoteProtocolError):
            host.resume(_sealed_header(True, 1, counter))
    assert host.resume(_sealed_header(True, 1, 33)) == b""


def test_a_direction_s_header_does_not_serve_the_other() -> None:
    viewer, host = _pair()
    viewer.resume_header(1)
    with pytest.raises(RemoteProtocolError):
        host.resume(_sealed_header(False, 1, 0))


@given(st.binary(max_size=80))
def test_a_header_is_read_whole_or_not_at_all(data: bytes) -> None:
    found = read_resume_header(data)
    if found is not None:
        header, size = found
        assert read_resume_header(data[: size - 1]) is None
        assert read_resume_header(header.to_bytes()) == (header, len(header.to_bytes()))


@settings(max_examples=80)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("send"), st.booleans(), st.integers(1, 40_000)),
            st.tuples(st.just("carry"), st.booleans(), st.integers(1, 60_000)),
            st.tuples(st.just("move"), st.booleans(), st.integers(1, 3)),
        ),
        max_size=40,
    )
)
def test_every_byte_arrives_once_whenever_streams_are_lost(steps: list[tuple[str, bool, int]]) -> None:
    ends = dict(zip((True, False), _limited(100_000), strict=True))
    wire, sent, got = {True: b"", False: b""}, {True: b"", False: b""}, {True: b"", False: b""}
    sealed: dict[tuple[bool, int], bytes] = {}
    position = {True: 0, False: 0}
    epoch = 0

    def note(side: bool, data: bytes, at: int) -> None:
        """Each counter's bytes, as they go out, never differ."""
        while data:
            size = 2 + int.from_bytes(data[:2], "big")
            assert sealed.setdefault((side, at), data[:size]) == data[:size]
            data, at = data[size:], at + 1
        position[side] = max(position[side], at)

    def put(side: bool, data: bytes) -> None:
        note(side, data, position[side])
        wire[side] += data

    def carry(side: bool, size: int) -> None:
        data, wire[side] = wire[side][:size], wire[side][size:]
        got[side] += b"".join(ends[not side].receive(data))
        put(not side, ends[not side].take_output())

    for kind, side, size in [*steps, ("move", True, 1)]:
        if kind == "send" and ends[side].writable:
            data = bytes([len(sent[side]) % 251]) * size
            sent[side] += data
            put(side, ends[side].send(data))
        elif kind == "carry":
            carry(side, size)
        elif kind == "move":
            epoch += size
            wire = {True: b"", False: b""}
            if size == 3:  # the host answers on a stream that is lost before the viewer reads it
                found = read_resume_header(ends[True].resume_header(epoch))
                assert found is not None
                note(False, ends[False].resume(found[0]), found[0].next_counter)
                ends[False].resume_header(epoch)
                epoch += 1
            counters = {s: ends[s]._opener.counter for s in ends}
            from_viewer, from_host = _move(ends[True], ends[False], epoch)
            note(True, from_viewer, counters[False])
            note(False, from_host, counters[True])
            wire = {True: from_viewer, False: from_host}
    while wire[True] or wire[False]:
        for side in (True, False):
            carry(side, 1 << 20)
    assert got == sent
