"""The hash of a file: BLAKE3 over the BLAKE3 hashes of its blocks (spec 15, 15.4).

So what is zero costs nothing but its count, however large it is, and the hash of a beginning can be gone on with.
"""

from __future__ import annotations

from blake3 import blake3

from avl_protocol.files.tree import FileTrouble, Reader
from avl_protocol.wire.registry import MAX_FILE_BLOCK, FileReason

ZEROS = bytes(MAX_FILE_BLOCK)
HASH_BYTES = 32
_ZERO = blake3(ZEROS).digest()
#: Hashes of zero blocks that are added at a time.
_STRIDE = 1024
_STRIDES = _ZERO * _STRIDE


class FileHash:
    """Hashes a file from its beginning on. `size`: bytes that it has been given."""

    __slots__ = ("_all", "size")

    def __init__(self) -> None:
        self._all = blake3()
        self.size = 0

    def block(self, data: bytes | memoryview) -> None:
        """Add the next block: FILE_BLOCK bytes, or fewer where the file ends."""
        self._all.update(blake3(data).digest())
        self.size += len(data)

    def zeros(self, size: int) -> None:
        """Add so many zero bytes, which begin where a block begins."""
        whole, rest = divmod(size, MAX_FILE_BLOCK)
        for _ in range(whole // _STRIDE):
            self._all.update(_STRIDES)
        self._all.update(_ZERO * (whole % _STRIDE))
        self.size += whole * MAX_FILE_BLOCK
        if rest:
            self.block(ZEROS[:rest])

    def digest(self) -> bytes:
        """The hash of all that was added."""
        return self._all.digest()


def hash_of(reader: Reader, size: int) -> FileHash:
    """The hash of the first `size` bytes of a file. Raises FileTrouble(CHANGED) where it has fewer."""
    hashed = FileHash()
    while hashed.size < size:
        ahead = min(size, reader.next_data(hashed.size))
        whole = ahead // MAX_FILE_BLOCK * MAX_FILE_BLOCK if ahead < size else ahead
        if whole > hashed.size:
            hashed.zeros(whole - hashed.size)
            continue
        wants = min(MAX_FILE_BLOCK, size - hashed.size)
        data = reader.read(hashed.size, wants)
        if len(data) < wants:
            raise FileTrouble(FileReason.CHANGED)
        hashed.block(data)
    return hashed
