"""Finding: one thing that a doctor looked at, and a person's next step where it is not as it should be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from avl_protocol.wire.foreign import for_terminal

#: Characters of a finding: some hold what a relay, a router or a resolver said.
LONGEST_FINDING = 2000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `mend` is the line to type or the step to take; empty when `ok`."""

    ok: bool
    subject: str
    text: str
    mend: str = ""


def report(findings: Iterable[Finding]) -> str:
    """The findings as a person reads them, one or two lines each."""
    lines = []
    for finding in findings:
        told = f"{'ok  ' if finding.ok else 'MISS'} {finding.subject}: {finding.text}"
        lines.append(for_terminal(told, LONGEST_FINDING))
        if finding.mend:
            lines.append(for_terminal(f"     mend: {finding.mend}", LONGEST_FINDING))
    return "\n".join(lines)
