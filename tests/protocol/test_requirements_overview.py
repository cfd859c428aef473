"""Chapter 1 of the specification: exit codes, ready files and state folders; what its tests elsewhere leave out."""

from __future__ import annotations

import json
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from avl_protocol.endpoint.program.state import StateError, StateFolder, write_ready
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.keys import KEYS, NAMES
from avl_protocol.wire.registry import CLOSE_CODES, CloseCode
from avl_viewer import api, cli

TARGET = "avl://127.0.0.1:4433/0000-0000-0000-0000-0000-0000-0000"
CHAPTER = Path(__file__).resolve().parent.parent.parent / "spec" / "01-overview.md"


@pytest.mark.parametrize("code", list(CloseCode), ids=lambda code: code.name)
def test_a_command_exits_as_the_registry_says_of_the_code_that_ended_it(
    code: CloseCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def refuses(*_: Any, **__: Any) -> AsyncIterator[None]:
        raise Refused(code)
        yield

    monkeypatch.setattr(api, "connect", refuses)
    result = CliRunner().invoke(cli.app, ["clipboard", TARGET, "--code", "ABCD"])
    assert result.exit_code == (CLOSE_CODES[code][1] or 1)
    assert result.stdout == ""
    assert result.stderr == f"avl: {CLOSE_CODES[code][2]}\n"


def test_without_a_code_and_a_terminal_a_command_exits_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AVL_CODE", raising=False)
    result = CliRunner().invoke(cli.app, ["clipboard", TARGET])
    assert result.exit_code == 2
    assert "--code" in result.stderr


def test_a_ready_file_is_written_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    file.write_text("what somebody left here")
    file.chmod(0o644)
    before = file.stat().st_ino
    write_ready(file, {"quic": "127.0.0.1:4433"})
    assert json.loads(file.read_text()) == {"quic": "127.0.0.1:4433"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.stat().st_ino != before, "it took the place of the old one: nobody reads half of it"
    assert [entry.name for entry in tmp_path.iterdir()] == ["ready.json"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_secret_that_others_can_reach_is_refused(mode: int, tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "state")
    identity = folder.identity(lambda size: bytes(range(size)))
    assert folder.identity(lambda size: bytes(size)).public == identity.public, "it was kept"
    (tmp_path / "state" / "identity.key").chmod(mode)
    with pytest.raises(StateError, match="chmod 600"):
        folder.identity(lambda size: bytes(size))


def test_the_chapter_lists_every_name_of_a_key() -> None:
    text = CHAPTER.read_text("utf-8").split("## 1.7")[1]
    listed = set(text.replace("`` ` ``", "`GRAVE`").split("`")[1::2])
    assert {"GRAVE" if name == "`" else name for name in KEYS} <= listed
    assert all(name in listed for name in NAMES.values())
