"""avl-relay serve: what is refused before anything starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from avl_protocol.endpoint.udp import steering
from avl_relay.cli import USAGE, app
from avl_relay.control.lock import held


@pytest.mark.parametrize("asked", ["0", "-1", "257", "two", "1.5", ""])
def test_a_number_of_workers_that_is_none_is_refused(asked: str, tmp_path: Path) -> None:
    made = CliRunner().invoke(app, ["serve", "--state", str(tmp_path / "state"), f"--workers={asked}"])
    assert made.exit_code == USAGE and f"--workers {asked}: a number from 1 to 256, or auto" in made.output
    assert not (tmp_path / "state").exists()


def test_several_workers_are_refused_where_the_system_can_not_steer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "aix")
    made = CliRunner().invoke(app, ["serve", "--state", str(tmp_path / "state"), "--workers", "2"])
    assert made.exit_code == USAGE
    assert "--workers 2: one port for several workers takes Linux, and this is aix; run it with one" in made.output
    assert not (tmp_path / "state").exists()


def test_a_kernel_without_the_option_is_told_from_one_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(steering, "SO_ATTACH_REUSEPORT_CBPF", 9999)
    told = steering.unable()
    assert told is not None and told.startswith("this system can't steer datagrams between workers: ")


def test_roles_that_are_none_have_no_second_factor(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["serve", "--second-factor", "owner,boss", "--state", str(tmp_path)])
    assert answer.exit_code == 2 and "owner, admin and member" in answer.output


def test_two_relays_do_not_share_a_file_of_sqlite(tmp_path: Path) -> None:
    before = b"somebody's"
    (tmp_path / "relay.db").write_bytes(before)
    with held(tmp_path / "relay.db"):
        made = subprocess.run(
            [Path(sys.executable).with_name("avl-relay"), "serve", "--state", tmp_path, "--listen", "127.0.0.1:0"],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert made.returncode == 1 and f"another relay uses {tmp_path / 'relay.db'}: end that one" in made.stderr
    assert (tmp_path / "relay.db").read_bytes() == before
