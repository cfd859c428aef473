"""Destination: where what is offered goes (spec 15, 15.4)."""

from __future__ import annotations

from dataclasses import dataclass

from avl_protocol.files.names import names_of
from avl_protocol.files.tree import FileTrouble, Names, Tree
from avl_protocol.wire.registry import FileKind, FileReason


@dataclass(frozen=True, slots=True)
class Destination:
    """Where files go: beneath `names` of a tree; with `renamed`, what is offered first takes that name."""

    tree: Tree
    names: Names
    renamed: str = ""

    def place(self, path: str) -> Names | FileReason:
        """Where something that was offered goes; BAD_NAME."""
        names = names_of(path, self.tree.naming)
        if isinstance(names, FileReason):
            return names
        return (*self.names, *((self.renamed, *names[1:]) if self.renamed else names))


def placed(tree: Tree, names: Names, single: bool, *, into: bool) -> Destination:
    """Where something goes: into the folder at these names, or, `single`, under the last of them, unless `into` says
    that this has to be a folder. Raises FileTrouble."""
    try:
        return _placed(tree, names, single, into)
    except FileTrouble:
        tree.close()
        raise


def _placed(tree: Tree, names: Names, single: bool, into: bool) -> Destination:
    found = tree.look(names)
    if found is not None and found.kind is FileKind.FOLDER:
        return Destination(tree, names)
    if found is not None and found.kind is FileKind.LINK:
        raise FileTrouble(FileReason.LINK_ON_THE_WAY)
    if into or not single or not names:
        raise FileTrouble(FileReason.NOT_FOUND if found is None else FileReason.NOT_A_FOLDER)
    parent = tree.look(names[:-1])
    if parent is None or parent.kind is not FileKind.FOLDER:
        raise FileTrouble(FileReason.NOT_FOUND)
    return Destination(tree, names[:-1], names[-1])
