"""The sentence about what came to nothing."""

from __future__ import annotations

from avl_protocol.session.input.ledger import Dropped, Fate
from avl_protocol.wire.registry import InputKind
from avl_viewer.figures.tally import Tally

KEY, TEXT, BUTTON, WHEEL, MOVE = (
    int(kind) for kind in (InputKind.KEY, InputKind.TEXT, InputKind.BUTTON, InputKind.WHEEL, InputKind.MOVE)
)


def test_all_that_was_done_in_vain_is_counted_as_people_count() -> None:
    tally = Tally()
    assert tally.sentence() == ""
    shifted = ((KEY, 0xE1, True, 2, ""), (KEY, 4, True, 2, "A"), (KEY, 4, False, 2, ""), (KEY, 0xE1, False, 0, ""))
    tally.add([Dropped(1, shifted, Fate.UNSENT), Dropped(2, ((MOVE, 1, 1),), Fate.UNSENT)])
    assert tally.sentence() == "1 key did not reach the desktop in time: not sent."
    tally.add([Dropped(3, ((TEXT, "äß🙂"), (BUTTON, 1, True), (BUTTON, 1, False), (WHEEL, 0, 120)), Fate.DISCARDED)])
    told = "4 keys, 1 click and 1 turn of the wheel did not reach the desktop in time: not sent."
    assert tally.sentence() == told
    tally.add([Dropped(7, ((TEXT, "ab"),), Fate.UNCONFIRMED)])
    assert tally.sentence() == f"{told} The host has not confirmed 2 keys."
    tally.add([Dropped(7, ((TEXT, "ab"),), Fate.DISCARDED)])
    assert tally.sentence() == told.replace("4 keys", "6 keys"), "decided, and counted once"
    tally.clear()
    assert tally.sentence() == ""
