"""Alarms: moments that a detector finds unusual, told once an account and day. Without I/O: times are Unix seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from avl_protocol.audit.compare import Missing
from avl_relay.anomalies.detect import Detector, Robust
from avl_relay.anomalies.features import LACKS, MISSING, Moment, Reason
from avl_relay.anomalies.forest import Days
from avl_relay.anomalies.watch import Watch

#: Seconds for which an account that has been an alarm is not told again.
AGAIN = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Somebody does what is not usual. `kind` is the feature that says most; `account`, `person`, `device` and
    `session` are those of a Moment; `score` is in hundredths of the limit: 100 is just an alarm."""

    kind: str
    account: str
    person: str
    device: str
    session: str
    at: float
    score: int
    detector: str
    reasons: tuple[Reason, ...]

    @property
    def why(self) -> str:
        """The first reason, in words."""
        return str(self.reasons[0]) if self.reasons else "several things together"


def missing_alarm(device: str, missing: Missing, at: float) -> Alarm:
    """A session of this device is missing in the host's log, or in ours."""
    return Alarm(
        kind=MISSING,
        account="",
        person="",
        device=device,
        session=missing.session,
        at=at,
        score=100,
        detector="comparison",
        reasons=(Reason(LACKS[missing.lacks], "in both logs", missing.session),),
    )


class Judge:
    """Hears events, and says which are alarms. `watch` and `days` are what it remembers; `detector` may be another."""

    def __init__(self) -> None:
        self.watch, self.days = Watch(), Days()
        self.detector: Detector = Robust()

    def hear(self, kind: str, said: Mapping[str, Any], at: float) -> list[Alarm]:
        """An event (avl_protocol/audit/events.py)."""
        return self._judged(self.watch.hear(kind, said, at))

    def put(self, subject: str, kept: Mapping[str, Any]) -> None:
        """What was kept of a subject. Raises KeyError, TypeError, ValueError where it can't be read."""
        self.watch.put(subject, kept)

    def look(self, at: float) -> list[Alarm]:
        """Sessions that run are looked at, too."""
        return self._judged(self.watch.look(at))

    def _judged(self, moments: Sequence[Moment]) -> list[Alarm]:
        found = []
        for moment in moments:
            self.days.add(moment)
        unusual = [moment for moment in moments if any(moment.raised)]
        for moment, score in zip(unusual, self.detector.scores(unusual), strict=True):
            if score > self.detector.limit and self._is_new(moment):
                found.append(self._alarm(moment, score))
        return found

    def _is_new(self, moment: Moment) -> bool:
        if moment.at - self.watch.told(moment.account) < AGAIN:
            return False
        self.watch.tell(moment.account, moment.at)
        return True

    def _alarm(self, moment: Moment, score: float) -> Alarm:
        reasons = self.detector.reasons(moment)
        return Alarm(
            kind=reasons[0].feature if reasons else "several",
            account=moment.account,
            person=moment.person,
            device=moment.device,
            session=moment.session,
            at=moment.at,
            score=round(100 * score / self.detector.limit),
            detector=self.detector.name,
            reasons=reasons,
        )
