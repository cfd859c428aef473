"""The tree over a log's entries: its root, that an entry is in it, and that a later root has all of an earlier one
(spec 14, 14.2; RFC 9162, section 2.1).

Leaves are hashed with 0x00 in front, nodes with 0x01, so that neither passes for the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from struct import Struct

HASH = 32
EMPTY = sha256(b"").digest()
_PAIR = Struct(f"{2 * HASH}s")


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an encoded entry as a leaf."""
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbours."""
    return sha256(b"\1" + left + right).digest()


class Tree:
    """A tree that grows. Nodes are hashed when a root or a proof is asked for, all at a time, and once: those of
    complete subtrees are kept, 64 bytes an entry, so that every proof takes O(log n) more."""

    __slots__ = ("_levels",)

    def __init__(self) -> None:
        #: By k: hashes of the complete subtrees of 2^k leaves, joined; above the leaves, those that were asked for.
        self._levels: list[bytearray] = [bytearray()]

    def __len__(self) -> int:
        """Leaves."""
        return len(self._levels[0]) // HASH

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add the hashes of leaves."""
        self._levels[0] += b"".join(leaves)

    def append(self, leaf: bytes) -> None:
        """Add the hash of a leaf."""
        self._levels[0] += leaf

    def _complete(self) -> None:
        """Hash the subtrees that have become complete."""
        levels, height = self._levels, 0
        while len(levels[height]) >= 2 * HASH:
            if height + 1 == len(levels):
                levels.append(bytearray())
            above = levels[height + 1]
            below = bytes(levels[height][2 * len(above) :])
            whole = below[: len(below) // _PAIR.size * _PAIR.size]
            above += b"".join([sha256(b"\1" + pair).digest() for (pair,) in _PAIR.iter_unpack(whole)])
            height += 1

    def leaf(self, index: int) -> bytes:
        """The hash of a leaf. Raises IndexError."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        return bytes(self._levels[0][index * HASH : (index + 1) * HASH])

    def root(self, size: int | None = None) -> bytes:
        """The root over the first `size` leaves, by default over all. Raises ValueError when there are fewer."""
        size = len(self) if size is None else size
        if not 0 <= size <= len(self):
            raise ValueError(f"the log has {len(self)} entries, not {size}")
        self._complete()
        return self._range(0, size) if size else EMPTY

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """The proof that leaf `index` is one of the first `size`. Raises ValueError when it is not."""
        if not 0 <= index < size <= len(self):
            raise ValueError(f"there is no entry {index} among {size}")
        self._complete()
        path: list[bytes] = []
        start, end = 0, size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(start, middle))
                start = middle
        return tuple(reversed(path))

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """The proof that the first `new` leaves begin with the first `old`. Raises ValueError."""
        if not 0 <= old <= new <= len(self):
            raise ValueError(f"the log has {len(self)} entries: there is no way from {old} to {new}")
        if old in (0, new):
            return ()
        self._complete()
        path: list[bytes] = []
        start, end, whole = 0, new, True
        while old != end:
            middle = start + _split(end - start)
            if old <= middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(start, middle))
                start, whole = middle, False
        if not whole:
            path.append(self._range(start, end))
        return tuple(reversed(path))

    def _range(self, start: int, end: int) -> bytes:
        """The hash over leaves of an aligned beginning: complete subtrees from the right."""
        height = (end - start).bit_length() - 1
        if end - start == 1 << height:
            at = (start >> height) * HASH
            return bytes(self._levels[height][at : at + HASH])
        middle = start + (1 << height)
        return node_hash(self._range(start, middle), self._range(middle, end))


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `leaf` is leaf `index` of the tree of `size` leaves with this root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes(proof):
        return False
    at, last, made = index, size - 1, leaf
    for one in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            made = node_hash(one, made)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            made = node_hash(made, one)
        at, last = at >> 1, last >> 1
    return last == 0 and made == root


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of `new` leaves begins with that of `old` (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= new or not _are_hashes(proof):
        return False
    if old == 0:
        return not proof and old_root == EMPTY and (new > 0 or new_root == EMPTY)
    if old == new:
        return not proof and old_root == new_root
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        return False
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = path[0]
    for one in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            first, second = node_hash(one, first), node_hash(one, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, one)
        at, last = at >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def _are_hashes(proof: Sequence[bytes]) -> bool:
    return all(len(one) == HASH for one in proof)
