"""Commands of an account: what is written wrongly is one line that says how it is written, before anybody is asked."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from avl_protocol.endpoint.api.calls import ApiError
from avl_viewer import cli
from avl_viewer.commands import approving, running


def avl(state: Path, *command: str) -> Result:
    return CliRunner().invoke(cli.app, [*command, "--state", str(state)])


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("grants", "add", "lab", "bo", "--role", "boss"), "viewer, assistant, operator, admin"),
        (("grants", "add", "lab", "bo", "--permit", "fly"), "'fly' is no permission: view, pointer"),
        (("grants", "add", "lab", "bo", "--permit", "terminal"), "without view"),
        (("grants", "add", "lab", "bo", "--permit", "none"), "permissions are: view"),
        (("grants", "add", "lab", "bo", "--for", "soon"), "30m, 12h, 7d or 2w"),
        (("grants", "add", "lab", "bo", "--for", "1d", "--until", "2090-01-01"), "not both"),
        (("grants", "add", "lab", "bo", "--until", "2001-01-01"), "over already"),
        (("grants", "add", "lab", "bo", "--hours", "mon 9-17"), "--zone Europe/Berlin"),
        (("grants", "add", "lab", "bo", "--hours", "9-17", "--zone", "UTC"), "'mon-fri 9:00-17:00'"),
        (("grants", "add", "lab", "bo", "--hours", "mon 9-17", "--zone", "Mars"), "no time zone"),
        (("grants", "add", "lab", "bo", "--session", "0h"), "no span of time"),
        (("share", "lab", "--role", "boss"), "viewer, assistant, operator, admin"),
        (("share", "lab", "--session", "long"), "no span of time"),
        (("policy", "set", "lab"), "say what to limit"),
        (("policy", "set", "lab", "--at-most", "boss"), "viewer, assistant, operator, admin"),
        (("policy", "set", "lab", "--without", "fly"), "no permission"),
        (("policy", "set", "lab", "--ask", "sometimes"), "always, first or never"),
        (("policy", "set", "lab", "--stale", "old"), "no span of time"),
    ],
)
def test_what_is_written_wrongly_is_a_line_that_says_how_it_is_written(
    tmp_path: Path, command: tuple[str, ...], says: str
) -> None:
    result = avl(tmp_path, *command)
    assert result.exit_code == running.USAGE, result.output
    assert says in result.stderr and result.stderr.count("\n") == 1 and result.stdout == ""


@pytest.mark.parametrize(
    "command",
    [
        ("grants",),
        ("groups",),
        ("policy",),
        ("sessions",),
        ("grants", "give", "lab", "bo"),
        ("groups", "add", "garden", "lab"),
        ("groups", "remove", "garden", "lab"),
        ("groups", "delete", "garden"),
        ("policy", "set", "group:garden", "--no-browser"),
    ],
)
def test_without_a_sign_in_every_command_says_what_to_do(tmp_path: Path, command: tuple[str, ...]) -> None:
    at = 1 if len(command) == 1 else len(command)
    result = CliRunner().invoke(cli.app, [*command[:at], "--state", str(tmp_path), *command[at:]])
    assert result.exit_code == running.USAGE and "avl login" in result.stderr, result.output


def test_what_needs_a_factor_of_just_now_says_how_to_show_one(tmp_path: Path) -> None:
    async def refused(world: Any, kept: Any) -> None:
        raise ApiError(403, "step-up", "A second factor is needed")

    app = typer.Typer()

    @app.command()
    def command() -> None:
        running.run(tmp_path, refused)

    result = CliRunner().invoke(app)
    assert result.exit_code == running.REFUSED and "avl login RELAY" in result.stderr


@pytest.mark.parametrize("terminal", [True, False])
async def test_a_factor_of_just_now_is_asked_for_in_the_middle_of_a_command(
    monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: terminal))
    done: list[str] = []

    async def action() -> str:
        done.append("asked")
        if "proved" not in done:
            raise ApiError(403, "step-up", "A second factor is needed")
        return "revoked"

    async def prove() -> None:
        done.append("proved")

    if terminal:
        assert await approving.with_a_factor(action, prove) == "revoked"
        assert done == ["asked", "proved", "asked"]
    else:
        with pytest.raises(ApiError):
            await approving.with_a_factor(action, prove)
        assert done == ["asked"]


async def test_what_is_refused_for_another_reason_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))

    async def action() -> None:
        raise ApiError(403, "forbidden", "no")

    async def prove() -> None:
        raise AssertionError("nobody is asked")

    with pytest.raises(ApiError, match="no"):
        await approving.with_a_factor(action, prove)
