"""The owner of a host: pinned by its person's act, and what the owner has signed outlives the program."""

from __future__ import annotations

from pathlib import Path

import pytest

from avl_host.rights.book import StatementBook
from avl_host.rights.door import GrantDoor
from avl_host.rights.owner import Owner, forget_owner, load_owner, pin_owner
from avl_host.rights.uses import Uses
from avl_host.sessions.tickets import TicketBook
from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.program.state import StateError, StateFolder
from avl_protocol.rights import jws
from avl_protocol.rights.effective import OWNER as EVERYTHING
from avl_protocol.rights.statements import Enrolment, Policy, RevocationList, device_audience, group_audience, sign
from avl_protocol.session.hosting import Agreed
from avl_protocol.wire.registry import Permission
from tests.protocol.handshakes import Seeded
from tests.protocol.rights_of import DAY, FRIEND, GUEST, OWNER, WALL, grant_id


def folder(path: Path) -> tuple[StateFolder, Identity]:
    state = StateFolder(path / "host")
    return state, state.identity(Seeded("identity"))


def enrolment(identity: Identity, owner: Identity = OWNER, **more: object) -> str:
    return sign(owner, Enrolment(audience=device_audience(identity.number), issued=WALL, **more))  # type: ignore[arg-type]


def door(state: StateFolder, identity: Identity) -> GrantDoor:
    return GrantDoor(
        state=state,
        identity=identity,
        tickets=TicketBook(state, 60.0, Seeded("tickets"), lambda: WALL),
        allows=EVERYTHING,
        asks=False,
        wall=lambda: WALL,
        tell=lambda _text: None,
    )


def test_an_owner_is_pinned_and_stays(tmp_path: Path) -> None:
    state, identity = folder(tmp_path)
    assert load_owner(state, identity.number) is None
    pinned = pin_owner(state, enrolment(identity, groups=("office",)))
    assert pinned == load_owner(state, identity.number) == Owner(OWNER.public, pinned.enrolment)
    assert pinned.thumbprint == jws.thumbprint(OWNER.public)
    pin_owner(state, enrolment(identity, FRIEND))
    again = load_owner(state, identity.number)
    assert again is not None
    assert again.key == FRIEND.public
    forget_owner(state)
    assert load_owner(state, identity.number) is None


def test_what_is_no_enrolment_of_this_host_pins_nobody(tmp_path: Path) -> None:
    state, identity = folder(tmp_path)
    good = enrolment(identity)
    for wrong in ("", good[:-4], enrolment(GUEST), sign(OWNER, Policy(audience="group:x", sequence=1))):
        with pytest.raises(ValueError, match="enrolment"):
            pin_owner(state, wrong)
    assert load_owner(state, identity.number) is None
    with pytest.raises(StateError, match="no identity"):
        pin_owner(StateFolder(tmp_path / "new"), good)


def test_a_copied_folder_of_another_device_has_no_owner(tmp_path: Path) -> None:
    state, identity = folder(tmp_path)
    pin_owner(state, enrolment(identity))
    other, _ = state.new_identity(Seeded("another"))
    assert load_owner(state, other.number) is None


def test_a_relay_pins_nobody(tmp_path: Path) -> None:
    state, identity = folder(tmp_path)
    opened = door(state, identity)
    assert not opened.take([enrolment(identity)])
    assert opened.owner is None
    pin_owner(state, enrolment(identity))
    opened.reload()
    assert not opened.take([enrolment(identity, FRIEND)])
    assert opened.owner is not None
    assert opened.owner.key == OWNER.public


def book(state: StateFolder, owner: Owner, wall: float = WALL) -> StatementBook:
    return StatementBook(state=state, owner=owner, wall=lambda: wall, tell=lambda _text: None)


def test_the_newest_of_each_kind_is_kept_and_the_rest_ignored(tmp_path: Path) -> None:
    state, identity = folder(tmp_path)
    owner = pin_owner(state, enrolment(identity, groups=("office",)))
    here = device_audience(identity.number)
    kept = book(state, owner)
    assert kept.take([sign(OWNER, Policy(audience=here, sequence=3, permissions=Permission.VIEW))])
    assert kept.take([sign(OWNER, Policy(audience=group_audience("office"), sequence=1, longest=60))])
    assert kept.take([sign(OWNER, RevocationList(sequence=5, issued=WALL, grants=frozenset({grant_id("x")})))])
    for old in (
        Policy(audience=here, sequence=3),
        Policy(audience=here, sequence=2),
        Policy(audience=device_audience(GUEST.number), sequence=9),
        RevocationList(sequence=5, issued=WALL + 5),
        RevocationList(sequence=6, issued=WALL + 2 * DAY),
    ):
        assert not kept.take([sign(OWNER, old)])
    assert not kept.take([sign(FRIEND, Policy(audience=here, sequence=9)), "", "x" * 40_000, "é.é.é"])
    assert kept.take([sign(FRIEND, RevocationList(sequence=6, issued=WALL, grants=frozenset({grant_id("y")})))])
    assert kept.revocation.sequence == 5, "somebody else's list is about what they have handed on"
    again = book(state, owner)
    assert (again.policy, again.revocation.sequence, again.longest()) == (3, 5, 60)
    assert again.masks() == [Permission.VIEW, EVERYTHING]
    assert again.now() == WALL
    assert book(state, owner, WALL - 500).now() == WALL
    another = pin_owner(state, enrolment(identity, FRIEND))
    assert book(state, another).revocation.sequence == 0


def test_a_damaged_file_widens_nothing(tmp_path: Path) -> None:
    state, identity = folder(tmp_path)
    owner = pin_owner(state, enrolment(identity))
    book(state, owner).take([sign(OWNER, RevocationList(sequence=5, issued=WALL))])
    for damaged in (b"", b"{", b"[]", b'{"owner": 5}', b"\xff"):
        state.write("statements.json", damaged)
        assert book(state, owner).revocation.sequence == 0
        assert book(state, owner).trust().revocation.issued == WALL  # the enrolment: it grows stale in a day


def test_uses_outlive_the_program(tmp_path: Path) -> None:
    state, _ = folder(tmp_path)
    counted = Uses(state)
    counted.begun(["a", "b"])
    counted.begun(["a"])
    counted.agree("ada", "a", Agreed(Permission.VIEW | Permission.POINTER, Permission.VIEW))
    again = Uses(state)
    assert (again.count("a"), again.count("b"), again.count("c")) == (2, 1, 0)
    assert again.agreed("ada", "a") == Agreed(Permission.VIEW | Permission.POINTER, Permission.VIEW)
    assert again.agreed("ada", "b") is None
    state.write("uses.json", b"[")
    assert Uses(state).count("a") == 0
