"""Walk: the files of some sources in the order in which they are offered, one after the other, however many they are
(spec 15, 15.4).

Nothing of a tree is kept but the way down to where the walk is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from avl_protocol.files.tree import FileTrouble, Found, Names, Tree
from avl_protocol.wire.registry import MAX_FILE_DEPTH, MAX_FILE_PATH, FileKind, FileReason


@dataclass(frozen=True, slots=True)
class Source:
    """What is to be copied: a file, a folder or a link at `names` of a tree, offered under its last name, or `called`
    so."""

    tree: Tree
    names: Names
    called: str

    @property
    def exists(self) -> bool:
        """Whether anything is there."""
        return self.tree.look(self.names) is not None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk is: something at `names` of a tree, offered as `path`. `trouble`: why it can't be offered."""

    tree: Tree
    names: Names
    path: str
    found: Found
    trouble: FileReason | None = None


def walk(sources: tuple[Source, ...], folders: bool) -> Iterator[Place]:
    """All that is to be offered; folders with what is in them only where `folders` says so."""
    for source in sources:
        yield from _walk(source.tree, source.names, source.called, folders)


def _walk(tree: Tree, names: Names, path: str, folders: bool) -> Iterator[Place]:
    nothing = Found(FileKind.FILE)
    try:
        found = tree.look(names)
        if found is None:
            raise FileTrouble(FileReason.NOT_FOUND)
        path.encode()
    except FileTrouble as trouble:
        yield Place(tree, names, _shown(path), nothing, trouble.reason)
        return
    except UnicodeEncodeError:
        yield Place(tree, names, _shown(path), nothing, FileReason.BAD_NAME)
        return
    if len(path.encode()) > MAX_FILE_PATH or path.count("/") >= MAX_FILE_DEPTH:
        yield Place(tree, names, path[:200], nothing, FileReason.BAD_NAME)
    elif found.kind is not FileKind.FOLDER:
        yield Place(tree, names, path, found)
    elif not folders:
        yield Place(tree, names, path, nothing, FileReason.IS_A_FOLDER)
    else:
        yield Place(tree, names, path, found)
        try:
            for name in tree.names(names):
                yield from _walk(tree, (*names, name), f"{path}/{name}", folders)
        except FileTrouble as trouble:
            yield Place(tree, names, path, nothing, trouble.reason)
        end = Found(FileKind.FOLDER_END, 0, found.modified_us, found.mode)
        yield Place(tree, names, path, end)


def _shown(path: str) -> str:
    """A path whose name is no Unicode, for people."""
    return path.encode("utf-8", "replace").decode()


def count(sources: tuple[Source, ...], folders: bool) -> tuple[int, int]:
    """How many files a walk would offer, and how many bytes they have."""
    files = size = 0
    for place in walk(sources, folders):
        if place.found.kind is FileKind.FILE and place.trouble is None:
            files += 1
            size += place.found.size
    return files, size
