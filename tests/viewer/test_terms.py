"""Limits as a person writes them in a command, and as a person reads them; the page says the same (words.json)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from avl_protocol.rights.effective import OWNER, Consent
from avl_protocol.rights.hours import Hours
from avl_protocol.rights.statements import AccessGrant, Policy
from avl_protocol.wire.registry import PRESETS, Permission
from avl_viewer.account import words
from avl_viewer.account.terms import checked_group, expiry_of, hours_of, named, permissions_of, seconds_of

WORDS = json.loads((Path(__file__).parents[1] / "web" / "words.json").read_text("utf-8"))
WALL = 1_800_000_000.0


@pytest.mark.parametrize(("text", "seconds"), [("30m", 1800), ("12h", 43_200), ("7d", 604_800), ("2W", 1_209_600)])
def test_spans_are_written_shortly(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "0d", "5", "d", "1y", "-1d", "1.5h", "999999d"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="30m"):
        seconds_of(text)


def test_an_end_is_a_span_or_a_moment() -> None:
    assert expiry_of(None, None, WALL, "1d") == WALL + 86_400
    assert expiry_of("2h", None, WALL, "1d") == WALL + 7200
    day = datetime(2030, 2, 1).timestamp()
    assert expiry_of(None, "2030-01-31", WALL, "1d") == day, "until the day is over"
    assert expiry_of(None, "2030-01-31T18:00+00:00", WALL, "1d") == datetime(2030, 1, 31, 18, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("span", "until", "says"),
    [
        ("1d", "2030-01-31", "not both"),
        (None, "31.1.2030", "2030-01-31T18:00"),
        (None, "2001-01-01", "over already"),
        (None, "9999-12-31", "2030-01-31T18:00"),
        (None, "", "2030-01-31T18:00"),
        ("soon", None, "30m"),
    ],
)
def test_what_is_no_end_is_refused(span: str | None, until: str | None, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        expiry_of(span, until, WALL, "1d")


def test_permissions_are_a_role_or_named_or_both() -> None:
    assert permissions_of(None, (), default="viewer") == PRESETS["VIEWER"]
    assert permissions_of("Operator", ["terminal, delegate"]) == PRESETS["OPERATOR"] | Permission.TERMINAL | (
        Permission.DELEGATE
    )
    assert permissions_of(None, ["view,clipboard_in", "POINTER"], default="operator") == (
        Permission.VIEW | Permission.CLIPBOARD_IN | Permission.POINTER
    )
    assert named(()) == Permission(0)


@pytest.mark.parametrize("role", ["viewer", "assistant", "operator", "admin"])
def test_no_role_may_be_handed_on_unless_that_is_said(role: str) -> None:
    assert Permission.DELEGATE not in permissions_of(role, ())


@pytest.mark.parametrize(
    ("role", "names", "says"),
    [("boss", (), "viewer, assistant"), (None, ["fly"], "clipboard-in"), (None, ["pointer"], "without view")],
)
def test_what_is_no_permission_is_refused(role: str | None, names: list[str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        permissions_of(role, names, default="viewer")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("mon-fri 9:00-17:00", [(day, 540, 1020) for day in range(5)]),
        ("sat,sun 10-12", [(5, 600, 720), (6, 600, 720)]),
        ("Sat-Mon 0-24", [(0, 0, 1440), (5, 0, 1440), (6, 0, 1440)]),
        ("sunday 22:30-2:00", [(0, 0, 120), (6, 1350, 1440)]),
        ("mon 22-0", [(0, 1320, 1440)]),
        ("daily 8:15 - 20:00", [(day, 495, 1200) for day in range(7)]),
    ],
)
def test_hours_of_a_week_are_written_as_people_write_them(text: str, rows: list[tuple[int, int, int]]) -> None:
    assert hours_of([text], "Europe/Berlin") == Hours("Europe/Berlin", tuple(rows))


@pytest.mark.parametrize(
    "text",
    ["", "mon", "9-17", "mon 9", "mon 9-9", "mon 9:60-10", "mon 25-26", "mon 9-24:30", "moo 9-17", "mon-tue-wed 1-2"],
)
def test_what_are_no_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="mon-fri 9:00-17:00"):
        hours_of([text], "UTC")


def test_hours_are_somewhere_and_not_too_many() -> None:
    assert hours_of((), None) is None
    with pytest.raises(ValueError, match="--zone Europe/Berlin"):
        hours_of(["mon 9-17"], None)
    with pytest.raises(ValueError, match="say the hours"):
        hours_of((), "UTC")
    with pytest.raises(ValueError, match="'Mars/Base' is no time zone"):
        hours_of(["mon 9-17"], "Mars/Base")
    with pytest.raises(ValueError, match="more than 64"):
        hours_of([f"daily {hour}:{minute:02}-{hour}:{minute + 5:02}" for hour in range(5) for minute in (0, 30)], "UTC")


@pytest.mark.parametrize("name", ["", " lab", "a\nb", "x" * 65, "\u202elab"])
def test_what_is_no_name_of_a_group_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a group"):
        checked_group(name)


@pytest.mark.parametrize("said", WORDS["grants"])
def test_a_grant_is_told_as_the_page_tells_it(said: dict[str, Any]) -> None:
    grant = AccessGrant(
        audience="group:x",
        permissions=Permission(said["p"]),
        not_before=0,
        expires=1,
        id="",
        holder=bytes(32),
        hours=Hours(said["tz"], tuple(tuple(row) for row in said["win"])) if "win" in said else None,
        longest=said.get("max_s"),
        uses=said.get("n"),
        consent=Consent(said.get("consent", "never")),
    )
    assert words.permitted(grant.permissions) == said["permitted"]
    assert words.limits(grant) == said["limits"]


@pytest.mark.parametrize("said", WORDS["policies"])
def test_a_policy_is_told_as_the_page_tells_it(said: dict[str, Any]) -> None:
    policy = Policy(
        audience="group:x",
        sequence=1,
        permissions=Permission(said["p"] & OWNER),
        consent=Consent(said.get("consent", "never")),
        longest=said.get("max_s"),
        browser=said.get("browser", True),
        staleness=said.get("max_stale"),
    )
    assert words.decided(policy) == said["decided"]
