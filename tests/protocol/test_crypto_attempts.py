"""How many guesses there are, and for whom."""

from __future__ import annotations

import pytest

from avl_protocol.crypto.attempts import GOOD_LENGTH, MAX_KNOWN, AttemptBudget, Code, new_code, yearly_odds
from avl_protocol.wire.device_id import ALPHABET, show_code
from avl_protocol.wire.errors import LocalProtocolError
from tests.protocol.handshakes import Seeded

ALICE, MALLORY = b"a" * 32, b"m" * 32
CONTROL = Code("7K3P-9QX2")


def _printed(**changes: bool) -> AttemptBudget:
    return AttemptBudget(Code("7K3P-9QX2", **changes), None, Seeded("codes"))


def _fixed() -> AttemptBudget:
    return AttemptBudget(Code("a fixed code", fixed=True), None, Seeded("codes"))


def test_printed_codes_are_eight_random_characters() -> None:
    codes = {new_code(Seeded(str(seed))) for seed in range(100)}
    assert len(codes) == 100
    assert all(len(code) == 8 and set(code) <= set(ALPHABET) for code in codes)
    assert set("".join(codes)) == set(ALPHABET)
    assert len(show_code(codes.pop())) == 9


def test_a_code_of_nothing_is_refused() -> None:
    with pytest.raises(LocalProtocolError):
        Code(" - ")


def _both(control: Code = CONTROL, known: list[bytes] | None = None) -> AttemptBudget:
    return AttemptBudget(control, Code("a view code", fixed=True), Seeded("codes"), known or [])


def test_three_wrong_tries_in_a_row_replace_a_printed_code() -> None:
    budget = _printed()
    assert [budget.failed(budget.begin(MALLORY, now)) for now in range(3)] == [False, False, True]
    assert budget.codes[0] not in (None, "7K3P9QX2")
    assert budget.begin(MALLORY, 3.0).codes == budget.codes
    # who knows the view code gets no further: to view neither ends the row nor begins one of one's own
    for viewers in ([MALLORY] * 3, [bytes([at]) * 32 for at in range(3)]):
        budget = _both()
        for at, viewer in enumerate(viewers):
            assert budget.confirmed(budget.begin(viewer, at), 1)
            assert budget.failed(budget.begin(viewer, at)) is (at == 2)
            assert budget.confirmed(budget.begin(viewer, at), 1)
        assert budget.codes[0] not in (None, "7K3P9QX2")


def test_who_only_views_does_not_replace_the_control_code() -> None:
    for control in (CONTROL, Code("a fixed code", fixed=True)):
        budget = _both(control)
        before = budget.codes
        for at in range(50):
            assert budget.confirmed(budget.begin(bytes([at]) * 32, 0.0), 1)
        assert budget.codes == before == budget.begin(ALICE, 0.0).codes


def test_a_right_try_between_wrong_ones_ends_the_row() -> None:
    budget = _printed()
    for _ in range(5):
        assert not budget.failed(budget.begin(MALLORY, 0.0))
        assert not budget.failed(budget.begin(MALLORY, 0.0))
        assert budget.confirmed(budget.begin(bytes([_]) * 32, 0.0), 0)
    assert budget.codes[0] == "7K3P9QX2"


def test_a_try_is_counted_before_it_is_answered() -> None:
    budget = _printed()
    tries = [budget.begin(MALLORY, 0.0) for _ in range(8)]
    assert [attempt.codes[0] for attempt in tries] == ["7K3P9QX2"] * 3 + [None] * 5
    assert sum(budget.failed(attempt) for attempt in tries) == 1
    assert budget.codes[0] != "7K3P9QX2"


def test_a_confirmed_try_is_given_back() -> None:
    budget = _fixed()
    for _ in range(40):
        attempt = budget.begin(ALICE, 0.0)
        assert attempt.codes[0] == "AF1XEDC0DE"
        assert budget.confirmed(attempt, 0)


def test_a_fixed_code_answers_ten_tries_an_hour_and_is_never_replaced() -> None:
    budget = _fixed()
    answered = []
    for minute in range(180):
        attempt = budget.begin(MALLORY, minute * 60.0)
        answered.append(attempt.codes[0] is not None)
        assert not budget.failed(attempt)
    assert answered[:60] == [True] * 10 + [False] * 50
    assert sum(answered) == 30
    assert all(sum(answered[at : at + 60]) <= 10 for at in range(120))
    assert budget.codes[0] == "AF1XEDC0DE"


@pytest.mark.parametrize("identities", [1, 200])
def test_the_view_code_buys_no_guesses_at_the_control_code(identities: int) -> None:
    budget = _both(Code("a fixed code", fixed=True))
    guesses = 0
    for second in range(3599):
        thief = (second % identities).to_bytes(32, "big")
        viewing, attempt = budget.begin(thief, second), budget.begin(thief, second)
        guesses += attempt.codes[0] is not None
        budget.failed(attempt)
        budget.confirmed(viewing, 1)  # False once it has had its wrong tries at the view code too
    assert guesses <= 10


@pytest.mark.parametrize("fixed", [True, False])
def test_identities_that_knew_an_earlier_code_guess_on_one_budget(fixed: bool) -> None:
    former = [number.to_bytes(32, "big") for number in range(500)]
    code = Code("another code", fixed=fixed)
    budget = AttemptBudget(code, None, Seeded("codes"), former)
    tries = [budget.begin(one, 0.0) for one in former]
    assert sum(attempt.codes[0] == code.text for attempt in tries) == (10 if fixed else 3)
    assert budget.begin(MALLORY, 0.0).codes[0] == code.text


def test_who_knew_the_printed_code_before_the_last_is_a_guesser_like_others() -> None:
    budget = _printed()
    former = [number.to_bytes(32, "big") for number in range(50)]
    for one in former:
        assert budget.confirmed(budget.begin(one, 0.0), 0)
    while budget.codes[0] == "7K3P9QX2":
        budget.failed(budget.begin(MALLORY, 0.0))
    tries = [budget.begin(one, 1.0) for one in former]
    assert sum(attempt.codes[0] is not None for attempt in tries) == 3


def test_one_who_holds_the_code_is_locked_out_by_no_other_who_does() -> None:
    budget = _fixed()
    for one in (ALICE, MALLORY):
        assert budget.confirmed(budget.begin(one, 0.0), 0)
    for _ in range(30):
        budget.failed(budget.begin(MALLORY, 1.0))
    assert budget.begin(MALLORY, 2.0).codes[0] is None and budget.begin(ALICE, 2.0).codes[0] is not None


def test_the_odds_of_a_year_are_those_of_the_tries_that_are_answered() -> None:
    assert yearly_odds(4) == pytest.approx(20 * 24 * 365.25 / 32**4)
    assert yearly_odds(GOOD_LENGTH) < 1 / 5000 and yearly_odds(1) == 1.0


def test_strangers_share_one_budget() -> None:
    budget = _fixed()
    for number in range(10):
        budget.failed(budget.begin(bytes([number]) * 32, 0.0))
    assert budget.begin(MALLORY, 1.0).codes == (None, None)


def test_strangers_can_not_lock_out_who_succeeded_before() -> None:
    budget = _fixed()
    assert budget.confirmed(budget.begin(ALICE, 0.0), 0)
    for _ in range(30):
        budget.failed(budget.begin(MALLORY, 1.0))
    assert budget.begin(MALLORY, 2.0).codes[0] is None
    assert budget.begin(ALICE, 2.0).codes[0] is not None
    restarted = AttemptBudget(Code("a fixed code", fixed=True), None, Seeded("x"), known=budget.known())
    for _ in range(30):
        restarted.failed(restarted.begin(MALLORY, 1.0))
    assert restarted.begin(ALICE, 2.0).codes[0] is not None


def test_who_succeeded_before_has_no_endless_budget_either() -> None:
    budget = AttemptBudget(Code("a fixed code", fixed=True), None, Seeded("x"), known=[ALICE])
    assert sum(budget.begin(ALICE, 0.0).codes[0] is not None for _ in range(30)) == 10


def test_a_one_use_code_is_gone_after_its_first_success() -> None:
    budget = _printed(one_use=True)
    first, second = budget.begin(ALICE, 0.0), budget.begin(MALLORY, 0.0)
    assert budget.confirmed(first, 0)
    assert budget.codes == (None, None)
    assert not budget.confirmed(second, 0)
    assert budget.begin(ALICE, 1.0).codes == (None, None)
    assert budget.known() == (ALICE,)


def test_two_codes_are_tried_and_replaced_together() -> None:
    budget = AttemptBudget(Code("control1"), Code("viewview", fixed=True), Seeded("codes"))
    for now in range(3):
        attempt = budget.begin(MALLORY, now)
        assert attempt.codes == ("C0NTR011", "V1EWV1EW")
        budget.failed(attempt)
    assert budget.codes[0] != "C0NTR011" and budget.codes[1] == "V1EWV1EW"
    attempt = budget.begin(ALICE, 4.0)
    assert budget.confirmed(attempt, 1)
    assert budget.codes[1] == "V1EWV1EW"


def test_a_viewer_that_began_before_a_code_was_replaced_still_gets_in() -> None:
    budget = AttemptBudget(Code("7K3P-9QX2"), None, Seeded("codes"), known=[ALICE])
    attempt = budget.begin(ALICE, 0.0)
    for _ in range(3):
        budget.failed(budget.begin(MALLORY, 0.0))
    assert budget.codes[0] != "7K3P9QX2"
    assert budget.confirmed(attempt, 0)


def test_old_failures_do_not_burn_the_new_code() -> None:
    budget = _printed()
    tries = [budget.begin(MALLORY, 0.0) for _ in range(3)]
    known = AttemptBudget(Code("7K3P-9QX2"), None, Seeded("codes"), known=[ALICE])
    early = [known.begin(ALICE, 0.0), known.begin(ALICE, 0.0)]
    for _ in range(3):
        known.failed(known.begin(MALLORY, 0.0))
    replaced = known.codes
    assert not any(known.failed(attempt) for attempt in early)
    assert not known.failed(known.begin(ALICE, 1.0))
    assert known.codes == replaced
    assert [budget.failed(attempt) for attempt in tries] == [False, False, True]


def test_a_try_ends_once() -> None:
    budget = _printed()
    attempt = budget.begin(ALICE, 0.0)
    budget.failed(attempt)
    with pytest.raises(LocalProtocolError):
        budget.failed(attempt)
    with pytest.raises(LocalProtocolError):
        budget.confirmed(attempt, 0)


def test_the_list_of_known_identities_is_bounded() -> None:
    budget = _fixed()
    for number in range(MAX_KNOWN + 5):
        assert budget.confirmed(budget.begin(number.to_bytes(32, "big"), 0.0), 0)
    assert len(budget.known()) == MAX_KNOWN
    assert budget.known()[-1] == (MAX_KNOWN + 4).to_bytes(32, "big")


def test_secrets_do_not_show_in_logs() -> None:
    budget = _printed()
    assert "7K3P9QX2" not in repr(budget.begin(ALICE, 0.0)) + repr(Code("7K3P-9QX2"))
