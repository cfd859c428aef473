"""Sentences for a person about the paths of a session: why it changed, and what it waits for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from avl_protocol.path.selector import PathKind
from avl_protocol.wire.errors import Refused
from avl_viewer.paths.path import Path
from avl_viewer.present.presenter import Status

#: Seconds without a path after which a person is told.
NOTICEABLE = 1.0


@dataclass(frozen=True, slots=True)
class Switch:
    """The last change of path: when (our clock), from and to which, and why, for a person."""

    at: float
    before: str
    after: str
    reason: str

    def report(self, now: float) -> dict[str, Any]:
        """As statistics have it."""
        return {"from": self.before, "to": self.after, "reason": self.reason, "ago_s": round(now - self.at, 1)}


def why(before: Path | None, path: Path, lost: Refused | None) -> str:
    """Why a session goes from one path to another; `lost`: what ended the last path that was lost."""
    if before is None:
        return f"the last way was lost. {lost or ''}".strip()
    if before.silent_since is not None:
        return f"the {before.name} way fell silent"
    if before.unfit:
        return f"the session did not arrive on the {before.name} way"
    if before.going:
        return before.going
    if before.kind is PathKind.TCP and path.kind is not PathKind.TCP:
        return "UDP works"
    if path.kind < before.kind:
        return "a direct way was found"
    return f"the {path.name} way is quicker"


def status_of(nowhere: float, stale: bool, patience: float) -> Status:
    """What a person should know: for how many seconds there has been no path, whether the host is not heard, and for
    how many seconds the session is kept."""
    if nowhere >= NOTICEABLE:
        return Status(
            "lost",
            f"Nobody answers, neither the host nor a relay, for {_time(nowhere)}. Trying again; the session is kept "
            f"for {_time(max(0.0, patience - nowhere))} more, and what you type now is not sent late.",
        )
    if stale:
        return Status("stale", "The host is not answering. What you see may be old; input is not sent.")
    return Status("running")


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"
