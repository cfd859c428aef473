"""Roots: what a host shares, and that a viewer's path leads nowhere else (spec 15, 15.2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from avl_host.files.roots import Root, Roots, parse_root, parse_roots
from avl_protocol.endpoint.files.disk import DiskTree
from avl_protocol.files.names import POSIX
from avl_protocol.files.tree import FileTrouble
from avl_protocol.wire.registry import FileKind, FileReason


def shared(tmp_path: Path) -> Roots:
    """A folder to read, one to write with a limit, one for both, and one beside them that is nobody's."""
    for name in ("out", "in", "both", "private"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(name.encode())
    roots = (
        Root(tmp_path / "out", True, False),
        Root(tmp_path / "in", False, True, 1000),
        Root(tmp_path / "both", True, True),
    )
    return Roots(roots, lambda path, makes: DiskTree(path, POSIX), home=tmp_path)


def reason(call: object, *arguments: object, **named: object) -> FileReason:
    with pytest.raises(FileTrouble) as caught:
        call(*arguments, **named)  # type: ignore[operator]
    return caught.value.reason


def test_a_path_leads_into_a_root_of_its_direction(tmp_path: Path) -> None:
    roots = shared(tmp_path)
    for path, writes, folder, names in (
        ("", False, "out", ()),
        ("", True, "in", ()),
        ("a/b", False, "out", ("a", "b")),
        ("a/", True, "in", ("a",)),
        (f"{tmp_path}/both/x", False, "both", ("x",)),
        (f"{tmp_path}/both", True, "both", ()),
        ("~/in/x", True, "in", ("x",)),
        ("~/both/", False, "both", ()),
    ):
        located = roots.locate(path, writes=writes)
        assert (located.root.path, located.names) == (tmp_path / folder, names), path


@pytest.mark.parametrize("path", ["/etc/passwd", "/", "~", "~/private/file", "//etc", "C:/Windows", "C:\\Windows"])
def test_what_is_not_shared_is_not_shared_whether_or_not_it_is_there(path: str, tmp_path: Path) -> None:
    roots = shared(tmp_path)
    for writes in (True, False):
        assert reason(roots.locate, path, writes=writes) is FileReason.NOT_SHARED
    assert reason(roots.locate, f"{tmp_path}/in/file", writes=False) is FileReason.NOT_SHARED
    assert reason(roots.locate, f"{tmp_path}/out/file", writes=True) is FileReason.NOT_SHARED
    assert reason(roots.locate, f"{tmp_path}/outside", writes=False) is FileReason.NOT_SHARED


@pytest.mark.parametrize("path", ["../private/file", "a/../../private", "..", "a//b", "a\0b", "x" * 5000, "a\nb"])
def test_what_climbs_out_is_no_path(path: str, tmp_path: Path) -> None:
    roots = shared(tmp_path)
    for whole in (path, f"{tmp_path}/both/{path}"):
        expected = FileReason.NOT_SHARED if ".." in path else FileReason.BAD_NAME
        assert reason(roots.locate, whole, writes=False) is expected


def test_what_is_shared_is_listed_and_what_is_in_it_where_it_may_be_read(tmp_path: Path) -> None:
    roots = shared(tmp_path)
    path, rows = roots.rows("", "")
    assert path == "" and [(row[0], row[2], row[4]) for row in rows] == [
        (f"{tmp_path}/both", 0, 6),
        (f"{tmp_path}/in", 1000, 2),
        (f"{tmp_path}/out", 0, 4),
    ]
    path, rows = roots.rows(f"{tmp_path}/both", "")
    assert path == f"{tmp_path}/both" and [row[:3] for row in rows] == [("file", FileKind.FILE, 4)]
    assert reason(roots.rows, f"{tmp_path}/in", "") is FileReason.NOT_SHARED
    assert reason(roots.rows, "file", "") is FileReason.NOT_A_FOLDER
    assert reason(roots.rows, "missing", "") is FileReason.NOT_FOUND


def test_no_link_leads_out_of_a_root(tmp_path: Path) -> None:
    roots = shared(tmp_path)
    (tmp_path / "both/way").symlink_to(tmp_path / "private")
    assert reason(roots.rows, f"{tmp_path}/both/way", "") is FileReason.NOT_A_FOLDER
    assert reason(roots.rows, f"{tmp_path}/both/way/x", "") is FileReason.LINK_ON_THE_WAY
    assert reason(roots.destination, f"{tmp_path}/both/way", True, 1) is FileReason.LINK_ON_THE_WAY
    assert reason(roots.destination, f"{tmp_path}/both/way/file", True, 1) is FileReason.LINK_ON_THE_WAY
    (source,), _ = roots.sources((f"{tmp_path}/both/way/file",))
    assert reason(source.tree.read, source.names) is FileReason.LINK_ON_THE_WAY


def test_a_destination_is_a_folder_or_a_name_in_one(tmp_path: Path) -> None:
    roots = shared(tmp_path)
    both = f"{tmp_path}/both"
    assert roots.destination(both, False, 1).names == ()
    named = roots.destination(f"{both}/new", True, 1)
    assert (named.names, named.renamed) == ((), "new")
    assert reason(roots.destination, f"{both}/new", False, 1) is FileReason.NOT_FOUND
    assert reason(roots.destination, f"{both}/new/", True, 1) is FileReason.NOT_FOUND
    assert reason(roots.destination, f"{both}/missing/new", True, 1) is FileReason.NOT_FOUND
    assert reason(roots.destination, f"{both}/file", False, 1) is FileReason.NOT_A_FOLDER
    assert reason(roots.destination, "", False, 1001) is FileReason.TOO_LARGE
    assert roots.destination("", False, 1000).names == ()
    assert reason(Roots().destination, "", False, 1) is FileReason.NOT_SHARED


def test_flags_say_what_is_shared(tmp_path: Path) -> None:
    assert parse_root("/a:r") == Root(Path("/a"), True, False)
    assert parse_root("/a:w:10G") == Root(Path("/a"), False, True, 10 << 30)
    assert parse_root("/a/b c") == Root(Path("/a/b c"), True, True)
    assert parse_root("~/x:rw:500").path == Path.home() / "x"
    assert parse_roots(()) == (Root(Path.home() / "Downloads", False, True),)
    assert parse_roots(("none",)) == () and len(parse_roots(("/a", "/b:r"))) == 2
    for wrong in ("", "relative:r", ":r"):
        with pytest.raises(ValueError, match="--files takes PATH:r"):
            parse_root(wrong)
