"""The oracle of the trials: it knows the rule, and not how fast the machine is."""

from __future__ import annotations

import pytest

from interop.trial import Account

ALL = ("applied", "applied")
NONE = ("dropped", "dropped")


def account(text: str, *fates: tuple[str, str]) -> Account:
    """Lines typed a second apart and read half a second later."""
    lines = tuple((float(at), *fate) for at, fate in enumerate(fates))
    return Account(lines, text, tuple(float(line or 0) + 0.5 for line in text.split("\n")[:-1] if line.isdigit()))


@pytest.mark.parametrize(
    "agreeing",
    [
        account("0\n1\n2\n", ALL, ALL, ALL),
        account("0\n2\n", ALL, NONE, ALL),
        account("0\n12\n", ALL, ("applied", "dropped"), ALL),
        account("0\n\n2\n", ALL, ("dropped", "applied"), ALL),
        account("0\n1\n2\n", ALL, ("unknown", "unknown"), ALL),
        account("0\n2\n", ALL, ("unknown", "unknown"), ALL),
    ],
)
def test_what_arrived_and_what_was_dropped_make_up_what_was_typed(agreeing: Account) -> None:
    assert agreeing.fault() == ""


@pytest.mark.parametrize(
    "false",
    [
        account("0\n2\n", ALL, ALL, ALL),
        account("0\n1\n2\n", ALL, NONE, ALL),
        account("0\n1\n1\n2\n", ALL, ALL, ALL),
        account("0\n2\n1\n", ALL, ALL, ALL),
        account("0\n1\n\n2\n", ALL, ALL, ALL),
        account("1\n0\n2\n", ALL, ("unknown", "unknown"), ALL),
    ],
    ids=["lost", "late", "doubled", "in another order", "repeated", "unknown and in another order"],
)
def test_anything_else_is_a_fault(false: Account) -> None:
    assert false.fault() != ""


def test_the_longest_way_of_a_line_is_measured() -> None:
    assert account("0\n2\n", ALL, NONE, ALL).latest() == 0.5
