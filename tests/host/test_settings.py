"""Settings of avl-host: flags, file and environment, and what a running host takes of them."""

from __future__ import annotations

import inspect
import json
import os
import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from avl_host import cli
from avl_host.config import HostSettings
from avl_host.sessions.sessionlist import SOCKET
from avl_host.settings.model import Configuration
from avl_host.settings.sources import host_settings
from avl_protocol.endpoint.program.localcontrol import ask
from avl_protocol.endpoint.settings.faults import BadSettings
from avl_protocol.endpoint.settings.load import from_flags
from avl_protocol.endpoint.settings.model import leaves
from interop.programs import Programs
from interop.stage import BIN, READY


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVL_HOST_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("AVL_CODE", raising=False)


def config(*arguments: str | Path) -> tuple[int, str, str]:
    """Run `avl-host config`: status, stdout, stderr."""
    made = CliRunner().invoke(cli.app, ["config", *map(str, arguments)])
    return made.exit_code, made.stdout, made.stderr


def test_a_file_is_begun_checked_and_shown_without_its_codes(tmp_path: Path) -> None:
    file = tmp_path / "state" / "avl-host.toml"
    assert config("init") == (0, f"{file}\n", "")
    assert config("check") == (0, f"{file}: no faults\n", "")
    assert all(line.endswith("# default") for line in config("show")[1].splitlines()[1:] if " = " in line)
    text = file.read_text().replace("#code = ", "code = ").replace("a code of eight characters or more", "HUNTER22")
    file.write_text(text.replace("#max_bitrate = 40.0", "max_bitrate = 9"))
    status, out, err = config("show")
    assert status == 0 and 'code = "***"' in out and "max_bitrate = 9.0" in out
    rows = {row["name"]: row for row in json.loads(config("show", "--json")[1])}
    assert rows["code"]["value"] == "***" and rows["control"]["live"] and not rows["listen"]["live"]
    assert "HUNTER22" not in out + err + str(rows)


def test_codes_come_by_their_old_variables_and_flags_win(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text('code = "FILEFILE"\n')
    for variables, flags, code, place in (
        ({}, {}, "FILEFILE", f"{file}:1"),
        ({"AVL_CODE": "OLDERCODE"}, {}, "OLDERCODE", "AVL_CODE"),
        ({"AVL_CODE": "OLDERCODE", "AVL_HOST_CODE": "NEWERCODE"}, {}, "NEWERCODE", "AVL_HOST_CODE"),
        ({"AVL_HOST_CODE": "NEWERCODE"}, {"code": "FLAGFLAG"}, "FLAGFLAG", "--code"),
    ):
        loaded = host_settings(file, None, [from_flags(flags)], variables)
        assert loaded.settings.written(("code",)) == code and loaded.place(("code",)) == place
        assert code not in repr(loaded.settings)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('forbid = ["keybord"]', "a.toml:1: forbid takes one of annotate, "),
        ('forbid = ["view"]', "a.toml:1: forbid takes one of annotate, "),
        ('code = "ab"', "a.toml:1: code: a code needs at least 4 letters or digits"),
        ('code = "SAMECODE"\nview_code = "same-code"', "a.toml:2: the code and the view code must differ"),
        ("announce = true", "a.toml:1: announce tells where to connect: it needs --listen"),
        ('pin = "x"', "a.toml:1: pin belongs to one --relay"),
        ('relay = ["a:b:c:d"]', "a.toml:1: relay: "),
        ("max_bitrate = 0.1", "a.toml:1: max_bitrate: 0.2 or more is expected"),
        ("lock_after = -1", "a.toml:1: lock_after: 0 or more is expected"),
        ('consent = "maybe"', "a.toml:1: consent is 'none' or 'ask'"),
        ("view_annotate = true", "a.toml:1: view-annotate is about"),
    ],
)
def test_a_fault_says_what_is_expected(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(text)
    with pytest.raises(BadSettings) as wrong:
        host_settings(file, None, (), {})
    assert said in str(wrong.value) and "SAMECODE" not in str(wrong.value)


def test_every_setting_has_its_reason_and_the_default_of_its_flag() -> None:
    found = list(leaves(Configuration))
    assert all(len(leaf.reason) > 10 and leaf.reason.endswith(".") for leaf in found)
    assert all(leaf.default is not None or leaf.example or not leaf.filed for leaf in found)
    parameters = inspect.signature(cli.run).parameters
    for leaf in found:
        assert parameters[leaf.key[0]].default == (leaf.default if leaf.default != () else None), leaf.name


def test_what_runs_by_default_is_what_it_always_was(tmp_path: Path) -> None:
    made = host_settings(None, tmp_path, (), {}).settings.host("pattern")
    assert made == HostSettings(relays=(), state=tmp_path, source="pattern")


async def test_a_running_host_takes_settings_anew(tmp_path: Path) -> None:
    programs, file = Programs(tmp_path), tmp_path / "a.toml"
    file.write_text('listen = "127.0.0.1:0"\nsource = "pattern"\n')
    try:
        command: list[str | Path] = [BIN / "avl-host", "run", "--config", file, "--state", tmp_path / "kept"]
        host = programs.start("host", [*command, "--ready-file", tmp_path / "host.json"])
        await programs.ready_file(tmp_path / "host.json", READY)

        def mode() -> str:
            return str(ask(tmp_path / "kept" / SOCKET, {"ask": "control"})["mode"])

        def says(text: str) -> bool:
            return text in host.log.read_text()

        assert mode() == "shared"
        file.write_text(
            file.read_text() + 'control = "one"\nforbid = ["keyboard"]\nmax_bitrate = 3\ncode_once = true\n'
        )
        os.kill(host.process.pid, signal.SIGHUP)
        await programs.until("it has changed", 20, lambda: says("settings need a restart: code_once"))
        assert says("settings read anew: control, forbid, max_bitrate changed") and mode() == "one"
        file.write_text("control = 'all'\n")
        os.kill(host.process.pid, signal.SIGHUP)
        await programs.until("it is refused", 20, lambda: says(f"stay as they are: {file}:1: control is 'shared' or"))
        assert mode() == "one"
        programs.check()
    finally:
        programs.end()


def test_the_password_of_a_mail_server_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVL_HOST_NOTIFY_MAIL", "smtps://me:s3cret@mail.example.org?to=me@example.org")
    shown = CliRunner().invoke(cli.app, ["config", "show", "--state", str(tmp_path)])
    assert shown.exit_code == 0 and "smtps://me:***@" in shown.output
    assert "s3cret" not in shown.output
