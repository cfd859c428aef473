"""Settings of avl-relay: flags, file and environment, as its command reads them."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from avl_protocol.endpoint.settings.load import load
from avl_protocol.endpoint.settings.model import leaves
from avl_protocol.endpoint.settings.report import explained
from avl_protocol.rate.limits import DEFAULT, Allowance, Places, for_address
from avl_relay import cli
from avl_relay.settings.model import Configuration, limit_text
from avl_relay.settings.sources import limit_layer, relay_settings


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVL_RELAY_STATE", str(tmp_path / "state"))


def config(*arguments: str | Path) -> tuple[int, str, str]:
    """Run `avl-relay config`: status, stdout, stderr."""
    made = CliRunner().invoke(cli.app, ["config", *map(str, arguments)])
    return made.exit_code, made.stdout, made.stderr


def test_a_file_is_begun_checked_and_shown(tmp_path: Path) -> None:
    file = tmp_path / "state" / "avl-relay.toml"
    assert config("init") == (0, f"{file}\n", "")
    assert file.stat().st_mode & 0o777 == 0o600
    assert config("init")[0] == 1 and "is there already" in config("init")[2]
    assert config("check") == (0, f"{file}: no faults\n", "")
    status, text, _ = config("show")
    assert status == 0 and all(line.endswith("# default") for line in text.splitlines()[1:] if " = " in line)
    file.write_text(file.read_text().replace("#drain = 10.0", "drain = 3.5"))
    assert "drain = 3.5" in config("show")[1]
    rows = {row["name"]: row for row in json.loads(config("show", "--json")[1])}
    assert rows["drain"]["value"] == 3.5 and rows["drain"]["live"] and rows["drain"]["place"].startswith(f"{file}:")
    assert rows["limits.requests"]["value"] == "100/2000"


def test_a_file_that_is_wrong_is_checked_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text('listn = "a"\nworkers = 1000\ntls_cert = "x"\n[limits]\nrequests = "1/2/3"\nturn_pakets = 1\n')
    status, out, err = config("check", "--config", file)
    assert (status, out) == (2, "")
    assert sorted(err.splitlines()) == [
        f"{file}:1: no setting is called listn; did you mean listen?",
        f"{file}:2: workers 1000: a number from 1 to 256, or auto",
        f"{file}:5: limits.requests: requests=1/2/3: expected requests=RATE/BURST, none of them negative",
        f"{file}:6: no setting is called limits.turn_pakets; did you mean turn_packets?",
    ]
    assert config("check", "--config", tmp_path / "none")[0] == 2


def test_a_relay_does_not_start_with_settings_that_are_wrong(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text('listen = "0.0.0.0:4433"\n')
    made = CliRunner().invoke(cli.app, ["serve", "--config", str(file)])
    assert made.exit_code == 2 and f"avl-relay: {file}:1: listen 0.0.0.0:4433 has no name" in made.stderr
    assert not (tmp_path / "state").exists()


def test_a_password_of_the_database_is_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text('database = "postgresql://avl:hunter2@db/avl"\n')
    status, out, err = config("show", "--config", file)
    assert status == 0 and "postgresql://avl:***@db/avl" in out and "hunter2" not in out + err
    assert f"others can read {file}, which says database" in err
    assert "hunter2" not in config("show", "--json", "--config", file)[1]


def test_every_setting_has_its_reason() -> None:
    found = list(leaves(Configuration))
    assert all(len(leaf.reason) > 10 and leaf.reason.endswith((".", ":")) for leaf in found), found
    assert all(leaf.default is not None or leaf.example or not leaf.filed for leaf in found)
    assert len({leaf.name for leaf in found}) == len(found)
    assert {leaf.key[1] for leaf in found if leaf.key[0] == "limits"} == set(DEFAULT.__slots__)


def test_the_defaults_of_flags_are_those_of_the_settings() -> None:
    parameters = inspect.signature(cli.serve).parameters
    assert set(Configuration.model_fields) - {"limits", "features"} <= set(parameters)
    for leaf in leaves(Configuration):
        if len(leaf.key) == 1:
            assert parameters[leaf.key[0]].default == (leaf.default if leaf.default != () else None), leaf.name


def test_what_runs_by_default_is_what_it_always_was(tmp_path: Path) -> None:
    made = load(Configuration, file=None, variables={}).settings
    assert made.chosen_limits() == DEFAULT == made.relay().limits
    assert (made.relay().listen, made.relay().http, made.relay().public) == (
        ("127.0.0.1", 4433),
        ("127.0.0.1", 8080),
        "127.0.0.1",
    )
    assert made.control().demanded == {"owner", "admin"} and not made.control().required
    assert made.drain == 10.0 and made.metrics is None


def test_limits_of_all_sources_add_up_part_by_part(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text('per_address = 500\n[limits]\nstrangers = "1/2/3"\nrequests = {burst = 7}\nforward_total = "8/9"\n')
    variables = {"AVL_RELAY_LIMITS__STRANGERS__NETWORK": "20", "AVL_RELAY_LIMITS__FORWARD_TOTAL": "none"}
    flags = [
        limit_layer(["strangers.total=300", "turn_packets=3"], "--limit"),
        limit_layer(["turn_packets=2  # said", "", "turn_frames=9"], "--limits x"),
    ]
    loaded = relay_settings(file, None, flags, variables)
    limits = loaded.settings.chosen_limits()
    assert limits.strangers == Places(1, 20, 300) and limits.requests == Allowance(100, 7)
    assert (limits.turn_packets, limits.turn_frames, limits.forward_total) == (3, 9, None)
    assert limits.connections == for_address(500).connections
    assert loaded.settings.written(("limits", "strangers")) == "1/20/300"
    assert loaded.place(("limits", "strangers")) == "--limit"
    assert loaded.place(("limits", "turn_frames")) == "--limits x"


@pytest.mark.parametrize("name", sorted(DEFAULT.__slots__))
def test_every_limit_can_be_written_as_it_is_shown(name: str, tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    value: Any = limit_text(getattr(DEFAULT, name))
    file.write_text(f"[limits]\n{name} = {json.dumps(value)}\n")
    assert relay_settings(file, None, (), {}).settings.chosen_limits() == DEFAULT


def test_the_file_that_is_begun_says_each_default(tmp_path: Path) -> None:
    text = explained(Configuration)
    lines = [line[1:] if line[:1] == "#" and line[1:2] not in (" ", "") else line for line in text.split("\n")]
    file = tmp_path / "a.toml"
    file.write_text("\n".join(lines))
    settings = relay_settings(file, None, (), {}).settings
    for leaf in leaves(Configuration):
        assert leaf.default is None or settings.written(leaf.key) == leaf.default, leaf.name


def test_the_commands_of_the_store_find_the_database_by_the_settings(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    file, store = tmp_path / "state" / "avl-relay.toml", tmp_path / "elsewhere.db"
    file.write_text(f'database = "{store}"\n')
    made = CliRunner().invoke(cli.app, ["db", "migrate"])
    assert made.exit_code == 1 and f"there is no database at {store}" in made.stderr
    file.write_text("database = 3\n")
    made = CliRunner().invoke(cli.app, ["db", "migrate"])
    assert made.exit_code == 2 and f"{file}:1: database: text is expected" in made.stderr
