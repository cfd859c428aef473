"""Verification: a log's lines against each other and against heads that somebody has kept; the first fault is named by
its exact place (spec 14, 14.5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from avl_protocol.audit.chain import Chain
from avl_protocol.audit.entry import BadEntry, read_line
from avl_protocol.audit.head import TreeHead


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line stands: its file, its number there (from 1), and the first of its bytes (from 0)."""

    file: str
    line: int
    byte: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line} (byte {self.byte})"


class Fault(Exception):
    """A log is not what it was. `seq`: the first entry that is wrong; `place`: where it stands; None: nowhere, since
    entries are missing at the end, or what stands there is right in itself and not what was signed."""

    def __init__(self, why: str, seq: int, place: Place | None) -> None:
        super().__init__(f"{why}; {place}" if place is not None else why)
        self.why, self.seq, self.place = why, seq, place


def follow(chain: Chain, lines: Sequence[bytes], file: str) -> None:
    """Verify the next lines, those of a file, without their line feeds; `chain` takes them. Raises Fault."""
    begun = chain.size
    try:
        chain.extend(read_line(line)[0] for line in lines)
    except BadEntry as error:
        good = lines[: chain.size - begun]
        place = Place(file, len(good) + 1, sum(len(line) + 1 for line in good))
        raise Fault(f"entry {chain.size}: {error}", chain.size, place) from None


def verify_lines(lines: Iterable[bytes], file: str = "the log") -> Chain:
    """A whole log that nothing was dropped from. Raises Fault."""
    chain = Chain()
    follow(chain, [line.removesuffix(b"\n") for line in lines], file)
    return chain


def verify_head(chain: Chain, head: TreeHead) -> None:
    """A verified log still begins with what a head says. Raises Fault."""
    if not head.genuine:
        raise Fault("the head is not signed by the log's key", head.size, None)
    if chain.size < head.size:
        missing = head.size - chain.size
        raise Fault(f"{missing} entries are missing at the end: a head says {head.size}", chain.size, None)
    if chain.tree.root(head.size) != head.root:
        raise Fault(f"the first {head.size} entries are not those that a head was signed for", 0, None)


def verify_heads(chain: Chain, heads: Sequence[TreeHead]) -> None:
    """The same for many; a fault is narrowed down to the entries between the last head that holds and the first that
    does not. Raises Fault."""
    good = 0
    for head in sorted(heads, key=lambda one: one.size):
        try:
            verify_head(chain, head)
        except Fault as fault:
            more = f"; the first {good} are" if good else ""
            raise Fault(fault.why + more, max(good, fault.seq), None) from None
        good = head.size
