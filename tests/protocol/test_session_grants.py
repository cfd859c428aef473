"""Sessions by a chain of statements: how they begin, why they are refused, and what may change while they run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from avl_protocol.crypto.attempts import Code
from avl_protocol.rights.statements import sign
from avl_protocol.wire.endtoend import Clipboard, Rights
from avl_protocol.wire.errors import GrantRefused, LocalProtocolError
from avl_protocol.wire.registry import (
    PRESETS,
    Channel,
    CloseCode,
    GrantRefusal,
    InputKind,
    Permission,
    RightsReason,
)
from tests.protocol import handshakes
from tests.protocol.handshakes import VIEWER
from tests.protocol.meeting import CODE, EVERYTHING, Meeting, MemoryPath, Moved, OneCodeAdmission
from tests.protocol.rights_of import DAY, FRIEND, NOTHING_REVOKED, OWNER, TRUST, WALL, chain, grant, key_link

OPERATOR = PRESETS["OPERATOR"]
GOOD = tuple(chain((OWNER, grant(VIEWER))))
A_DOWN, A_UP = (int(InputKind.KEY), 4, True, 0, ""), (int(InputKind.KEY), 4, False, 0, "")
CLICK = (int(InputKind.BUTTON), 1, True)
LOOKING = Permission.VIEW
ACTING = Permission.VIEW | Permission.POINTER | Permission.KEYBOARD


def meeting(*, tokens: tuple[str, ...] = GOOD, admission: OneCodeAdmission | None = None, **more: object) -> Meeting:
    return Meeting(code="", chain=tokens, admission=admission, **more).start()  # type: ignore[arg-type]


# beginning


def test_a_good_chain_admits_without_a_code() -> None:
    met = meeting()
    assert met.host.permissions == met.viewer.permissions == OPERATOR
    assert met.host.chain == GOOD
    assert met.admission.failures == 0
    assert met.send_input(A_DOWN, A_UP) == 1
    assert met.host_owner.events == [A_DOWN, A_UP]


def test_an_owner_s_device_may_everything() -> None:
    assert meeting(tokens=tuple(chain((OWNER, key_link(VIEWER))))).viewer.permissions == EVERYTHING


def test_the_viewer_s_wish_takes_away() -> None:
    assert meeting(wish=LOOKING).viewer.permissions == LOOKING


@pytest.mark.parametrize(
    ("tokens", "why"),
    [
        (chain((FRIEND, grant(VIEWER))), GrantRefusal.FORGED),
        (["no token"], GrantRefusal.FORGED),
        (chain((OWNER, grant(FRIEND))), GrantRefusal.WRONG_HOLDER),
        (chain((OWNER, grant(VIEWER, expires=WALL))), GrantRefusal.EXPIRED),
        (chain((OWNER, grant(VIEWER, audience="group:home"))), GrantRefusal.WRONG_DEVICE),
    ],
)
def test_a_wrong_chain_is_refused_by_name_and_costs_no_try(tokens: list[str], why: GrantRefusal) -> None:
    admission = OneCodeAdmission(Code(CODE), Code("VIEW-ONLY"))
    for _ in range(5):
        met = meeting(tokens=tuple(tokens), admission=admission)
        ended = met.viewer_owner.ended
        assert isinstance(ended, GrantRefused)
        assert ended.why is why
        assert met.host_owner.ended is CloseCode.GRANT_REFUSED
    assert (admission.failures, admission.replaced) == (0, 0)
    assert admission.budget.codes[0] == CODE.replace("-", "")
    assert Meeting(admission=admission).start().viewer.permissions == EVERYTHING


def test_a_stale_host_still_takes_the_code() -> None:
    admission = OneCodeAdmission()
    admission.trust = replace(TRUST, revocation=replace(NOTHING_REVOKED, issued=WALL - 2 * DAY))
    ended = meeting(admission=admission).viewer_owner.ended
    assert isinstance(ended, GrantRefused)
    assert ended.why is GrantRefusal.STALE
    assert Meeting(admission=admission).start().viewer.permissions == EVERYTHING


def test_a_person_is_asked_where_the_chain_says_so() -> None:
    admission = OneCodeAdmission()
    admission.consent = True
    met = meeting(admission=admission)
    assert met.viewer_owner.waiting == 30
    assert met.host_owner.asked == [("someone", OPERATOR)]
    met.answer(True, True)
    met.carry()
    assert met.viewer.permissions == OPERATOR
    refused = meeting(admission=admission)
    refused.answer(False, True)
    refused.carry()
    assert refused.reason is CloseCode.DENIED


def test_who_presented_nothing_is_not_let_in_by_wait() -> None:
    viewer, host = handshakes.viewer(), handshakes.host()
    (second,) = host.receive(viewer.start()).send
    step = host.receive(viewer.receive(second)[0])
    assert step.asks is not None
    assert step.asks.chain == ()
    with pytest.raises(LocalProtocolError):
        host.accept_chain()
    with pytest.raises(LocalProtocolError):
        host.wait(30)


def test_a_chain_enters_the_keys() -> None:
    other = tuple(chain((OWNER, grant(VIEWER, role="another"))))
    met = [handshakes.host(), handshakes.host()]
    keys = []
    for host, tokens in zip(met, (GOOD, other), strict=True):
        viewer = handshakes.viewer(chain=tokens)
        (second,) = host.receive(viewer.start()).send
        host.receive(viewer.receive(second)[0])
        host.accept_chain()
        viewer.receive(host.admit())
        assert viewer.keys.master == host.keys.master
        keys.append(host.keys.master)
    assert keys[0] != keys[1]


def test_an_oversize_chain_does_not_leave_the_viewer() -> None:
    with pytest.raises(LocalProtocolError):
        handshakes.viewer(chain=("x" * 2901,))


def test_what_policy_leaves_of_a_code_is_what_it_admits_to() -> None:
    admission = OneCodeAdmission()
    admission.mask = ACTING
    met = Meeting(admission=admission).start()
    assert met.viewer.permissions == ACTING
    assert met.host.given == EVERYTHING
    admission.mask = Permission.POINTER
    assert Meeting(admission=admission).start().reason is CloseCode.FORBIDDEN


# while it runs


def change(met: Meeting, permissions: Permission, until: int = 0) -> None:
    """The host gives or takes, and says so."""
    met.host.allow(permissions)
    met.host.send(Rights(int(permissions), until, int(RightsReason.CHANGED)))
    met.carry()


def test_a_permission_that_is_taken_closes_its_channel_and_releases_what_is_held() -> None:
    met = meeting()
    met.send_input(A_DOWN)
    change(met, LOOKING)
    assert met.host_owner.events == [A_DOWN, A_UP]
    assert met.host_owner.allowed == [LOOKING]
    assert met.viewer.permissions == LOOKING
    assert (Channel.INPUT, CloseCode.FORBIDDEN) in met.host_pipes.refused
    assert met.viewer_owner.rights[-1].permissions == LOOKING
    assert met.reason is None


def test_a_permission_that_comes_back_is_usable_at_once() -> None:
    met = meeting()
    met.send_input(A_DOWN, A_UP)
    change(met, LOOKING)
    change(met, OPERATOR)
    assert met.viewer.permissions == OPERATOR
    assert met.viewer_owner.moved == []
    met.send_input(A_DOWN, A_UP)
    assert met.host_owner.events == [A_DOWN, A_UP, A_DOWN, A_UP]
    met.viewer.send(Clipboard(1, "text"))
    met.carry()
    assert met.host_owner.messages[-1] == Clipboard(1, "text")


def test_a_permission_that_was_never_there_is_usable_when_it_comes() -> None:
    met = meeting(tokens=tuple(chain((OWNER, grant(VIEWER, LOOKING)))))
    assert met.viewer.permissions == LOOKING
    change(met, ACTING)
    met.send_input(A_DOWN, A_UP)
    assert met.host_owner.events == [A_DOWN, A_UP]


def test_a_session_takes_what_it_may_along_when_it_moves() -> None:
    met = meeting()
    change(met, LOOKING)
    elsewhere = met.another_path()
    met.move(elsewhere)
    assert met.viewer.attachment is elsewhere.viewer_attachment
    change(met, OPERATOR)
    met.send_input(A_DOWN, A_UP)
    assert met.host_owner.events == [A_DOWN, A_UP]
    change(met, LOOKING | Permission.CLIPBOARD_IN)
    met.move(met.another_path(direct=True))
    met.viewer.send(Clipboard(1, "text"))
    met.carry()
    assert met.host_owner.messages[-1] == Clipboard(1, "text")


def test_what_a_relay_does_not_let_through_yet_is_tried_again() -> None:
    met = meeting(tokens=tuple(chain((OWNER, grant(VIEWER, LOOKING)))))
    refused: list[Moved] = []

    def late(from_viewer: bool, moved: Moved) -> Moved | None:
        if from_viewer and moved.channel == Channel.INPUT and len(refused) < 3:
            if moved.opens:
                refused.append(moved)
                met.hand(met.paths[0], False, Moved(stream=moved.stream, reset=int(CloseCode.FORBIDDEN)))
            return None
        return moved

    met.change = late
    change(met, ACTING)
    met.at(1.0)
    assert len(refused) == 3
    assert met.viewer_owner.unmoved == []
    met.send_input(A_DOWN, A_UP)
    assert met.host_owner.events == [A_DOWN, A_UP]


def test_a_viewer_that_goes_on_as_if_it_still_might_is_not_heard() -> None:
    met = meeting()
    met.host.allow(LOOKING)
    met.viewer.send_input([CLICK], met.now)
    met.viewer.send(Clipboard(1, "mine"))
    met.carry()
    assert met.host_owner.events == []
    assert Clipboard(1, "mine") not in met.host_owner.messages


def test_a_part_that_is_taken_leaves_the_channel_to_the_rest() -> None:
    met = meeting()
    change(met, OPERATOR & ~Permission.POINTER)
    met.send_input(CLICK, A_DOWN, A_UP)
    assert met.host_owner.events == [A_DOWN, A_UP]
    assert (Channel.INPUT, CloseCode.FORBIDDEN) not in met.host_pipes.refused


def test_rights_change_while_the_session_is_lost() -> None:
    met = meeting()
    met.lose(met.paths[0])
    met.host.allow(LOOKING)
    back: MemoryPath = met.another_path()
    met.move(back)
    assert met.host.permissions == LOOKING
    met.host.send(Rights(int(LOOKING), 0, int(RightsReason.CHANGED)))
    met.carry()
    assert met.viewer.permissions == LOOKING
    change(met, OPERATOR)
    met.send_input(A_DOWN, A_UP)
    assert met.host_owner.events == [A_DOWN, A_UP]


def test_a_token_s_text_is_what_is_hashed() -> None:
    assert sign(OWNER, grant(VIEWER)) == GOOD[0]
