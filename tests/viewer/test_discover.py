"""Hosts on the local network: what is made of an answer, and real answers in a network of our own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from avl_host.paths import announce
from avl_protocol.endpoint.addresses.interfaces import FixedInterfaces, LocalAddress
from avl_protocol.wire import device_id
from avl_protocol.wire.target import parse_target
from avl_viewer import cli
from avl_viewer.paths import discover
from avl_viewer.paths.discover import Found, hosts_on_lan, understand
from interop.bench.rig.netns import NEAR, Cable, LinkImpossible

ROOT = Path(__file__).resolve().parents[2]
DEVICE = device_id.to_text(12345)
HERE = [LocalAddress("192.168.1.7", 24, "eth0"), LocalAddress("2a01:4f8::7", 64, "eth0")]
TXT: dict[bytes, bytes | None] = {b"id": DEVICE.encode(), b"v": b"1", b"name": b"Study"}


@pytest.fixture
def cable() -> Iterator[Cable]:
    """Two networks of our own; where the system allows none the test is skipped, or fails where CI=true."""
    try:
        laid = Cable()
    except LinkImpossible as impossible:
        text = f"no network namespaces here: {impossible}"
        if os.environ.get("CI") == "true":
            pytest.fail(text, pytrace=False)
        pytest.skip(text)
    with laid:
        yield laid


# ---------------------------------------------------------------------------------------------------------- one answer


def test_an_answer_becomes_a_target() -> None:
    found = understand(TXT, ["192.168.1.20"], 4433, HERE)
    assert found == Found(DEVICE, "Study", "192.168.1.20", 4433)
    assert found.target == f"avl://192.168.1.20:4433/{DEVICE}"
    six = understand(TXT, ["2a01:4f8::20"], 4433, HERE)
    assert six is not None
    assert parse_target(six.target).relay.host == "2a01:4f8::20"


@pytest.mark.parametrize(
    ("addresses", "chosen"),
    [
        (["172.17.0.1", "192.168.1.20"], "192.168.1.20"),
        (["2a01:4f8::20", "192.168.1.20"], "192.168.1.20"),
        (["10.9.0.1", "2a01:4f8::20"], "2a01:4f8::20"),
        (["10.9.0.1"], "10.9.0.1"),
    ],
)
def test_the_nearest_address_is_taken(addresses: list[str], chosen: str) -> None:
    found = understand(TXT, addresses, 4433, HERE)
    assert found is not None
    assert found.host == chosen


@pytest.mark.parametrize("ip", ["8.8.8.8", "127.0.0.1", "::1", "224.0.0.1", "0.0.0.0", "fe80::1", "x", "2001:db9::1"])
def test_an_address_that_nobody_here_can_have_is_refused(ip: str) -> None:
    assert understand(TXT, [ip], 4433, HERE) is None
    assert understand(TXT, [], 4433, HERE) is None


@pytest.mark.parametrize("port", [None, 0, 65536, -1])
def test_a_port_that_is_none_is_refused(port: int | None) -> None:
    assert understand(TXT, ["192.168.1.20"], port, HERE) is None


@pytest.mark.parametrize(
    "change",
    [
        {b"id": None},
        {b"id": b""},
        {b"id": DEVICE.encode()[:-1]},
        {b"id": b"-" * 300 + DEVICE.encode()},
        {b"id": "Ä".encode() * 28},
        {b"v": None},
        {b"v": b"2"},
    ],
)
def test_an_answer_of_another_kind_is_left_out(change: dict[bytes, bytes | None]) -> None:
    assert understand({**TXT, **change}, ["192.168.1.20"], 4433, HERE) is None


def test_a_name_can_do_nothing_to_a_terminal() -> None:
    found = understand({**TXT, b"name": b"\x1b[31mred\x07\xe2\x80\xae" + b"x" * 200}, ["192.168.1.20"], 4433, HERE)
    assert found is not None
    assert found.name.startswith("\\x1b[31mred")
    assert found.name.isprintable()
    assert len(found.name) <= discover.LONGEST_NAME


@given(
    st.dictionaries(st.sampled_from([b"id", b"v", b"name", b"x"]), st.none() | st.binary(max_size=255)),
    st.lists(st.ip_addresses().map(str) | st.text(max_size=20), max_size=40),
    st.none() | st.integers(-1, 70000),
)
def test_no_answer_raises(properties: dict[bytes, bytes | None], addresses: list[str], port: int | None) -> None:
    understand(properties, addresses, port, HERE)
    understand({**properties, **TXT}, addresses, port, HERE)


def test_both_sides_mean_the_same_service() -> None:
    assert (announce.SERVICE, announce.VERSION.encode()) == (discover.SERVICE, discover.VERSION)


async def test_without_a_network_nobody_is_asked() -> None:
    assert await hosts_on_lan(60.0, FixedInterfaces()) == []
    announcer = announce.Announcer()
    await announcer.start(DEVICE, "Study", 4433, [])
    await announcer.close()


# ---------------------------------------------------------------------------------------------------------- the command


def devices(monkeypatch: pytest.MonkeyPatch, found: list[Found] | OSError, *words: str) -> tuple[int, str, str]:
    """What the command answers where these are found: status, stdout, stderr."""

    async def fake(seconds: float) -> list[Found]:
        if isinstance(found, OSError):
            raise found
        return found

    monkeypatch.setattr(discover, "hosts_on_lan", fake)
    done = CliRunner().invoke(cli.app, ["devices", *words])
    return done.exit_code, done.stdout, done.stderr


TWO = [Found(DEVICE, "Study [bold]", "192.168.1.20", 4433), Found(DEVICE, "", "192.168.1.21", 4433)]


def test_found_desktops_are_listed_with_whole_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    status, out, err = devices(monkeypatch, TWO, "--lan")
    assert (status, err) == (0, "")
    assert "Study [bold]" in out
    assert all(found.target in out for found in TWO)


def test_found_desktops_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    status, out, _ = devices(monkeypatch, TWO[:1], "--lan", "--json")
    assert status == 0
    assert json.loads(out) == [
        {
            "target": TWO[0].target,
            "device_id": DEVICE,
            "name": "Study [bold]",
            "host": "192.168.1.20",
            "port": 4433,
        }
    ]


@pytest.mark.parametrize(("words", "out"), [((), ""), (("--json",), "[]\n")])
def test_where_nobody_answers_it_is_said_how_to_announce(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], out: str
) -> None:
    status, printed, err = devices(monkeypatch, [], "--lan", *words)
    assert (status, printed) == (0, out)
    assert "avl-host run --listen 0.0.0.0:PORT --announce" in err


def test_what_goes_wrong_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert devices(monkeypatch, [])[0] == cli.USAGE
    status, _, err = devices(monkeypatch, OSError("no multicast"), "--lan")
    assert status == cli.FAILED
    assert err.startswith("avl: this network can't be asked (no multicast)")
    assert err.count("\n") == 1


# ------------------------------------------------------------------------------------------------------ the real thing


def look(cable: Cable) -> list[dict[str, object]]:
    command = [sys.executable, "-c", "from avl_viewer.cli import main; main()", "devices", "--lan", "--json"]
    done = subprocess.run(cable.far.command([*command, "--seconds", "1"]), capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def test_a_host_is_found_among_others_that_announce_nonsense_until_it_takes_it_back(cable: Cable) -> None:
    name = "Arbeitszimmer " + "ü" * 60
    host = subprocess.Popen(
        cable.near.command([sys.executable, "-m", "tests.viewer.lan_actor", DEVICE, name]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert host.stdin is not None
    assert host.stdout is not None
    try:
        assert host.stdout.readline() == "ready\n"
        (found,) = look(cable)
        assert found["target"] == f"avl://{NEAR}:4434/{DEVICE}"
        assert found["name"] == name.encode()[: announce.LONGEST_NAME].decode(errors="ignore")
        host.stdin.write("\n")
        host.stdin.flush()
        assert host.stdout.readline() == "gone\n"
        assert look(cable) == []
    finally:
        host.communicate(timeout=10)
    assert host.returncode == 0
