"""Terms: what somebody is given, with all its limits, and how a person writes them in a command.

What can't be read is refused with a sentence that says how it is written: a limit that is misread would give more than
was meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from avl_protocol.rights.effective import Consent
from avl_protocol.rights.hours import DAY_MINUTES, Hours
from avl_protocol.wire.registry import MAX_HOURS, MAX_SHOWN_NAME, PRESETS, Permission

#: Roles that can be given, as they are written in a command, and their presets, from least to most.
ROLES = {name.lower(): PRESETS[name] for name in ("VIEWER", "ASSISTANT", "OPERATOR", "ADMIN")}
#: Permissions as they are written.
NAMES = {str(one.name).lower().replace("_", "-"): one for one in Permission}
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: Seconds of a unit.
UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
#: The latest moment that is written: year 9999.
_LAST = 253_402_300_799
_SPAN = re.compile(r"([1-9][0-9]{0,4})([mhdw])")
_TIMES = re.compile(r"([0-9]{1,2})(?::([0-9]{2}))?-([0-9]{1,2})(?::([0-9]{2}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is given: permissions until `expires` (Unix seconds), at `hours` only, in sessions of `longest` seconds and
    `uses` of them at most (None: no limit), with a person at the desktop asked as `consent` says. `role`: for show."""

    permissions: Permission
    expires: int
    role: str = ""
    hours: Hours | None = None
    longest: int | None = None
    uses: int | None = None
    consent: Consent = Consent.NEVER


def seconds_of(text: str) -> int:
    """A span as it is written: 30m, 12h, 7d, 2w. Raises ValueError."""
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError(f"{text!r} is no span of time: write for example 30m, 12h, 7d or 2w")
    return int(found[1]) * UNITS[found[2]]


def expiry_of(span: str | None, until: str | None, wall: float, default: str) -> int:
    """When something ends, Unix seconds: a span from `wall` on, or a moment such as 2030-01-31 (until that day is over)
    or 2030-01-31T18:00, in the time of this machine. Raises ValueError."""
    if span is not None and until is not None:
        raise ValueError("say --for or --until, not both")
    if until is None:
        return int(wall) + seconds_of(span or default)
    try:
        moment = datetime.fromisoformat(until.strip())
        if "T" not in until and " " not in until.strip():
            moment = datetime.combine(date.fromisoformat(until.strip()) + timedelta(days=1), datetime.min.time())
        ends = int(moment.timestamp())
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{until!r} is no moment: write for example 2030-01-31 or 2030-01-31T18:00") from None
    if not wall < ends <= _LAST:
        raise ValueError(f"{until} is over already")
    return ends


def permissions_of(role: str | None, names: Iterable[str], *, default: str = "") -> Permission:
    """A role, or these permissions, or both together. Raises ValueError."""
    more = named(names)
    if role is None and not more:
        role = default
    if role is not None and role.lower() not in ROLES:
        raise ValueError(f"{role!r} is no role: {', '.join(ROLES)}")
    given = ROLES[role.lower()] if role is not None else Permission(0)
    given |= more
    if Permission.VIEW not in given:
        raise ValueError("without view nothing else can be used: add it")
    return given


def named(names: Iterable[str]) -> Permission:
    """Single permissions, each of `names` perhaps several with commas between. Raises ValueError."""
    found = Permission(0)
    for name in (name for text in names for name in text.replace("_", "-").lower().replace(",", " ").split()):
        if name not in NAMES:
            raise ValueError(f"{name!r} is no permission: {', '.join(NAMES)}")
        found |= NAMES[name]
    return found


def checked_group(name: str) -> None:
    """Raises ValueError for what no group is called."""
    if not 0 < len(name) <= MAX_SHOWN_NAME or not name.isprintable() or name != name.strip():
        raise ValueError(f"{name!r} is no name of a group: 1 to {MAX_SHOWN_NAME} characters that can be shown")


def hours_of(rows: Sequence[str], zone: str | None) -> Hours | None:
    """Times of a week at a place, each as "mon-fri 9:00-17:00", "sat,sun 10-12" or "daily 22:00-2:00"; None for none.
    Raises ValueError."""
    if not rows:
        if zone is not None:
            raise ValueError("a time zone alone is no limit: say the hours, for example --hours 'mon-fri 9:00-17:00'")
        return None
    if zone is None:
        raise ValueError("say where these hours are: for example --zone Europe/Berlin")
    found = sorted({row for text in rows for row in _rows(text)})
    if len(found) > MAX_HOURS:
        raise ValueError(f"these are more than {MAX_HOURS} times of a week")
    try:
        return Hours(zone, tuple(found))
    except ValueError:
        raise ValueError(f"{zone!r} is no time zone that is known here: write for example Europe/Berlin") from None


def _rows(text: str) -> list[tuple[int, int, int]]:
    wrong = f"{text!r} are no hours: write for example 'mon-fri 9:00-17:00', 'sat,sun 10:00-12:00' or 'daily 8-20'"
    days, _, times = text.strip().lower().partition(" ")
    found = _TIMES.fullmatch(times.replace(" ", "").replace("–", "-"))
    if found is None:
        raise ValueError(wrong)
    first, end = (int(found[at]) * 60 + int(found[at + 1] or 0) for at in (1, 3))
    if first >= DAY_MINUTES or end > DAY_MINUTES or first == end or any(int(found[at] or 0) > 59 for at in (2, 4)):
        raise ValueError(wrong)
    rows = []
    for day in _days(days, wrong):
        if first < end:
            rows.append((day, first, end))
        else:  # over midnight
            rows.append((day, first, DAY_MINUTES))
            if end:
                rows.append(((day + 1) % 7, 0, end))
    return rows


def _days(text: str, wrong: str) -> list[int]:
    if text in ("daily", "every"):
        return list(range(7))
    found = []
    for part in text.split(","):
        ends = [DAYS.index(one[:3]) if one[:3] in DAYS else -1 for one in part.split("-")]
        if len(ends) > 2 or -1 in ends:
            raise ValueError(wrong)
        found += [(ends[0] + step) % 7 for step in range((ends[-1] - ends[0]) % 7 + 1)]
    return found
