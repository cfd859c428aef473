"""Witness: a client of a log that keeps the newest head it was shown, and asks of every later one that it goes on from
there (spec 14, 14.6).

A log that was edited, cut or forked can't give the proof: its keeper would need another tree with the same root.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from avl_protocol.audit.head import TreeHead, head_of
from avl_protocol.audit.merkle import verify_consistency

#: Logs that one client keeps heads of, at most; the one that was heard longest ago gives way.
MOST_LOGS = 64
#: Heads that contradict, kept as evidence: the first two of a log.
_EVIDENCE = 2


class Verdict(Enum):
    """What a head is, next to the one that was kept."""

    FIRST = "first"  #: nothing was kept of this log
    NEXT = "next"  #: it goes on from what was kept, or is the same
    OLDER = "older"  #: fewer entries than before: entries at the end are gone, or an old head was shown
    FORKED = "forked"  #: it does not begin with what was kept
    FORGED = "forged"  #: the log's key has not signed it


#: Verdicts that a person has to be told of.
ALARMS = frozenset({Verdict.OLDER, Verdict.FORKED, Verdict.FORGED})


@dataclass(frozen=True, slots=True)
class Heard:
    """What a head was, and what was kept until then; None: nothing."""

    verdict: Verdict
    head: TreeHead
    kept: TreeHead | None

    def __str__(self) -> str:
        """The sentence that a person is shown."""
        if self.verdict is Verdict.FORGED:
            return "The relay showed a state of its audit log that the log's key has not signed."
        before = 0 if self.kept is None else self.kept.size
        if self.verdict is Verdict.OLDER:
            return (
                f"The relay's audit log has {self.head.size} entries and had {before}: "
                "somebody has cut it, or shows an old copy of it."
            )
        if self.verdict is Verdict.FORKED:
            return f"The relay's audit log was changed: its first {before} entries are not what they were."
        return f"The relay's audit log has {self.head.size} entries."


class Witness:
    """Heads by log key. `bytes(witness)` is what a state folder keeps."""

    def __init__(self, kept: bytes | None = None) -> None:
        """Raises ValueError when `kept` is not what a witness has written."""
        self._heads: dict[bytes, TreeHead] = {}
        self._evidence: dict[bytes, list[TreeHead]] = {}
        if kept is None:
            return
        try:
            read = json.loads(kept)
            for one in read["heads"]:
                head = head_of(one)
                self._heads[head.key] = head
            for pair in read["evidence"]:
                heads = [head_of(one) for one in pair]
                self._evidence[heads[0].key] = heads
        except (KeyError, TypeError, IndexError) as error:
            raise ValueError(f"kept heads can't be read: {error}") from None

    def kept(self, key: bytes) -> TreeHead | None:
        """The newest head of a log that was kept."""
        return self._heads.get(key)

    def newest(self) -> TreeHead | None:
        """The head that was heard last, of whichever log."""
        return next(reversed(self._heads.values()), None)

    @property
    def evidence(self) -> Sequence[Sequence[TreeHead]]:
        """Pairs of heads that one key has signed and that contradict each other: proofs for others."""
        return tuple(tuple(pair) for pair in self._evidence.values())

    def hear(self, head: TreeHead, proof: Sequence[bytes]) -> Heard:
        """A head was shown, with the proof that it goes on from what was kept (without one for the first). It is kept
        when it does; when it does not, the old one stays, and both are evidence."""
        kept = self._heads.get(head.key)
        verdict = _verdict(head, proof, kept)
        if verdict in (Verdict.FIRST, Verdict.NEXT):
            self._heads.pop(head.key, None)
            self._heads[head.key] = head
            while len(self._heads) > MOST_LOGS:
                del self._heads[next(iter(self._heads))]
        elif verdict in (Verdict.FORKED, Verdict.OLDER) and kept is not None:
            self._evidence.setdefault(head.key, [kept, head])
        return Heard(verdict, head, kept)

    def __bytes__(self) -> bytes:
        kept = {
            "heads": [head.to_dict() for head in self._heads.values()],
            "evidence": [[head.to_dict() for head in pair] for pair in self._evidence.values()],
        }
        return json.dumps(kept).encode()


def _verdict(head: TreeHead, proof: Sequence[bytes], kept: TreeHead | None) -> Verdict:
    if not head.genuine:
        return Verdict.FORGED
    if kept is None:
        return Verdict.FIRST
    if head.size < kept.size:
        return Verdict.OLDER
    if not verify_consistency(kept.size, kept.root, head.size, head.root, proof):
        return Verdict.FORKED
    return Verdict.NEXT
