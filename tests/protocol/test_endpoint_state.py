"""State folders: who may have made what is in them, and what happens where nothing can be written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from avl_protocol.endpoint.program.state import StateError, StateFolder, write_whole


def full(descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_write_that_fails_leaves_nothing_behind_and_the_old_content_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_whole(tmp_path / "file", b"old")
    monkeypatch.setattr(os, "fsync", full)
    for _ in range(3):
        with pytest.raises(StateError, match=r"can't write .*No space left"):
            write_whole(tmp_path / "file", b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_what_can_not_be_kept_is_told_once_with_what_it_costs_until_it_can_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    folder = StateFolder(tmp_path, told.append)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        assert [folder.keep("file", b"1", "nobody is remembered") for _ in range(3)] == [False] * 3
        assert len(told) == 1 and "No space left" in told[0] and told[0].endswith("nobody is remembered")
        assert not folder.keep("other", b"1", "more") and len(told) == 2
    assert folder.keep("file", b"2", "") and folder.keep("file", b"3", "")
    assert told[2:] == [f"{tmp_path / 'file'} can be written again"]
    assert folder.read("file") == b"3"


@pytest.mark.parametrize("only_file", [False, True])
@pytest.mark.parametrize(("user", "advice"), [(0, "without sudo"), (4242, "chown it to you")])
def test_what_another_user_put_there_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, advice: str, only_file: bool
) -> None:
    folder = StateFolder(tmp_path)
    folder.write("key", bytes(32))
    assert folder.read("key") == bytes(32)
    owner = 1234  # as far as the program can see, all of this belongs to 1234
    stat_of, fstat = Path.stat, os.fstat

    def owned(status: os.stat_result, uid: int) -> os.stat_result:
        return os.stat_result((*status[:4], uid, *status[5:]))

    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(Path, "stat", lambda self: owned(stat_of(self), user if only_file else owner))
    monkeypatch.setattr(os, "fstat", lambda descriptor: owned(fstat(descriptor), owner))
    with pytest.raises(StateError, match=rf"(?s)belongs to user {owner}.*{advice}"):
        (folder.read("key") if only_file else StateFolder(tmp_path))


def test_a_folder_that_others_can_write_in_is_refused(tmp_path: Path) -> None:
    made = tmp_path / "state"
    StateFolder(made)
    assert made.stat().st_mode & 0o777 == 0o700
    made.chmod(0o755)
    StateFolder(made)
    made.chmod(0o777)
    with pytest.raises(StateError, match="chmod 700"):
        StateFolder(made)
