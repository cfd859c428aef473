"""Chain: what is known of a log's entries: how many, their tree, and what the next one has to follow.

Whoever writes a log has one, and whoever verifies one: they check and hash the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from avl_protocol.audit.entry import BEGINNING, BadEntry, Chained, Entry, encode_chained, link
from avl_protocol.audit.events import checked
from avl_protocol.audit.head import TreeHead, sign_head
from avl_protocol.audit.merkle import Tree, leaf_hash
from avl_protocol.crypto.identity import Identity


class Chain:
    """Begins empty. `tree` is to be read only."""

    __slots__ = ("_end", "tree")

    def __init__(self) -> None:
        self.tree = Tree()
        self._end: bytes | None = BEGINNING

    @property
    def size(self) -> int:
        """Entries so far, dropped ones included."""
        return len(self.tree)

    @property
    def end(self) -> bytes:
        """The `prev` of the next entry. Raises BadEntry where only hashes are known."""
        if self._end is None:
            raise BadEntry("nothing is left of the log but hashes")
        return self._end

    def drop(self, leaves: Iterable[bytes]) -> None:
        """Take entries of which only the leaves' hashes are left: the next entry is believed its `prev`, which the
        tree proves all the same."""
        size = len(self.tree)
        self.tree.extend(leaves)
        if len(self.tree) > size:
            self._end = None

    def add(self, entry: Entry) -> None:
        """Take the next entry. Raises BadEntry when it is not the next."""
        self.extend([(entry.seq, entry.time_ms, entry.prev, entry.kind, entry.event)])

    def extend(self, entries: Iterable[Chained]) -> None:
        """Take the next entries, as what is chained of them, up to the first that is not the next, which raises
        BadEntry; so does what `entries` raises."""
        size, end, leaves = len(self.tree), self._end, []
        try:
            for chained in entries:
                if chained[0] != size:
                    raise BadEntry(f"entry {chained[0]} stands where entry {size} belongs")
                if chained[2] != end and end is not None:
                    raise BadEntry(f"entry {size} does not follow the one before it")
                encoded = encode_chained(chained)
                end = link(encoded)
                leaves.append(leaf_hash(encoded))
                size += 1
        except UnicodeEncodeError:
            raise BadEntry("a text holds half a character") from None
        finally:
            self._end = end
            self.tree.extend(leaves)

    def append(self, kind: str, said: Mapping[str, object], *, now_ms: int, entropy: Callable[[int], bytes]) -> Entry:
        """Make the next entry and take it; `now_ms` is Unix time. Raises NotLogged for what no log takes."""
        event = checked(kind, said, entropy)
        entry = Entry(len(self.tree), now_ms, self.end, kind, event.event, event.opened)
        self.add(entry)
        return entry

    def head(self, identity: Identity, now_ms: int) -> TreeHead:
        """All of it, signed with the log's key."""
        return sign_head(identity, size=self.size, root=self.tree.root(), chain=self.end, time_ms=now_ms)
