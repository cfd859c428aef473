"""What becomes of questions to the person at the host: the machine alone, and its words."""

from __future__ import annotations

from datetime import datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_host.machine import left_of_day
from avl_host.presence.consent import GUARD, Answer, Choice, ConsentDesk
from avl_host.presence.question import NONE, Question, Span, lines, meaning, verified
from avl_host.presence.spoken import say
from avl_protocol.rights.chain import ChainRights
from avl_protocol.rights.effective import NEVER_IMPLIED, OWNER
from avl_protocol.wire.registry import PRESETS, T_CONSENT, Permission

DEVICE = "ABCD-EFGH-JKMN-PQRS-TVWX-YZ01-2345"
CODE = PRESETS["CODE"]


def question(wish: Permission = CODE, name: str = "Laptop") -> Question:
    return Question(device=DEVICE, claimed=name, wish=wish)


def desk(wish: Permission = CODE, armed: bool = True) -> ConsentDesk:
    """A question of number 1 that came up at 0; its guard is over, or not."""
    made = ConsentDesk()
    assert made.ask(question(wish), 0.0) == 1
    if armed:
        assert made.next_timeout() == GUARD
        made.handle_timer(GUARD)
    return made


def test_allow_gives_what_is_switched_on_and_deny_nothing() -> None:
    one = desk()
    one.press(Permission.KEYBOARD, 1.0, by_hand=True)
    one.press(Choice.ALLOW, 2.0, by_hand=True)
    assert list(one.answers) == [Answer(1, CODE & ~Permission.KEYBOARD)] and one.current is None
    one = desk()
    one.press(Choice.DENY, 0.0, by_hand=True)
    assert list(one.answers) == [Answer(1, NONE)]


def test_the_guard_keeps_allow_and_the_switches_and_begins_anew_with_each_question() -> None:
    one = desk(armed=False)
    one.ask(question(), 0.0)
    one.handle_timer(GUARD - 0.01)
    for place in (Choice.ALLOW, Permission.KEYBOARD):
        # Told late: it was pressed before the guard's end was seen.
        one.press(place, GUARD + 1, by_hand=True)
    assert not one.answers and one.current is not None and one.current.on == CODE
    one.handle_timer(5.0)
    one.press(Choice.ALLOW, 5.0, by_hand=True)
    assert [answer.number for answer in one.answers] == [1] and one.next_timeout() == 5.0 + GUARD
    one.handle_timer(5.0 + GUARD - 0.01)
    one.press(Choice.ALLOW, 5.0 + GUARD, by_hand=True)
    assert [answer.number for answer in one.answers] == [1]
    one.handle_timer(5.0 + GUARD)
    one.press(Choice.ALLOW, 5.0 + GUARD, by_hand=True)
    assert [answer.number for answer in one.answers] == [1, 2]


@given(
    st.lists(st.tuples(st.sampled_from([*Choice, *Permission, *Span]), st.floats(0, 29), st.sampled_from([-1, 0, 1]))),
    st.sampled_from([CODE, OWNER, Permission.VIEW]),
)
def test_nothing_that_a_program_presses_changes_anything(
    presses: list[tuple[Choice | Permission | Span, float, int]], wish: Permission
) -> None:
    one = desk(wish)
    for place, now, step in presses:
        one.press(place, now, by_hand=False)
        one.step(step, by_hand=False)
    assert one.current is not None and one.current.on == wish & ~NEVER_IMPLIED
    assert not one.answers and one.focus is Choice.DENY and one.current.span is Span.OPEN


def test_for_how_long_is_a_choice_once_the_guard_is_over_and_shorter_than_what_limits_it_anyhow() -> None:
    one = desk(armed=False)
    one.press(Span.HOUR, 0.1, by_hand=True)
    one.handle_timer(GUARD)
    assert one.current is not None and one.current.span is Span.OPEN
    for span in (Span.DAY, Span.HOUR):
        one.press(span, 1.0, by_hand=True)
    one.press(Choice.ALLOW, 2.0, by_hand=True)
    assert list(one.answers) == [Answer(1, CODE, Span.HOUR)]
    assert [span.seconds(77.0) for span in Span] == [None, 900.0, 3600.0, 77.0]
    limited = Question(device=DEVICE, claimed="x", wish=CODE, seconds=3000.0)
    assert limited.spans == (Span.OPEN, Span.QUARTER)
    grows = Question(device=DEVICE, claimed="x", wish=Permission.KEYBOARD, has=Permission.VIEW)
    assert grows.spans == () and "Until you end it." in lines(grows)
    other = ConsentDesk()
    other.ask(limited, 0.0)
    other.handle_timer(GUARD)
    other.press(Span.HOUR, 1.0, by_hand=True)
    assert other.current is not None and other.current.span is Span.OPEN


def test_midnight_is_this_machine_s() -> None:
    assert 0 < left_of_day(1_800_000_000.0) <= 25 * 3600
    midnight = 1_800_000_000.0 + left_of_day(1_800_000_000.0)
    assert datetime.fromtimestamp(midnight).time() == time()


@given(st.sets(st.sampled_from(list(Permission))), st.lists(st.sampled_from(list(Permission))))
def test_no_way_of_pressing_allows_more_than_was_wished(wished: set[Permission], pressed: list[Permission]) -> None:
    wish = NONE
    for permission in wished:
        wish |= permission
    one = desk(wish)
    for place in pressed:
        one.press(place, 1.0, by_hand=True)
    one.press(Choice.ALLOW, 2.0, by_hand=True)
    assert not one.answers[0].allowed & ~wish
    assert wish & Permission.VIEW == one.answers[0].allowed & Permission.VIEW


def test_what_follows_from_no_other_permission_is_off_until_somebody_switches_it_on() -> None:
    one = desk(OWNER)
    one.press(Permission.TERMINAL, 1.0, by_hand=True)
    one.press(Choice.ALLOW, 1.0, by_hand=True)
    assert one.answers[0].allowed == OWNER & ~NEVER_IMPLIED | Permission.TERMINAL


def test_no_answer_is_a_denial_and_who_waits_behind_another_waits_no_longer_than_it() -> None:
    one = desk()
    one.ask(question(), 10.0)
    one.ask(question(), 20.0)
    assert one.waiting == 2 and one.next_timeout() == T_CONSENT, "the first of what comes next"
    one.handle_timer(T_CONSENT - 0.1)
    assert not one.answers
    one.handle_timer(T_CONSENT + 10.0)
    assert list(one.answers) == [Answer(1, NONE), Answer(2, NONE)]
    assert one.current is not None and one.current.number == 3 and one.waiting == 0
    assert not one.current.armed and one.next_timeout() == T_CONSENT + 10.0 + GUARD


def test_who_is_gone_is_asked_about_no_longer() -> None:
    one = desk()
    second = one.ask(question(Permission.VIEW), 0.0)
    one.withdraw(1, 3.0)
    assert one.current is not None and one.current.number == second and not one.current.armed
    one.withdraw(second, 4.0)
    assert one.current is None and not one.answers and one.next_timeout() is None


def test_the_keyboard_begins_at_deny_and_reaches_everything() -> None:
    one = desk(Permission.VIEW | Permission.POINTER)
    seen = []
    for _ in range(8):
        seen.append(one.focus)
        one.step(1, by_hand=True)
    assert seen == [Choice.DENY, Choice.ALLOW, Permission.POINTER, *Span, Choice.DENY]
    one.step(-1, by_hand=True)
    one.step(-1, by_hand=True)
    assert one.focus is Span.DAY


# -- words -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["Laptop", "", "a" * 5000, "Desk\n" * 50, "\u202e" + "x y " * 200, "Verified: the owner " * 9]
)
def test_a_name_hides_neither_who_asks_nor_what_is_known_of_it(name: str) -> None:
    told = lines(question(name=name))
    assert told[:3] == ["Somebody wants to see this screen.", say("question.unverified"), f"ID: {DEVICE}"]
    assert len(told) == 4 and all(len(line) <= 51 and line.isprintable() for line in told)
    assert told[-1].startswith("It ")


def test_a_verified_name_is_the_owners_word_in_quotes_and_a_delegates_is_said_to_be_one() -> None:
    def of(**known: object) -> str:
        return verified(ChainRights(permissions=OWNER, expires=1, **known))  # type: ignore[arg-type]

    assert verified(None) == ""
    assert of(owner=True) == "the owner of this machine"
    assert of(name="the owner of this machine", grants=("g",)) == '"the owner of this machine"'
    assert of(name='Ann" and "Bo', grants=("g",)) == "\"Ann' and 'Bo\""
    assert "share link" in of(name="Ann", share=True, grants=("g",))
    told = lines(Question(device=DEVICE, claimed="x", wish=CODE, verified='"Ann"', delegated=True, seconds=7200))
    assert told[1] == 'Verified: "Ann"' and told[3] == "For 2 hours at most." and "delegate" in told[4]


def test_each_permission_has_words() -> None:
    assert len({meaning(one) for one in Permission}) == len(Permission)
