"""Hours: the times of a week at which a grant may be used, at some place (spec 11, 11.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAY_MINUTES = 1440
#: Days that the next end of an open time is looked for; in more than a week there is none.
AHEAD = 8


@dataclass(frozen=True, slots=True)
class Hours:
    """`rows` of (weekday from 0 for Monday, first minute, minute after the last) at the place `zone`, an IANA name.

    Raises ValueError where there is no such time or place.
    """

    zone: str
    rows: tuple[tuple[int, int, int], ...]

    def __post_init__(self) -> None:
        if not self.rows or any(not (0 <= d <= 6 and 0 <= a < b <= DAY_MINUTES) for d, a, b in self.rows):
            raise ValueError("hours are rows of weekday, first minute and end")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("no such time zone is known here") from None

    def open_at(self, wall: float) -> bool:
        """Whether it is one of these times at `wall` (Unix seconds)."""
        local = datetime.fromtimestamp(wall, ZoneInfo(self.zone))
        minute = local.hour * 60 + local.minute
        return any(day == local.weekday() and first <= minute < end for day, first, end in self.rows)

    def closes(self, wall: float) -> float | None:
        """The first moment after `wall`, which is open, that is not: Unix seconds. None where that never comes."""
        ends = (moment for moment in self._boundaries(wall) if moment > wall)
        return next((moment for moment in sorted(ends) if not self.open_at(moment)), None)

    def within(self, wider: Hours) -> bool:
        """Whether all of these times are among those of `wider`, which is of the same place."""
        return self.zone == wider.zone and self._minutes() <= wider._minutes()

    def _minutes(self) -> set[int]:
        return {day * DAY_MINUTES + minute for day, first, end in self.rows for minute in range(first, end)}

    def _boundaries(self, wall: float) -> set[float]:
        """Moments at which an open time may end: of each row by each offset that the place has meanwhile, and where the
        offset itself changes."""
        zone = ZoneInfo(self.zone)
        today = datetime.fromtimestamp(wall, zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
        offsets = {_offset(zone, wall + days * 86_400) for days in range(-1, AHEAD + 1)}
        found = {
            (today + timedelta(days=days, minutes=end)).timestamp() - offset
            for days in range(-1, AHEAD)
            for day, _, end in self.rows
            if (today + timedelta(days=days)).weekday() == day
            for offset in offsets
        }
        for days in range(AHEAD):
            early, late = wall + days * 86_400, wall + (days + 1) * 86_400
            if _offset(zone, early) != _offset(zone, late):
                found.add(_change(zone, int(early), int(late)))
        return found


def _offset(zone: ZoneInfo, wall: float) -> float:
    offset = datetime.fromtimestamp(wall, zone).utcoffset()
    return offset.total_seconds() if offset is not None else 0.0


def _change(zone: ZoneInfo, early: int, late: int) -> float:
    """The second between the two at which the offset changes."""
    first = _offset(zone, early)
    while late - early > 1:
        middle = (early + late) // 2
        if _offset(zone, middle) == first:
            early = middle
        else:
            late = middle
    return float(late)
