"""How long somebody waits after tries that failed: ever longer, never for good.

A try is counted before it is answered, so that one which is abandoned half-way counts as well, and what is counted is
the name that was typed, so that names nobody has behave alike. A lock that stays would let anybody lock anybody out:
here who guesses delays himself, and devices that somebody has signed in from have counters of their own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tries:
    """Tries that did not succeed, and until when none is answered (Unix seconds)."""

    failures: int = 0
    until: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """`free` tries at once; after the last of these, and each later one, a wait of `first` seconds that doubles up to
    `most`. All is forgotten `forgotten` seconds after the last wait."""

    free: int
    first: int
    most: int
    forgotten: int = 86_400

    def wait(self, tries: Tries, now: float) -> int:
        """Seconds until a try is answered; 0: it is."""
        return max(0, tries.until - int(now))

    def after(self, tries: Tries, now: float) -> Tries:
        """The count with one more try, which is answered now."""
        failures = 1 if tries.until + self.forgotten <= now else tries.failures + 1
        over = failures - self.free
        pause = 0 if over < 0 else min(self.most, self.first << min(over, 30))
        return Tries(failures, int(now) + pause)


#: For a password: ten answers in the first hour, then four an hour.
PASSWORD = Schedule(free=4, first=60, most=900)
#: For codes that change every 30 s and hold for 90 s: three answers for each.
CODE = Schedule(free=3, first=120, most=900)
