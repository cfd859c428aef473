"""Settings of avl: a file and the environment as defaults of its commands' flags."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from avl_protocol.endpoint.settings.model import leaves
from avl_viewer import cli
from avl_viewer.settings.model import Configuration
from avl_viewer.settings.sources import is_anything_set


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVL_VIEWER_STATE", str(tmp_path / "state"))


def run(*arguments: str | Path) -> tuple[int, str, str]:
    """Run `avl`: status, stdout, stderr."""
    made = CliRunner().invoke(cli.app, list(map(str, arguments)))
    return made.exit_code, made.stdout, made.stderr


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What commands do: timeout and qlog of each."""
    told: list[Any] = []

    def do(target: str, code: str, state: Path, timeout: float, qlog: Path | None, action: object) -> None:
        told.append((timeout, qlog))

    monkeypatch.setattr(cli, "_do", do)
    return told


def test_what_is_set_is_the_default_of_every_command_that_has_it(
    tmp_path: Path, done: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.toml"
    file.write_text('timeout = 3\nqlog = "/q"\n')
    target = "avl://relay.test:4433/0000"
    assert run("type", target, "x")[0] == 0
    assert run("--config", file, "type", target, "x")[0] == 0
    monkeypatch.setenv("AVL_VIEWER_TIMEOUT", "4")
    assert run("--config", file, "press", target, "a")[0] == 0
    assert run("--config", file, "press", target, "a", "--timeout", "5")[0] == 0
    assert done == [(10.0, None), (3.0, Path("/q")), (4.0, Path("/q")), (5.0, Path("/q"))]


def test_a_file_is_begun_checked_and_shown(tmp_path: Path) -> None:
    file = tmp_path / "state" / "avl.toml"
    assert run("config", "init") == (0, f"{file}\n", "")
    assert run("config", "check") == (0, f"{file}: no faults\n", "")
    file.write_text(file.read_text().replace("#timeout = 10.0", "timeout = 2"))
    assert "timeout = 2.0" in run("config", "show")[1]
    rows = {row["name"]: row for row in json.loads(run("config", "show", "--json")[1])}
    assert rows["timeout"]["place"].startswith(f"{file}:") and rows["direct"]["place"] == "default"


def test_a_file_that_is_wrong_ends_a_command_and_is_checked(tmp_path: Path, done: list[Any]) -> None:
    file = tmp_path / "a.toml"
    file.write_text("timeuot = 3\n")
    said = f"{file}:1: no setting is called timeuot; did you mean timeout?\n"
    assert run("--config", file, "type", "avl://a:1/0", "x") == (2, "", f"avl: {said}") and done == []
    assert run("config", "check", "--config", file) == (2, "", said)


def test_every_setting_has_its_reason() -> None:
    found = list(leaves(Configuration))
    assert all(len(leaf.reason) > 10 and leaf.reason.endswith(".") for leaf in found)
    assert all(leaf.default is not None or leaf.example or not leaf.filed for leaf in found)
    flags = {**inspect.signature(cli.screenshot).parameters, **inspect.signature(cli.view).parameters}
    assert {leaf.name: leaf.default for leaf in found} == {leaf.name: flags[leaf.name].default for leaf in found}


def test_settings_are_loaded_only_where_something_is_set(tmp_path: Path) -> None:
    assert not is_anything_set(None, {"AVL_VIEWER_STATE": "/x", "AVL_VIEWER_QLOG": "", "OTHER": "1"})
    assert is_anything_set(None, {"AVL_VIEWER_QLOG": "/q"}) and is_anything_set(tmp_path, {})
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "avl.toml").touch()
    assert is_anything_set(None, {})
