"""What avl-host says about what it is given, before it starts anything."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from avl_host.cli import app


@pytest.mark.parametrize("option", ["--code", "--view-code"])
def test_a_short_code_is_taken_with_a_warning_that_says_the_odds(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AVL_CODE", raising=False)

    def told(code: str) -> str:
        done = CliRunner().invoke(app, ["run", "--source", "pattern", option, code])
        assert done.exit_code == 2  # there is no way here
        return done.output

    assert "at least 4" in told("ABC") and "viewers have no way here" not in told("ABC")
    assert "1 chance in 6" in told("AB-CD") and "1 chance in 191" in told("ABCDE")
    assert "chance" not in told("ABCDEF") and "viewers have no way here" in told("ABCDEF")


@pytest.mark.parametrize(("codec", "exit_code"), [("mpeg2", 2), ("", 2), ("VP9", 2), ("auto", 2)])
def test_a_codec_is_one_of_those_there_are(codec: str, exit_code: int) -> None:
    done = CliRunner().invoke(app, ["run", "--source", "pattern", "--codec", codec, "--code", "ABCDEFGH"])
    assert done.exit_code == exit_code
    known = codec.lower() in ("auto", "vp9")
    assert ("--codec is" in done.output) != known and ("viewers have no way here" in done.output) == known


@pytest.mark.parametrize(
    ("forbidden", "known"), [("keyboard", True), ("CLIPBOARD_OUT", True), ("view", False), ("x", False)]
)
def test_what_nobody_may_is_named(forbidden: str, known: bool) -> None:
    done = CliRunner().invoke(app, ["run", "--source", "pattern", "--forbid", forbidden, "--code", "ABCDEFGH"])
    assert done.exit_code == 2
    assert ("--forbid takes" in done.output) != known and ("viewers have no way here" in done.output) == known
