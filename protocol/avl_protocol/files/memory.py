"""A tree in memory: the double of a file system, with what can go wrong there (see `tree.py`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from avl_protocol.files.names import POSIX, Naming
from avl_protocol.files.tree import FileTrouble, Found, Names
from avl_protocol.wire.registry import FileKind, FileReason


@dataclass(slots=True)
class Node:
    """A file, folder or link. `busy`: somebody writes it."""

    kind: FileKind
    data: bytearray = field(default_factory=bytearray)
    modified_us: int = 0
    mode: int = 0
    link: str = ""
    serial: int = 0
    busy: bool = False

    @property
    def found(self) -> Found:
        """What is seen of it."""
        version = (self.serial, len(self.data), self.modified_us)
        return Found(self.kind, len(self.data), self.modified_us, self.mode, self.link, version)


class MemoryTree:
    """Folders, files and links by their paths. `room`: bytes that can be written in all; `unreadable`: files that the
    system does not give; `refuses`: what it says to whoever calls a method of the tree or of a writer by that name."""

    def __init__(self, naming: Naming = POSIX, room: int = 1 << 40) -> None:
        self.naming = naming
        self.room = room
        self.nodes: dict[Names, Node] = {(): Node(FileKind.FOLDER)}
        self.parts: dict[Names, Node] = {}
        self.unreadable: set[Names] = set()
        self.refuses: dict[str, FileReason] = {}
        self._serial = 0

    def check(self, method: str) -> None:
        """Raises FileTrouble where the system refuses this."""
        if (reason := self.refuses.get(method)) is not None:
            raise FileTrouble(reason)

    def node(self, kind: FileKind) -> Node:
        """A new one, which is no other."""
        self._serial += 1
        return Node(kind, serial=self._serial)

    def put(self, path: str, data: bytes = b"", *, modified_us: int = 1_000_000, mode: int = 0o644) -> None:
        """Put a file there, and the folders on the way."""
        names = tuple(path.split("/"))
        for depth in range(1, len(names)):
            self.nodes.setdefault(names[:depth], self.node(FileKind.FOLDER))
        node = self.nodes[names] = self.node(FileKind.FILE)
        node.data, node.modified_us, node.mode = bytearray(data), modified_us, mode

    def get(self, path: str) -> bytes:
        """What a file holds."""
        return bytes(self.nodes[tuple(path.split("/"))].data)

    @property
    def files(self) -> dict[str, bytes]:
        """All files."""
        return {"/".join(names): bytes(node.data) for names, node in self.nodes.items() if node.kind is FileKind.FILE}

    def _key(self, names: Names) -> Names | None:
        """Where these names are, as the system compares names."""
        if names in self.nodes or not self.naming.folds:
            return names if names in self.nodes else None
        wanted = tuple(map(self.naming.key, names))
        return next((key for key in self.nodes if tuple(map(self.naming.key, key)) == wanted), None)

    def _parent(self, names: Names) -> None:
        for depth in range(len(names)):
            found = self.look(names[:depth])
            if found is None:
                raise FileTrouble(FileReason.NOT_FOUND)
            if found.kind is FileKind.LINK:
                raise FileTrouble(FileReason.LINK_ON_THE_WAY)
            if found.kind is not FileKind.FOLDER:
                raise FileTrouble(FileReason.NOT_A_FOLDER)

    def look(self, names: Names) -> Found | None:
        """What is there."""
        for depth in range(1, len(names)):
            on_the_way = self._key(names[:depth])
            if on_the_way is not None and self.nodes[on_the_way].kind is FileKind.LINK:
                raise FileTrouble(FileReason.LINK_ON_THE_WAY)
        key = self._key(names)
        return None if key is None else self.nodes[key].found

    def spelled(self, names: Names) -> str:
        """How the last name is spelled."""
        return (self._key(names) or names)[-1]

    def names(self, folder: Names) -> Iterator[str]:
        """The names in a folder."""
        found = self.look(folder)
        if found is None or found.kind is not FileKind.FOLDER:
            raise FileTrouble(FileReason.NOT_FOUND if found is None else FileReason.NOT_A_FOLDER)
        return iter([names[-1] for names in list(self.nodes) if names[:-1] == folder and names])

    def read(self, names: Names) -> MemoryReader:
        """Open a file."""
        self._parent(names)
        node = self.nodes.get(self._key(names) or names)
        if node is None:
            raise FileTrouble(FileReason.NOT_FOUND)
        if names in self.unreadable or node.kind is not FileKind.FILE:
            raise FileTrouble(FileReason.NO_ACCESS)
        return MemoryReader(self, names, node)

    def part(self, names: Names) -> MemoryReader | None:
        """What there is of a file that was being written."""
        node = self.parts.get(names)
        if node is not None and node.busy:
            raise FileTrouble(FileReason.BUSY)
        return None if node is None else MemoryReader(self, names, node)

    def write(self, names: Names) -> MemoryWriter:
        """Begin to write a file."""
        self.check("open")
        self._parent(names)
        version: tuple[int, ...] = ()
        node = self.parts.get(names)
        if node is None:
            node = self.parts[names] = self.node(FileKind.FILE)
        elif node.busy:
            raise FileTrouble(FileReason.BUSY)
        else:
            version = node.found.version
        node.busy = True
        return MemoryWriter(self, names, node, version)

    def make_folder(self, names: Names, mode: int = 0o755) -> None:
        """Make a folder."""
        self.check("make_folder")
        self._parent(names)
        node = self.nodes[names] = self.node(FileKind.FOLDER)
        node.mode = mode

    def finish_folder(self, names: Names, mode: int, modified_us: int) -> None:
        """Give it mode and time."""
        node = self.nodes.get(self._key(names) or names)
        if node is None or node.kind is not FileKind.FOLDER:
            raise FileTrouble(FileReason.NOT_A_FOLDER)
        node.mode, node.modified_us = mode or node.mode, modified_us

    def make_link(self, names: Names, text: str) -> None:
        """Make a link."""
        self.check("make_link")
        self._parent(names)
        node = self.nodes[names] = self.node(FileKind.LINK)
        node.link = text

    def free(self) -> int:
        """Bytes that can be written."""
        return self.room

    def close(self) -> None:
        """See Tree."""


class MemoryReader:
    """An open file. What is written meanwhile is seen."""

    def __init__(self, tree: MemoryTree, names: Names, node: Node) -> None:
        self._tree, self._names, self._node = tree, names, node
        self.found = node.found

    def read(self, offset: int, size: int) -> bytes:
        """Bytes from an offset on."""
        return bytes(self._node.data[offset : offset + size])

    def next_data(self, offset: int) -> int:
        """Memory has no holes."""
        return offset

    def unchanged(self) -> bool:
        """Whether nobody has written it."""
        return self._node.found == self.found

    def close(self) -> None:
        """Nothing is kept."""


class MemoryWriter:
    """A file that is being written."""

    def __init__(self, tree: MemoryTree, names: Names, node: Node, version: tuple[int, ...]) -> None:
        self._tree, self._names, self._node = tree, names, node
        self.version = version

    def write(self, offset: int, data: bytes) -> None:
        """Put bytes there."""
        self._tree.check("write")
        if len(data) > self._tree.room:
            raise FileTrouble(FileReason.NO_SPACE)
        self._tree.room -= len(data)
        have = self._node.data
        have.extend(bytes(max(0, offset - len(have))))
        have[offset : offset + len(data)] = data

    def resize(self, size: int) -> None:
        """Let it end there."""
        del self._node.data[size:]
        self._node.data.extend(bytes(size - len(self._node.data)))

    def write_out(self) -> None:
        """Memory is no disk."""

    def finish(self, mode: int, modified_us: int, replaces: tuple[int, ...] | None) -> None:
        """Give it its name."""
        self._tree.check("finish")
        tree, key = self._tree, self._tree._key(self._names)
        there = None if key is None else tree.nodes[key].found.version
        if there != replaces:
            raise FileTrouble(FileReason.EXISTS)
        self._node.busy = False
        self._node.mode, self._node.modified_us = mode, modified_us
        del tree.parts[self._names]
        tree.nodes[self._names] = self._node

    def discard(self) -> None:
        """Remove it."""
        self._tree.parts.pop(self._names, None)

    def close(self) -> None:
        """Keep it."""
        self._node.busy = False
