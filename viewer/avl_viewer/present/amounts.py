"""Amounts as people read them. The page says the same (web/ui/amounts.js)."""

from __future__ import annotations

from datetime import UTC, datetime

_UNITS = ("bytes", "KB", "MB", "GB", "TB", "PB")


def amount(size: float) -> str:
    """Bytes, in powers of 1000."""
    power, value = 0, float(size)
    while value >= 999.5 and power < len(_UNITS) - 1:
        power, value = power + 1, value / 1000
    digits = 1 if power and value < 99.5 else 0
    return f"{value:.{digits}f} {'byte' if size == 1 else _UNITS[power]}"


def counted(number: int, one: str) -> str:
    """A number of things."""
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def roughly(seconds: float) -> str:
    """How long something will take, roughly."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def moment(seconds: float) -> str:
    """A time since 1970, in this machine's zone; empty where no calendar has it."""
    try:
        return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return ""
