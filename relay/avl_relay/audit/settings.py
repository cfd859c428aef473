"""Settings of a relay's audit log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """Where it is, for how long, and what happens when nothing can be written."""

    #: The relay's state folder.
    state: Path
    #: Days that entries are kept; their hashes stay. 0: for ever.
    days: int = 0
    #: Days after which addresses are shortened to their networks. 0: never.
    address_days: int = 30
    #: Whether new sessions are refused while nothing can be written.
    refuses: bool = False
    #: Which of the relay's processes this is; the first writes for all.
    number: int = 0
