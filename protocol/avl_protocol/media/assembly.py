"""The pieces of one object, fragments and parity, from the first that comes until they suffice (spec 05-media, 5.4.1).

What a receiver and a relay's cache have in common. It keeps what has come and allocates nothing for what a header
merely promises, so that memory is bounded by bytes that somebody really sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from avl_protocol.media import parity
from avl_protocol.media.parity import BLOCK
from avl_protocol.wire.datagram import MediaHeader, fragment_count
from avl_protocol.wire.registry import DatagramType

#: As a plain number: this is compared for every datagram.
_PARITY = int(DatagramType.PARITY)


@dataclass(slots=True)
class _Block:
    """A block of which parity has come: how many fragments it lacks, and its rows until they are of use."""

    missing: int
    rows: dict[int, bytes] = field(default_factory=dict)


class Assembly:
    """One object. `first` is when its first datagram came, `held` the bytes of all pieces it keeps, `repaired` how many
    of its fragments parity gave."""

    __slots__ = ("_blocks", "_count", "_have", "first", "flags", "held", "length", "repaired")

    def __init__(self, length: int, flags: int, first: float) -> None:
        self.length = length
        self.flags = flags
        self.first = first
        self.held = 0
        self.repaired = 0
        self._count = fragment_count(length)
        self._have: dict[int, bytes] = {}
        self._blocks: dict[int, _Block] | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing is missing any more."""
        return len(self._have) == self._count

    def fragment(self, index: int) -> bytes | None:
        """One fragment's bytes, if they are known."""
        return self._have.get(index)

    def sealed(self) -> bytes:
        """The object, which must be whole."""
        return b"".join([self._have[index] for index in range(self._count)])

    def add(self, header: MediaHeader, payload: bytes | memoryview) -> tuple[int, ...]:
        """Take one checked MEDIA, REPAIR or PARITY datagram; indices of the fragments that are known only now.

        A datagram that disagrees about the object's length or flags, or says what is known already, changes nothing.
        """
        if header.length != self.length or header.flags != self.flags:
            return ()
        if header.type == _PARITY:
            return self._add_row(*divmod(header.fragment, BLOCK), payload)
        index = header.fragment
        if index in self._have:
            return ()
        self._have[index] = bytes(payload)
        self.held += len(payload)
        if self._blocks is None or (block := self._blocks.get(index // BLOCK)) is None:
            return (index,)
        block.missing -= 1
        return (index, *self._recover(index // BLOCK, block))

    def _add_row(self, number: int, row: int, payload: bytes | memoryview) -> tuple[int, ...]:
        if self._blocks is None:
            self._blocks = {}
        block = self._blocks.get(number)
        if block is None:
            indices = range(number * BLOCK, min((number + 1) * BLOCK, self._count))
            block = self._blocks[number] = _Block(sum(index not in self._have for index in indices))
        if not block.missing or row in block.rows:
            return ()
        block.rows[row] = bytes(payload)
        self.held += len(payload)
        return self._recover(number, block)

    def _recover(self, number: int, block: _Block) -> tuple[int, ...]:
        """Fill a block's gaps as soon as it has a row for each; its rows are of no use after that."""
        if len(block.rows) < block.missing:
            return ()
        rows, block.rows = block.rows, {}
        self.held -= sum(map(len, rows.values()))
        if not block.missing:
            return ()
        block.missing = 0
        found = parity.recover(self.length, number, self._have, rows) or {}
        self._have.update(found)
        self.held += sum(map(len, found.values()))
        self.repaired += len(found)
        return tuple(found)
