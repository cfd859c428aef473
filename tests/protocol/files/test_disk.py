"""A real folder as a tree: what is made there, what is not followed, and what is held to be in use."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from avl_protocol.endpoint.files import disk
from avl_protocol.endpoint.files.disk import HANDLES, DiskTree, trouble_of
from avl_protocol.files.destination import placed
from avl_protocol.files.listing import rows_of
from avl_protocol.files.memory import MemoryTree
from avl_protocol.files.names import POSIX, part_of
from avl_protocol.files.tree import FileTrouble
from avl_protocol.wire.registry import MAX_FILE_BLOCK, FileKind, FileOverwrite, FileReason
from tests.protocol.files.joined import Joined
from tests.protocol.files.test_transfer import DONE, content, some_tree

BLOCK = MAX_FILE_BLOCK


@pytest.fixture(params=[True, False] if HANDLES else [False], ids=lambda by_handle: "handles" if by_handle else "paths")
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> DiskTree:
    """A folder of this machine, opened by handles, and by paths as on Windows."""
    (tmp_path / "root").mkdir()
    return DiskTree(tmp_path / "root", POSIX, by_handle=request.param)


def reason(call: object, *arguments: object) -> FileReason:
    with pytest.raises(FileTrouble) as caught:
        call(*arguments)  # type: ignore[operator]
    return caught.value.reason


def files(root: Path) -> dict[str, bytes]:
    found = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def test_a_tree_arrives_on_the_disk_and_comes_back(tree: DiskTree, tmp_path: Path) -> None:
    source = some_tree()
    for folder in ("a",), ("a", "b"):
        source.nodes[folder].modified_us = 7_000_000
    assert Joined(source, tree).run().over() == DONE
    assert files(tree.root) == source.files
    small = (tree.root / "a/small").stat()
    assert stat.S_IMODE(small.st_mode) == 0o600 and small.st_mtime == 5.0
    assert os.readlink(tree.root / "a/link") == "b/block" and (tree.root / "a/hollow").is_dir()
    assert (tree.root / "a/b").stat().st_mtime == (tree.root / "a").stat().st_mtime == 7.0
    back = MemoryTree()
    assert Joined(tree, back, "a").run().over() == DONE
    assert back.files == {path: data for path, data in source.files.items() if path.startswith("a/")}
    assert back.nodes[("a", "link")].link == "b/block"
    again = Joined(source, tree, overwrite=FileOverwrite.NEVER).run()
    assert again.over() == DONE and not again.left(again.sender)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux lists the handles of a program")
def test_nothing_stays_open_behind_a_transfer(tree: DiskTree, tmp_path: Path) -> None:
    def handles() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = handles()
    Joined(some_tree(), tree).run()
    Joined(tree, MemoryTree(), "a").run()
    cut = Joined(some_tree(), tree, renamed="again")
    for _ in range(9):
        cut.step()
    cut.sender.stop(FileReason.FAILED)
    cut.run()
    with pytest.raises(FileTrouble):
        placed(tree, ("missing", "further"), True, into=False)
    assert list(rows_of(tree, ("a",), "")) and handles() == before


def test_zeros_are_holes_and_holes_are_not_read(tree: DiskTree) -> None:
    size = 3 << 30
    with (tree.root / "sparse").open("wb") as file:
        file.seek(1 << 30)
        file.write(b"middle")
        file.truncate(size)
    target = DiskTree(tree.root.parent, POSIX)
    joined = Joined(tree, target, "sparse", at=()).run()
    assert joined.over() == DONE
    copied = (tree.root.parent / "sparse").stat()
    assert copied.st_size == size and copied.st_blocks * 512 < 16 << 20
    assert joined.sender.tally.moved <= 2 * BLOCK


def test_what_was_interrupted_is_gone_on_with(tree: DiskTree) -> None:
    source = MemoryTree()
    source.put("big", content(1, 12 * BLOCK + 1))
    cut = Joined(source, tree)
    while cut.sender.tally.moved < 6 * BLOCK:
        cut.step()
    for job in cut.sender, cut.receiver:
        job.stop(FileReason.FAILED, told=False)
    cut.run()
    assert files(tree.root).keys() == {part_of("big")}
    again = Joined(source, tree).run()
    assert files(tree.root) == source.files and again.sender.tally.moved < 12 * BLOCK


def test_a_file_that_is_written_is_nobody_else_s(tree: DiskTree) -> None:
    writer = tree.write(("x",))
    other = DiskTree(tree.root, POSIX)
    assert reason(other.write, ("x",)) is FileReason.BUSY and reason(other.part, ("x",)) is FileReason.BUSY
    writer.write(0, b"text")
    writer.close()
    part = other.part(("x",))
    assert part is not None and part.read(0, 9) == b"text"
    part.close()
    writer = other.write(("x",))
    writer.finish(0o640, 1_000_000, None)
    assert files(tree.root) == {"x": b"text"} and stat.S_IMODE((tree.root / "x").stat().st_mode) == 0o640


def test_what_has_come_into_the_place_meanwhile_stays(tree: DiskTree) -> None:
    writer = tree.write(("x",))
    writer.write(0, b"ours")
    (tree.root / "x").write_bytes(b"theirs")
    assert reason(writer.finish, 0o644, 1, None) is FileReason.EXISTS
    found = tree.look(("x",))
    assert found is not None
    (tree.root / "x").write_bytes(b"theirs, changed")
    assert reason(writer.finish, 0o644, 1, found.version) is FileReason.EXISTS
    found = tree.look(("x",))
    assert found is not None
    if writer._handle >= 0:
        writer.finish(0o644, 1, found.version)
        assert files(tree.root) == {"x": b"ours"}


def test_a_system_without_hard_links_never_replaces_either(tree: DiskTree, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", no_links)
    writer = tree.write(("x",))
    writer.write(0, b"ours")
    writer.finish(0o644, 1, None)
    assert files(tree.root) == {"x": b"ours"}
    writer = tree.write(("x",))
    assert reason(writer.finish, 0o644, 1, None) is FileReason.EXISTS


def test_no_link_is_followed(tree: DiskTree) -> None:
    outside = tree.root.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (tree.root / "way").symlink_to(outside)
    (tree.root / "file").symlink_to(outside / "secret")
    (tree.root / part_of("x")).symlink_to(outside / "secret")
    for call in (tree.read, tree.write, tree.part):
        assert reason(call, ("way", "secret")) is FileReason.LINK_ON_THE_WAY
    assert reason(lambda: list(tree.names(("way",)))) is FileReason.LINK_ON_THE_WAY
    assert reason(tree.make_folder, ("way", "new"), 0o755) is FileReason.LINK_ON_THE_WAY
    assert reason(tree.finish_folder, ("way",), 0o755, 1) is FileReason.LINK_ON_THE_WAY
    assert reason(tree.read, ("file",)) is FileReason.LINK_ON_THE_WAY
    if HANDLES and tree._by_handle:
        assert reason(tree.write, ("x",)) in (FileReason.LINK_ON_THE_WAY, FileReason.BUSY)
    found = tree.look(("file",))
    assert found is not None and found.kind is FileKind.LINK and found.link.endswith("secret")
    assert (outside / "secret").read_bytes() == b"secret" and [path.name for path in outside.iterdir()] == ["secret"]


def test_what_is_no_file_is_told(tree: DiskTree) -> None:
    os.mkfifo(tree.root / "pipe")
    (tree.root / "file").write_bytes(b"x")
    assert reason(tree.look, ("pipe",)) is FileReason.SPECIAL and reason(tree.read, ("pipe",)) is FileReason.SPECIAL
    assert reason(tree.read, ("missing",)) is FileReason.NOT_FOUND and tree.look(("missing", "x")) is None
    assert reason(tree.look, ("file", "x")) is FileReason.NOT_A_FOLDER
    assert reason(tree.write, ("missing", "x")) is FileReason.NOT_FOUND
    assert reason(tree.make_folder, ("file",), 0o755) is FileReason.EXISTS
    assert tree.free() > 0 and tree.spelled(("file",)) == "file"


def test_names_that_are_no_unicode_are_told_and_the_others_copied(tree: DiskTree) -> None:
    (tree.root / "d").mkdir()
    (tree.root / "d/good").write_bytes(b"good")
    Path(os.fsdecode(os.fsencode(tree.root / "d") + b"/bad\xff")).write_bytes(b"bad")
    back = MemoryTree()
    joined = Joined(tree, back, "d").run()
    assert joined.over() == DONE and back.files == {"d/good": b"good"}
    assert list(joined.left(joined.receiver).values()) == [FileReason.BAD_NAME]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, FileReason.NO_SPACE),
        (errno.EDQUOT, FileReason.QUOTA),
        (errno.EACCES, FileReason.NO_ACCESS),
        (errno.EROFS, FileReason.NO_ACCESS),
        (errno.EFBIG, FileReason.TOO_LARGE),
        (errno.EMFILE, FileReason.TOO_MANY),
        (errno.ENAMETOOLONG, FileReason.BAD_NAME),
        (errno.EIO, FileReason.FAILED),
    ],
)
def test_errors_of_the_system_have_sentences(number: int, expected: FileReason) -> None:
    assert trouble_of(OSError(number, "")).reason is expected


def test_a_full_disk_ends_the_transfer_and_keeps_what_came(tree: DiskTree, monkeypatch: pytest.MonkeyPatch) -> None:
    source = MemoryTree()
    source.put("big", content(1, 8 * BLOCK))
    written = 0
    write = disk._write_at

    def full(handle: int, data: bytes, offset: int) -> int:
        nonlocal written
        written += len(data)
        if written > 4 * BLOCK:
            raise OSError(errno.ENOSPC, "full")
        return write(handle, data, offset)

    monkeypatch.setattr(disk, "_write_at", full)
    joined = Joined(source, tree).run()
    assert joined.over() == (FileReason.NO_SPACE, FileReason.NO_SPACE)
    assert list(files(tree.root)) == [part_of("big")]
    monkeypatch.setattr(disk, "_write_at", write)
    assert Joined(source, tree).run().over() == DONE
    assert files(tree.root) == source.files
