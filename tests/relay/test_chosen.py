"""Limits by name: every one of them can be set, and what is wrong is said with what would be right."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from typer.testing import CliRunner

from avl_protocol.endpoint.loop.world import World
from avl_protocol.rate.limits import DEFAULT, Allowance, Limits, Places
from avl_relay import cli
from avl_relay.chosen import chosen
from avl_relay.config import RelaySettings
from avl_relay.relay import Relay


def test_every_limit_can_be_set_to_its_default_and_to_twice_of_it() -> None:
    for field in fields(Limits):
        value = getattr(DEFAULT, field.name)
        if isinstance(value, Allowance):
            numbers: list[float] = [value.per_second, value.burst]
        elif isinstance(value, Places):
            numbers = [value.source, value.network, value.total]
        elif value is None:
            assert chosen(DEFAULT, [f"{field.name}=1000/2000"]) != DEFAULT
            numbers = []
        else:
            numbers = [value]
        text = "/".join(map(str, numbers)) or "none"
        assert chosen(DEFAULT, [f"{field.name}={text}"]) == DEFAULT
        if numbers:
            twice = chosen(DEFAULT, [f"{field.name}={'/'.join(str(2 * number or 1) for number in numbers)}"])
            assert getattr(twice, field.name) != value


def test_lines_are_taken_in_order_parts_and_comments_too() -> None:
    lines = ["# ours", "strangers = 1/2/3  # few", "", "strangers.total=9", "turn_packets=7", "requests.burst=5"]
    made = chosen(DEFAULT, lines)
    assert made.strangers == Places(1, 2, 9) and made.turn_packets == 7
    assert made.requests == Allowance(DEFAULT.requests.per_second, 5)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("stranger=1/2/3", "no limit is called stranger; did you mean strangers?"),
        ("zzzz=1", "no limit is called zzzz"),
        ("strangers", "strangers: a limit is set as NAME=VALUE"),
        (
            "strangers=1/2",
            "strangers=1/2: expected strangers=SOURCE/NETWORK/ALL of whole numbers, none of them negative",
        ),
        ("strangers.sources=1", "strangers has no sources; its parts are source, network, total"),
        ("turn_packets.source=1", "turn_packets has no parts: set it as turn_packets=VALUE"),
        ("turn_packets=1.5", "turn_packets=1.5: expected turn_packets=NUMBER of whole numbers, none of them negative"),
        ("requests=nan/3", "requests=nan/3: expected requests=RATE/BURST, none of them negative"),
        ("turn_seconds=-1", "turn_seconds=-1: expected turn_seconds=NUMBER, none of them negative"),
        ("requests=none", "requests=none: expected requests=RATE/BURST, none of them negative"),
    ],
)
def test_what_is_wrong_is_said(line: str, sentence: str) -> None:
    with pytest.raises(ValueError) as raised:
        chosen(DEFAULT, [line])
    assert str(raised.value) == sentence


def test_the_command_takes_a_file_and_then_its_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[RelaySettings] = []

    class Noting(Relay):
        def __init__(self, world: World, settings: RelaySettings) -> None:
            served.append(settings)
            super().__init__(world, settings)

    async def serve(*arguments: object, **named: object) -> str:
        return ""

    monkeypatch.setattr("avl_relay.relay.Relay", Noting)
    monkeypatch.setattr("avl_relay.operators.service.serve", serve)
    monkeypatch.setattr("avl_relay.operators.log.configure_log", lambda form: None)
    limits = tmp_path / "limits"
    limits.write_text("turn_packets=7\nturn_frames=8\n")
    arguments = ["serve", "--state", str(tmp_path), "--limits", str(limits), "--limit", "turn_frames=9"]
    result = CliRunner().invoke(cli.app, [*arguments, "--per-address", "300"])
    assert result.exit_code == 0, result.output
    assert (served[0].limits.turn_packets, served[0].limits.turn_frames) == (7, 9)
    assert served[0].limits.connections.source == 300
    wrong = CliRunner().invoke(cli.app, [*arguments, "--limit", "trun_packets=1"])
    assert wrong.exit_code == 2 and "did you mean turn_packets?" in wrong.output
    missing = CliRunner().invoke(cli.app, ["serve", "--state", str(tmp_path), "--limits", str(tmp_path / "none")])
    assert missing.exit_code == 2 and "No such file" in missing.output
