"""Enrolling at a terminal: whose key is pinned is confirmed by a person, or was named before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from avl_host import cli, enrol
from avl_host.enrol import Asked, Enrolled, fingerprint
from avl_host.rights.owner import load_owner, owner_of
from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.api.calls import ApiError
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.rights.jws import thumbprint
from avl_protocol.rights.statements import Enrolment, device_audience, sign

OWNER = Identity(bytes(range(32)))
NAME = thumbprint(OWNER.public)
RELAY = "127.0.0.1:4433?pin=" + "A" * 43


@pytest.fixture
def approved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A relay where somebody approves at once; what hosts said of themselves."""
    said: list[str] = []

    async def approve(identity: Identity, relay: Any, about: Any, *, tell: Any, **more: Any) -> Enrolled:
        said.append(about.name)
        tell(Asked("ABCD-EFGH", "http://localhost/account/#code=ABCD-EFGH"))
        made = Enrolment(audience=device_audience(identity.number), issued=1_800_000_000, name="Lab")
        token = sign(OWNER, made)
        return Enrolled(token, owner_of(token, identity.number), "code")

    async def confirm(identity: Identity, relay: Any, enrolled: Enrolled) -> None:
        said.append(f"confirmed {enrolled.code}")

    monkeypatch.setattr(enrol, "enrol", approve)
    monkeypatch.setattr(enrol, "confirm", confirm)
    return said


def enroll(state: Path, *options: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(cli.app, ["enroll", RELAY, "--state", str(state), *options], input=answer)


def owner(state: Path) -> str | None:
    kept = StateFolder(state)
    found = load_owner(kept, kept.identity(bytes).number)
    return found.thumbprint if found else None


def test_the_key_that_was_named_is_pinned_and_shown(tmp_path: Path, approved: list[str]) -> None:
    result = enroll(tmp_path, "--owner", fingerprint(NAME), "--name", "here")
    assert result.exit_code == 0, result.output
    assert owner(tmp_path) == NAME and approved == ["here", "confirmed code"]
    assert "ABCD-EFGH" in result.output and StateFolder(tmp_path).identity(bytes).device_id in result.output
    shown = CliRunner().invoke(cli.app, ["status", "--state", str(tmp_path)])
    assert fingerprint(NAME) in shown.output and "Lab" in shown.output
    doctor = CliRunner().invoke(cli.app, ["doctor", "--state", str(tmp_path)])
    assert fingerprint(NAME) in doctor.output


def test_another_key_than_was_named_is_not_pinned(tmp_path: Path, approved: list[str]) -> None:
    result = enroll(tmp_path, "--owner", "x" * 43)
    assert result.exit_code == 1 and "nothing is pinned" in result.output
    assert owner(tmp_path) is None and not any("confirmed" in one for one in approved)


def test_without_a_terminal_and_a_name_nothing_is_asked(tmp_path: Path, approved: list[str]) -> None:
    result = enroll(tmp_path)
    assert result.exit_code == 2 and "--owner FINGERPRINT" in result.output and approved == []


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 1), ("", 1)])
def test_at_a_terminal_a_person_is_asked(
    tmp_path: Path, approved: list[str], monkeypatch: pytest.MonkeyPatch, answer: str, status: int
) -> None:
    monkeypatch.setattr(cli, "_at_a_terminal", lambda: True)
    result = enroll(tmp_path, answer=answer + "\n")
    assert result.exit_code == status, result.output
    assert owner(tmp_path) == (NAME if status == 0 else None)
    assert ("confirmed code" in approved) is (status == 0), "the relay hears it when a person has said yes"


def test_what_the_relay_does_not_take_is_not_pinned(
    tmp_path: Path, approved: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def late(*arguments: Any, **more: Any) -> None:
        raise ApiError(400, "expired_token", "Nobody approved it in time: begin again.")

    monkeypatch.setattr(enrol, "confirm", late)
    result = enroll(tmp_path, "--owner", NAME)
    assert result.exit_code == 1 and "begin again" in result.output and owner(tmp_path) is None


def test_what_the_relay_refuses_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*arguments: Any, **more: Any) -> Enrolled:
        raise ApiError(400, "access_denied", "it was denied on the page")

    monkeypatch.setattr(enrol, "enrol", refuse)
    result = enroll(tmp_path, "--owner", NAME)
    assert result.exit_code == 1 and "denied on the page" in result.output


def test_a_host_without_an_owner_says_how_to_get_one(tmp_path: Path) -> None:
    never = CliRunner().invoke(cli.app, ["status", "--state", str(tmp_path)])
    assert never.exit_code == 1 and "not been started yet" in never.output
    StateFolder(tmp_path).identity(lambda size: bytes(size))
    shown = CliRunner().invoke(cli.app, ["status", "--state", str(tmp_path), "--json"])
    assert shown.exit_code == 0 and '"owner": null' in shown.output
    assert "avl-host enroll" in CliRunner().invoke(cli.app, ["status", "--state", str(tmp_path)]).output
