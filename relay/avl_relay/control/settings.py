"""Settings of what knows people: whether there is any of it, where its store is, and who is let in without it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from avl_relay.anomalies.settings import AnomalySettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlSettings:
    """How people and devices are kept."""

    #: The relay's state folder.
    state: Path
    #: A file, or postgresql://...; None: a file in the state folder.
    database: str | None = None
    #: Only enrolled hosts and people who are signed in use this relay.
    required: bool = False
    #: Roles at the relay whose people must have a second factor.
    demanded: frozenset[str] = frozenset({"owner", "admin"})
    #: What is looked at as unusual, and what is done about it.
    anomalies: AnomalySettings = field(default_factory=AnomalySettings)
    #: Features that are turned off (settings/model.py).
    off: frozenset[str] = frozenset()
    #: Which of the relay's processes this is; the first does what is done once.
    number: int = 0
