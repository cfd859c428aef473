"""The handshake: who gets in, who does not, and what each end expects when."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avl_protocol.crypto import authentication
from avl_protocol.crypto import identity as identities
from avl_protocol.crypto.identity import CLOCK_TOLERANCE
from avl_protocol.wire.codec import HANDSHAKE
from avl_protocol.wire.endtoend import Challenge, Confirm
from avl_protocol.wire.errors import LocalProtocolError, ProtocolError, Refused, RemoteProtocolError
from avl_protocol.wire.registry import MAX_HANDSHAKE_MESSAGE, SESSION_VERSIONS, CloseCode
from tests.protocol.handshakes import HOST, VIEWER, WALL, Run, Seeded, host, identity, viewer


def _flipped(number: int, bit: int) -> Run:
    def change(at: int, body: bytes) -> bytes:
        if at != number:
            return body
        out = bytearray(body)
        out[bit // 8 % len(out)] ^= 1 << bit % 8
        return bytes(out)

    return Run(viewer(), host(), change=change)


def test_both_ends_know_the_same_keys_and_each_other() -> None:
    run = Run(viewer(), host())
    ours, theirs = run.admit()
    assert ours == theirs
    assert run.viewer.admitted and run.viewer.done and run.host.done
    assert run.viewer.host_identity == HOST.public
    assert run.viewer.which == 0
    assert run.viewer.version == run.host.version == max(SESSION_VERSIONS)
    labels = [ours.channel_key(n, side) for n in range(3) for side in (True, False)] + [
        ours.move_key,
        ours.label("wrap"),
    ]
    assert len(set(labels)) == 8 and all(len(key) == 32 for key in labels)
    assert "master" not in repr(ours)


def test_the_host_learns_who_asks_for_what() -> None:
    run = Run(viewer(name="Zoë", permissions=5), host())
    (second,) = run.host.receive(run.viewer.start()).send
    (third,) = run.viewer.receive(second)
    asks = run.host.receive(third).asks
    assert asks is not None
    assert (asks.identity, asks.name, asks.permissions) == (VIEWER.public, "Zoë", 5)


@pytest.mark.parametrize("spelling", ["7k3p9qx2", "7K3P 9QX2", " 7k3p-9qx2\n"])
def test_a_code_is_known_in_any_spelling(spelling: str) -> None:
    assert Run(viewer(spelling), host()).confirm() == 0


def test_the_view_code_is_known_as_the_second_one() -> None:
    assert Run(viewer("view-code"), host(), ("7K3P9QX2", "V1EWC0DE")).confirm() == 1


@pytest.mark.parametrize("codes", [("ABCDEFGH", "22222222"), (None, None), (None, "ABCDEFGH")])
def test_without_the_right_code_the_viewer_is_told_refused(codes: tuple[str | None, str | None]) -> None:
    run = Run(viewer(), host(), codes)
    with pytest.raises(Refused) as refused:
        run.confirm()
    assert refused.value.code == CloseCode.REFUSED
    assert not run.viewer.done and not run.host.done


def test_a_challenge_looks_alike_whatever_codes_there_are() -> None:
    challenges = {len(Run(viewer(), host(), codes).challenge()) for codes in ((None, None), ("ABCDEFGH", "22222222"))}
    assert len(challenges) == 1


def test_a_made_up_tag_is_refused_and_the_refusal_arrives() -> None:
    cheat = Run(viewer(), host())
    challenge = cheat.challenge()
    body = authentication.seal(cheat.viewer._send, Confirm(0, bytes(64)))
    with pytest.raises(Refused) as refused:
        cheat.host.receive(body)
    assert refused.value.code == CloseCode.REFUSED
    assert not cheat.host.done
    cheat.viewer.receive(challenge)
    with pytest.raises(Refused) as told:
        cheat.viewer.receive(cheat.host.refuse(CloseCode.REFUSED))
    assert told.value.code == CloseCode.REFUSED
    with pytest.raises(LocalProtocolError):
        cheat.host.admit()


def test_a_tag_for_a_code_that_does_not_exist_is_refused() -> None:
    cheat = Run(viewer(), host(), ("7K3P9QX2", None))
    cheat.challenge()
    with pytest.raises(Refused):
        cheat.host.receive(authentication.seal(cheat.viewer._send, Confirm(1, bytes(64))))
    cheat = Run(viewer(), host(), ("7K3P9QX2", None))
    cheat.challenge()
    with pytest.raises(RemoteProtocolError) as raised:
        cheat.host.receive(authentication.seal(cheat.viewer._send, Confirm(2, bytes(64))))
    assert raised.value.code == CloseCode.SESSION_PROTOCOL


@pytest.mark.parametrize("code", [CloseCode.DENIED, CloseCode.NO_CONSENT, CloseCode.LIMIT])
def test_the_host_may_refuse_with_a_reason(code: CloseCode) -> None:
    early = Run(viewer(), host())
    (second,) = early.host.receive(early.viewer.start()).send
    (third,) = early.viewer.receive(second)
    early.host.receive(third)
    late = Run(viewer(), host())
    late.confirm()
    late.viewer.receive(late.host.wait(30))
    for run in (early, late):
        with pytest.raises(Refused) as refused:
            run.viewer.receive(run.host.refuse(code))
        assert refused.value.code == code
        with pytest.raises(LocalProtocolError):
            run.host.refuse(code)


def test_the_viewer_knows_how_long_a_person_may_take() -> None:
    run = Run(viewer(), host())
    run.confirm()
    assert run.viewer.waiting is None
    assert run.viewer.receive(run.host.wait(30)) == []
    assert run.viewer.waiting == 30 and not run.viewer.admitted
    run.viewer.receive(run.host.admit())
    assert run.viewer.waiting is None and run.viewer.admitted


def test_another_device_at_the_other_end_can_not_read_the_handshake() -> None:
    impostor = host(own=identity("impostor"))
    run = viewer()
    (second,) = impostor.receive(run.start()).send
    with pytest.raises(RemoteProtocolError) as raised:
        run.receive(second)
    assert raised.value.code == CloseCode.TAMPERED


def test_a_host_that_lies_about_its_number_is_the_wrong_host(monkeypatch: pytest.MonkeyPatch) -> None:
    true_prologue = authentication.prologue
    monkeypatch.setattr(authentication, "prologue", lambda session, number: true_prologue(session, HOST.number))
    run, impostor = viewer(), host(own=identity("impostor"))
    (second,) = impostor.receive(run.start()).send
    with pytest.raises(Refused) as refused:
        run.receive(second)
    assert refused.value.code == CloseCode.WRONG_HOST


@pytest.mark.parametrize(
    ("drift", "told"),
    [
        (CLOCK_TOLERANCE + 3601, "differ by 1 day: this machine's is ahead of the host's"),
        (-CLOCK_TOLERANCE - 1, "differ by 1 day: this machine's is behind the host's"),
        (-3 * CLOCK_TOLERANCE, "differ by 3 days: this machine's is behind the host's"),
        (40 * CLOCK_TOLERANCE, "differ by 40 days: this machine's is ahead of the host's"),
    ],
)
def test_a_wrong_clock_is_told_as_one_and_not_as_a_wrong_host(drift: int, told: str) -> None:
    run, late = viewer(), host(wall=WALL - drift)
    (second,) = late.receive(run.start()).send
    with pytest.raises(Refused, match=told) as refused:
        run.receive(second)
    assert refused.value.code == CloseCode.CLOCK


@pytest.mark.parametrize("drift", [3 * CLOCK_TOLERANCE, -3 * CLOCK_TOLERANCE])
def test_the_host_too_tells_a_wrong_clock_as_one(monkeypatch: pytest.MonkeyPatch, drift: int) -> None:
    run = Run(viewer(), host())
    (second,) = run.host.receive(run.viewer.start()).send
    true_endorsement = authentication.endorsement
    monkeypatch.setattr(
        authentication, "endorsement", lambda own, label, noise, wall: true_endorsement(own, label, noise, wall + drift)
    )
    (third,) = run.viewer.receive(second)
    with pytest.raises(Refused) as refused:
        run.host.receive(third)
    assert refused.value.code == CloseCode.CLOCK
    with pytest.raises(Refused, match="differ by more than a day"):
        run.viewer.receive(run.host.refuse(refused.value.code))


def test_an_impostor_is_the_wrong_host_whatever_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    for endorsed in ((0, 10, bytes(64)), (WALL, WALL + 1000 * CLOCK_TOLERANCE, None)):
        run, late = viewer(), host()
        not_before, not_after, signature = endorsed
        label, key = identities.STATIC_HOST, late._noise.static_public
        made = signature or identities.endorse_static(HOST, label, key, not_before, not_after)
        with monkeypatch.context() as patch:
            patch.setattr(authentication, "endorsement", lambda *_, of=(not_before, not_after, made): of)
            (second,) = late.receive(run.start()).send
        with pytest.raises(Refused) as refused:
            run.receive(second)
        assert refused.value.code == CloseCode.WRONG_HOST


def test_a_clock_that_is_a_day_off_is_tolerated() -> None:
    ours, theirs = Run(viewer(wall=WALL + CLOCK_TOLERANCE), host()).admit()
    assert ours == theirs


def test_a_viewer_whose_endorsement_is_not_its_own_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(viewer(), host())
    (second,) = run.host.receive(run.viewer.start()).send
    monkeypatch.setattr(authentication, "endorsement", lambda *arguments: (WALL, WALL + 10, bytes(64)))
    (third,) = run.viewer.receive(second)
    with pytest.raises(Refused) as refused:
        run.host.receive(third)
    assert refused.value.code == CloseCode.REFUSED


def test_the_highest_common_version_is_chosen_and_none_ends_the_session() -> None:
    run = Run(viewer(versions=(1, 2, 5)), host(versions=(1, 2, 4)))
    run.admit()
    assert run.viewer.version == run.host.version == 2
    with pytest.raises(Refused) as refused:
        Run(viewer(versions=(7,)), host()).confirm()
    assert refused.value.code == CloseCode.SESSION_VERSION


def test_another_session_id_makes_the_handshake_fail() -> None:
    with pytest.raises(RemoteProtocolError) as raised:
        Run(viewer(), host(session_id=bytes(16))).confirm()
    assert raised.value.code == CloseCode.TAMPERED


@pytest.mark.parametrize("number", range(1, 8))
@settings(max_examples=12)
@given(bit=st.integers(min_value=0, max_value=1200 * 8))
def test_any_flipped_bit_ends_the_handshake(number: int, bit: int) -> None:
    run = _flipped(number, bit)
    with pytest.raises((RemoteProtocolError, Refused)):
        run.admit()
    assert not run.viewer.admitted


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=6))
def test_messages_out_of_order_never_admit(order: list[tuple[int, bool]]) -> None:
    bodies: list[bytes] = []

    def remember(number: int, body: bytes) -> bytes:
        bodies.append(body)
        return body

    Run(viewer(), host(), change=remember).admit()
    fresh = Run(viewer(), host())
    fresh.viewer.start()
    for index, to_host in order:
        try:
            if to_host:
                fresh.host.receive(bodies[index])
            else:
                fresh.viewer.receive(bodies[index])
        except (RemoteProtocolError, Refused):
            continue
    assert not fresh.host.done


def test_after_an_error_nothing_is_expected_any_more() -> None:
    end = host()
    with pytest.raises(RemoteProtocolError):
        end.receive(b"not message 1")
    with pytest.raises(RemoteProtocolError) as raised:
        end.receive(viewer().start())
    assert raised.value.code == CloseCode.SESSION_PROTOCOL


def test_nothing_follows_admission() -> None:
    run = Run(viewer(), host())
    run.admit()
    for receive in (run.viewer.receive, run.host.receive):
        with pytest.raises(RemoteProtocolError) as raised:
            receive(b"more")
        assert raised.value.code == CloseCode.SESSION_PROTOCOL
    with pytest.raises(LocalProtocolError):
        run.host.wait(1)
    with pytest.raises(LocalProtocolError):
        run.host.admit()
    with pytest.raises(LocalProtocolError):
        run.host.refuse(CloseCode.DENIED)


def test_a_body_over_the_limit_is_refused_by_both_ends() -> None:
    run = viewer()
    run.start()
    for receive in (run.receive, host().receive):
        with pytest.raises(RemoteProtocolError) as raised:
            receive(bytes(MAX_HANDSHAKE_MESSAGE + 1))
        assert raised.value.code == CloseCode.SESSION_PROTOCOL


def test_a_name_that_does_not_fit_is_our_own_mistake() -> None:
    run = Run(viewer(name="x" * MAX_HANDSHAKE_MESSAGE), host())
    with pytest.raises(LocalProtocolError):
        run.confirm()


def test_a_low_order_share_is_refused_by_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(viewer(), host())
    (second,) = run.host.receive(run.viewer.start()).send
    encode = HANDSHAKE.encode

    def forge(message: object) -> bytes:
        if hasattr(message, "share"):
            object.__setattr__(message, "share", bytes(32))
        return encode(message)  # type: ignore[arg-type]

    monkeypatch.setattr(HANDSHAKE, "encode", forge)
    (third,) = run.viewer.receive(second)
    assert run.host.receive(third).asks is not None
    with pytest.raises(RemoteProtocolError) as raised:
        run.host.challenge(run.codes)
    assert raised.value.code == CloseCode.SESSION_PROTOCOL


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_challenge_carries_two_shares(count: int) -> None:
    run = Run(viewer(), host())
    run.challenge()
    assert run.host._send is not None
    other = Run(viewer(), host())
    (second,) = other.host.receive(other.viewer.start()).send
    (third,) = other.viewer.receive(second)
    other.host.receive(third)
    assert other.host._send is not None
    forged = authentication.seal(other.host._send, Challenge((bytes(32),) * count, (bytes(64),) * count))
    with pytest.raises(RemoteProtocolError) as raised:
        other.viewer.receive(forged)
    assert raised.value.code == CloseCode.SESSION_PROTOCOL


@given(st.binary(max_size=1500))
def test_garbage_raises_only_declared_errors(data: bytes) -> None:
    started = viewer()
    started.start()
    for receive in (started.receive, host().receive):
        with pytest.raises(ProtocolError):
            receive(data)


def test_codes_are_given_normalised() -> None:
    for code in ("7k3p-9qx2", ""):
        with pytest.raises(LocalProtocolError):
            Run(viewer(), host(), (code, None)).challenge()


def test_two_handshakes_share_no_key() -> None:
    one, _ = Run(viewer(), host()).admit()
    two, _ = Run(viewer(entropy=Seeded("again")), host(entropy=Seeded("again too"))).admit()
    assert one.master != two.master and one.handshake_hash != two.handshake_hash
