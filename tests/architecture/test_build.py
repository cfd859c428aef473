"""The build hook: what npm brings is laid beside the page; without npm a build goes on and says what it lacks."""

from __future__ import annotations

from pathlib import Path

import pytest
from hatchling.bridge.app import Application

import hatch_build
from avl_relay.http.app import FROM_NPM, checked
from tests.architecture.tree import ROOT

PAGE = Path(hatch_build.PLACE).parent


class Told(Application):
    """A builder's terminal that keeps its warnings."""

    def __init__(self) -> None:
        super().__init__()
        self.warnings: list[str] = []

    def display_warning(self, message: str = "", **settings: object) -> None:
        self.warnings.append(message)


def build(root: Path) -> list[str]:
    """Run the hook in a tree; its warnings."""
    told = Told()
    hook = hatch_build.TakeFromNpm(str(root), {}, None, None, str(root), "wheel", told)  # type: ignore[arg-type]
    hook.initialize("standard", {})
    return told.warnings


def lay(root: Path, text: str) -> None:
    """What npm would put there."""
    for package, names in hatch_build.TAKEN.items():
        for name in names:
            path = root / "node_modules" / package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def test_what_npm_laid_is_laid_beside_the_page_each_time(tmp_path: Path) -> None:
    for text in ("older", "newer"):
        lay(tmp_path, text)
        assert build(tmp_path) == []
        assert (checked(tmp_path / PAGE) / FROM_NPM).read_text() == text
        assert (tmp_path / hatch_build.PLACE / "zstddec/LICENSE").is_file()


def test_without_npm_a_build_goes_on_and_the_relay_says_what_its_page_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (warning,) = build(tmp_path)
    assert "npm" in warning
    with pytest.raises(LookupError, match="zstddec, which npm brings"):
        checked(tmp_path / PAGE)


def test_a_tree_that_came_filled_needs_no_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path, "content")
    build(tmp_path)
    (tmp_path / "node_modules").rename(tmp_path / "gone")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build(tmp_path) == []
    assert (tmp_path / PAGE / FROM_NPM).read_text() == "content"


def test_what_is_taken_is_what_the_lock_file_names() -> None:
    assert all(f'"node_modules/{package}"' in (ROOT / "package-lock.json").read_text() for package in hatch_build.TAKEN)
