"""avl-host's commands that need no desktop: a new identity, and codes from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from avl_host import cli
from avl_protocol.endpoint.program.state import StateFolder
from tests.protocol.handshakes import Seeded


def test_a_new_identity_is_another_device_and_the_old_key_is_kept(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    old = folder.identity(Seeded("old"))
    done = [CliRunner().invoke(cli.app, ["identity", "new", "--state", str(tmp_path)]) for _ in range(2)]
    assert [one.exit_code for one in done] == [0, 0], done
    now = folder.identity(Seeded("unused"))
    assert now.public != old.public and now.device_id in done[1].stdout
    assert (tmp_path / "identity.key.old-1").stat().st_mode & 0o777 == 0o600
    assert "identity.key.old-2" in done[1].stdout and "hand out the new ones" in done[1].stdout
    (tmp_path / "identity.key.old-1").rename(tmp_path / "identity.key")
    assert folder.identity(Seeded("unused")).public == old.public


def test_the_first_identity_leaves_no_old_one(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli.app, ["identity", "new", "--state", str(tmp_path / "fresh")])
    assert done.exit_code == 0 and "old" not in done.stdout
    assert [entry.name for entry in (tmp_path / "fresh").iterdir()] == ["identity.key"]


def test_the_identity_of_a_host_that_runs_is_not_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = StateFolder(tmp_path).identity(Seeded("old"))
    monkeypatch.setattr(cli, "ask", lambda path, request: {"sessions": []})
    done = CliRunner().invoke(cli.app, ["identity", "new", "--state", str(tmp_path)])
    assert done.exit_code == 1 and "stop it first" in done.stderr
    assert StateFolder(tmp_path).identity(Seeded("unused")).public == old.public


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ([], {}),
        (["give", "2"], {"give": 2}),
        (["take"], {"mode": "host"}),
        (["one"], {"mode": "one"}),
        (["shared"], {"mode": "shared"}),
    ],
)
def test_control_is_shown_and_changed(
    words: list[str], asked: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = []
    person = {"number": 2, "name": "Bo\x1b", "acts": True, "holds": True, "asks": False}

    def answer(path: Path, request: dict[str, object]) -> dict[str, object]:
        heard.append(request)
        return {"mode": "one", "people": [person]}

    monkeypatch.setattr(cli, "ask", answer)
    done = CliRunner().invoke(cli.app, ["control", *words, "--state", str(tmp_path)])
    assert done.exit_code == 0 and heard == [{"ask": "control", **asked}]
    assert done.stdout.splitlines()[0] == "one viewer at a time acts"
    assert "Bo\\x1b" in done.stdout and done.stdout.splitlines()[1].endswith("has control")


@pytest.mark.parametrize("words", [["--control", "host"], ["--view-annotate"]])
def test_options_of_control_that_make_no_sense_are_usage_errors(words: list[str]) -> None:
    done = CliRunner().invoke(cli.app, ["run", "--source", "pattern", "--listen", "127.0.0.1:0", *words])
    assert done.exit_code == 2 and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("variable", ["AVL_CODE", "AVL_VIEW_CODE"])
def test_codes_come_from_the_environment_too(variable: str) -> None:
    """On a command line other users of the machine can read them."""
    run = ["run", "--source", "pattern", "--listen", "127.0.0.1:0"]
    done = CliRunner().invoke(cli.app, run, env={variable: "abc"})
    assert done.exit_code == 2 and "a code needs at least 4" in done.stderr
