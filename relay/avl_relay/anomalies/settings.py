"""Settings of anomalies."""

from __future__ import annotations

from dataclasses import dataclass

#: What is done about an alarm: it is told; who it is about signs in anew; and their sessions end. Each does what is
#: before it, too; none gives anybody more than they had.
NOTIFY, ASK, END = "notify", "ask", "end"
ACTIONS = (NOTIFY, ASK, END)
#: What judges.
ROBUST, FOREST = "robust", "forest"
DETECTORS = (ROBUST, FOREST)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomalySettings:
    """`on`: whether anything is looked at."""

    on: bool = True
    action: str = NOTIFY
    detector: str = ROBUST
