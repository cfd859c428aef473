"""Tickets in the handshake: what stands for code and consent, for whom, and once (spec 06-security, 6.2.3)."""

from __future__ import annotations

import pytest

from avl_protocol.crypto import authentication, schedule
from avl_protocol.crypto.handshake import HostHandshake, ViewerHandshake
from avl_protocol.wire.endtoend import Wait
from avl_protocol.wire.errors import LocalProtocolError, Refused, RemoteProtocolError
from avl_protocol.wire.registry import CloseCode, Permission
from tests.protocol.handshakes import HOST, VIEWER, Run, host, viewer
from tests.protocol.meeting import CODE, EVERYTHING, Meeting, OneCodeAdmission

TICKET = b"t" * 32


def message_3(ticket: bytes = TICKET) -> tuple[ViewerHandshake, HostHandshake]:
    """Both ends after message 3, in which a ticket travelled."""
    mine, theirs = viewer(ticket=ticket), host()
    (second,) = theirs.receive(mine.start()).send
    (third,) = mine.receive(second)
    assert TICKET not in third
    asks = theirs.receive(third).asks
    assert asks is not None and asks.ticket == ticket and asks.identity == VIEWER.public
    return mine, theirs


def test_a_ticket_stands_for_the_code_and_admission_follows_at_once() -> None:
    mine, theirs = message_3()
    theirs.redeem()
    assert mine.receive(theirs.admit()) == []
    assert mine.admitted and mine.resumed and mine.done and theirs.done and mine.waiting is None
    assert mine.keys.channel_key(0, True) == theirs.keys.channel_key(0, True)
    assert mine.keys.punch_key == theirs.keys.punch_key


def test_a_tickets_keys_are_not_those_of_a_code_nor_of_another_ticket() -> None:
    mine, theirs = message_3()
    theirs.redeem()
    mine.receive(theirs.admit())
    with_code = Run(viewer(ticket=TICKET), host()).admit()[0]
    chaining, digest = mine._noise.chaining_key, mine._noise.handshake_hash
    assert mine.keys.channel_key(0, True) != with_code.channel_key(0, True)
    assert schedule.ticket_secret(TICKET) != schedule.ticket_secret(b"u" * 32)
    other = schedule.derive(chaining, digest, schedule.ticket_secret(b"u" * 32))
    assert mine.keys.channel_key(0, True) != other.channel_key(0, True)


def test_a_ticket_that_the_host_does_not_take_costs_the_code_and_no_more() -> None:
    run = Run(viewer(ticket=TICKET), host())
    mine, theirs = run.admit()
    assert not run.viewer.resumed and run.viewer.which == 0
    assert mine.channel_key(1, False) == theirs.channel_key(1, False)


def test_a_viewer_that_presented_none_takes_no_admission_in_the_place_of_a_challenge() -> None:
    mine, theirs = message_3(b"")
    theirs._expect = type(theirs._expect).ADMISSION
    with pytest.raises(RemoteProtocolError) as caught:
        mine.receive(theirs.admit())
    assert caught.value.code is CloseCode.SESSION_PROTOCOL
    assert not mine.admitted and not mine.done


def test_a_ticket_is_not_answered_with_a_person_who_is_asked() -> None:
    mine, theirs = message_3()
    assert theirs._send is not None
    with pytest.raises(RemoteProtocolError) as caught:
        mine.receive(authentication.seal(theirs._send, Wait(30)))
    assert caught.value.code is CloseCode.SESSION_PROTOCOL and not mine.done


def test_nothing_is_redeemed_that_was_not_presented() -> None:
    _, theirs = message_3(b"")
    with pytest.raises(LocalProtocolError):
        theirs.redeem()
    with pytest.raises(LocalProtocolError):
        host().redeem()


def test_a_host_that_took_a_ticket_may_still_refuse() -> None:
    mine, theirs = message_3()
    theirs.redeem()
    with pytest.raises(Refused) as caught:
        mine.receive(theirs.refuse(CloseCode.LIMIT))
    assert caught.value.code is CloseCode.LIMIT and not mine.admitted


# -- in a session ------------------------------------------------------------------------------------------------------


def admission(permissions: Permission = EVERYTHING, viewer_key: bytes = VIEWER.public) -> OneCodeAdmission:
    made = OneCodeAdmission()
    made.tickets[TICKET, viewer_key] = permissions
    return made


def test_a_viewer_with_a_ticket_is_in_without_code_question_or_try() -> None:
    meeting = Meeting(code="WRNG-C0DE", admission=admission(), asks=True, ticket=TICKET).start()
    assert meeting.viewer_owner.grant is not None and meeting.host_owner.asked == []
    assert meeting.admission.failures == 0
    meeting.send_input((1, 5, 5))
    assert meeting.host_owner.events == [(1, 5, 5)]


def test_a_ticket_admits_to_what_it_was_given_for_as_far_as_it_is_wished_for() -> None:
    wish = Permission.VIEW | Permission.POINTER
    given = Permission.VIEW | Permission.POINTER | Permission.KEYBOARD
    assert Meeting(admission=admission(given), ticket=TICKET, wish=wish).start().host.permissions == wish
    assert Meeting(admission=admission(Permission.VIEW), ticket=TICKET).start().viewer.permissions == Permission.VIEW


@pytest.mark.parametrize("ticket", [b"u" * 32, b"t" * 31, b"t"])
def test_any_other_ticket_is_answered_as_if_there_were_none(ticket: bytes) -> None:
    right = Meeting(code=CODE, admission=admission(), ticket=ticket).start()
    assert right.viewer_owner.grant is not None
    wrong = Meeting(code="WRNG-C0DE", admission=admission(), ticket=ticket).start()
    assert wrong.viewer_owner.grant is None and wrong.reason is CloseCode.REFUSED and wrong.admission.failures == 1


def test_a_ticket_is_good_for_the_identity_it_was_given_to() -> None:
    stolen = Meeting(code="WRNG-C0DE", admission=admission(), ticket=TICKET, viewer="thief").start()
    assert stolen.viewer_owner.grant is None and stolen.reason is CloseCode.REFUSED
    assert HOST.public not in (key for _, key in stolen.admission.tickets)


def test_a_ticket_is_good_once() -> None:
    shared = admission()
    assert Meeting(code="WRNG-C0DE", admission=shared, ticket=TICKET).start().viewer_owner.grant is not None
    assert Meeting(code="WRNG-C0DE", admission=shared, ticket=TICKET).start().viewer_owner.grant is None
