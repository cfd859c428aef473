"""Recent desktops: newest first, owner's eyes only, never a code."""

from __future__ import annotations

from pathlib import Path

import pytest

from avl_protocol.endpoint.program.state import StateError
from avl_viewer.recent import KEPT, Entry, Recent


def test_the_newest_comes_first_and_keeps_its_name(tmp_path: Path) -> None:
    recent = Recent(tmp_path / "state")
    assert recent.load() == ()
    recent.remember("avl://a/1", "office")
    recent.remember("avl://b/2")
    recent.remember("avl://a/1")
    assert recent.load() == (Entry("avl://a/1", "office"), Entry("avl://b/2"))
    recent.forget("avl://a/1")
    assert Recent(tmp_path / "state").load() == (Entry("avl://b/2"),)


def test_the_list_does_not_grow_for_ever_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    recent = Recent(tmp_path)
    for number in range(KEPT + 3):
        recent.remember(f"avl://a/{number}")
    assert len(recent.load()) == KEPT
    assert (tmp_path / "recent.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "not json", "{}", '[1, {"target": 2}, {"name": "x"}]', "[]"])
def test_a_damaged_list_is_an_empty_one(tmp_path: Path, content: str) -> None:
    file = tmp_path / "recent.json"
    file.write_text(content)
    file.chmod(0o600)
    assert Recent(tmp_path).load() == ()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    recent = Recent(tmp_path / "file" / "state")
    assert recent.load() == ()
    with pytest.raises(StateError):
        recent.remember("avl://a/1")
