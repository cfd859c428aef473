"""Who else is there, and what they point at and draw, as a viewer keeps it: faded in time and bounded."""

from __future__ import annotations

import pytest

from avl_protocol.wire.endtoend import Cleared, Drawn, People, Points
from avl_protocol.wire.registry import (
    MAX_DRAWN_POINTS,
    MAX_DRAWN_RATE,
    MAX_PEOPLE,
    MAX_PERSON_NAME,
    MAX_PICTURE_SIDE,
    MAX_STROKE_POINTS,
    T_POINTED,
    T_STROKE,
    ControlMode,
)
from avl_viewer.present.company import Company, Person, company_of
from avl_viewer.present.marks import FADING, Marks

LINE = tuple((at, at) for at in range(MAX_STROKE_POINTS))


def test_a_pointer_fades_when_it_is_still_and_comes_back_when_it_moves() -> None:
    marks = Marks()
    marks.take(Points(((2, 10, 20, 0), (3, 1, 1, 1))), 0.0)
    [first, second] = marks.pointers(0.1)
    assert (first.person, first.x, first.y, first.laser, first.opacity) == (2, 10, 20, False, 1.0)
    assert second.laser
    assert marks.next_change(0.1) == T_POINTED - FADING, "nothing changes before"
    assert marks.pointers(T_POINTED - FADING / 2)[0].opacity == pytest.approx(0.5)
    marks.take(Points(((2, 11, 20, 0),)), T_POINTED - 0.1)
    assert [one.person for one in marks.pointers(T_POINTED + 0.1)] == [2]
    assert marks.next_change(60.0) is None and marks.pointers(60.0) == []


def test_strokes_go_on_fade_and_are_wiped_away() -> None:
    marks = Marks()
    marks.take(Drawn(2, 1, ((1, 1), (2, 2))), 0.0)
    marks.take(Drawn(2, 1, ((3, 3),)), 1.0)
    marks.take(Drawn(2, 2, ((9, 9),)), 1.0)
    marks.take(Drawn(5, 1, ((4, 4),)), 2.0)
    assert [(one.person, one.points) for one in marks.strokes(2.0)] == [
        (2, ((1, 1), (2, 2), (3, 3))),
        (2, ((9, 9),)),
        (5, ((4, 4),)),
    ]
    marks.take(Cleared(2), 2.0)
    assert [one.person for one in marks.strokes(2.0)] == [5]
    assert marks.strokes(2.0 + T_STROKE - FADING / 4)[0].opacity == pytest.approx(0.25)
    assert marks.strokes(2.0 + T_STROKE) == []
    marks.take(Drawn(5, 2, ((4, 4),)), 20.0)
    marks.take(Cleared(), 20.0)
    assert marks.strokes(20.0) == []


def test_whatever_a_host_tells_is_bounded() -> None:
    marks = Marks()
    absurd = [(-1, 0), (0, MAX_PICTURE_SIDE), (1 << 60, 0), (), (1,), (1, 2, 3)]
    marks.take(Points(tuple((1, *place, 0) for place in absurd)), 0.0)
    for place in absurd:
        marks.take(Drawn(1, 1, ((5, 5), place)), 0.0)
    marks.take(Drawn(1, 1, ()), 0.0)
    assert marks.pointers(0.0) == [] and marks.strokes(0.0) == []
    for stroke in range(100):
        marks.take(Drawn(1, stroke, LINE), 0.0)
        marks.take(Drawn(1, stroke, LINE), 0.0)
    kept = marks.strokes(0.0)
    assert all(len(one.points) == MAX_STROKE_POINTS for one in kept)
    assert sum(len(one.points) for one in kept) <= MAX_DRAWN_POINTS + MAX_DRAWN_RATE * T_STROKE
    for person in range(500):
        marks.take(Points(((person, 1, 1, 0),)), 0.0)
        marks.take(Drawn(person, 1, ((1, 1),)), 0.0)
    assert len(marks.pointers(0.0)) == MAX_PEOPLE == len({one.person for one in marks.strokes(0.0)})


def test_names_are_made_fit_and_rows_that_are_none_left_out() -> None:
    hostile = "\x1b[2J<b>me\u202e\n" + "x" * 99
    people = ((1, hostile, 6, 0), (2, "Bo", 32, 1), (3,), ("4", "x", 1, 0), (5, b"x", 1, 0), (6, "Cy", True, 0))
    company = company_of(People(2, ControlMode.ONE, 1, 3, people))
    assert [one.number for one in company.people] == [1, 2]
    name = company.name(1)
    assert name.isprintable() and len(name) == MAX_PERSON_NAME and name.startswith("\\x1b[2J<b>me")
    assert company.people[1] == Person(2, "Bo", acts=False, asks=True) and company.asking
    assert company.name(77) == "Viewer 77"
    many = tuple((at, "x", 2, 0) for at in range(500))
    assert len(company_of(People(1, 0, 0, 500, many)).people) == MAX_PEOPLE


@pytest.mark.parametrize(
    ("company", "mine", "sentence"),
    [
        (Company(1, ControlMode.SHARED), True, ""),
        (Company(1, ControlMode.ONE, 1), True, "You have control."),
        (Company(1, ControlMode.ONE, 2, 2, (Person(2, "Bo", True),)), False, "Bo has control."),
        (Company(1, ControlMode.ONE, 0), False, "Nobody has control."),
        (Company(1, ControlMode.HOST, 0), False, "The person at the host has control."),
        (company_of(People(1, 99, 1, 1)), False, "The person at the host has control."),
    ],
)
def test_a_person_is_told_who_has_control(company: Company, mine: bool, sentence: str) -> None:
    assert (company.mine, company.sentence()) == (mine, sentence)
