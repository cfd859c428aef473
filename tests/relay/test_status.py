"""avl-relay status: what a running relay answers, and how it is shown."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from avl_protocol.endpoint.loop.clock import SystemClock
from avl_protocol.endpoint.program.localcontrol import ControlError
from avl_protocol.endpoint.program.localserver import LocalServer
from avl_relay.cli import app
from avl_relay.operators.console import SOCKET, STATUS, Console, look_at, socket_of
from avl_relay.operators.standing import of_this_process
from avl_relay.operators.status import figures, table, with_rates
from tests.relay.test_metrics import relay


def told() -> dict[str, object]:
    """An answer of a relay that stands still."""
    return {"address": "relay.test:4433", "uptime": 5.0, **figures(of_this_process(relay()))}


def test_figures_are_those_of_the_snapshot() -> None:
    seen = told()
    assert (seen["hosts"], seen["sessions"], seen["sessions_waiting"], seen["viewers"]) == (1, 1, 0, 1)
    assert (seen["bytes_in"], seen["bytes_out"], seen["datagrams_out"], seen["dropped"]) == (100, 7, 9, 7)
    assert seen["limits_hit"] == {"handshakes": 2} and seen["ready"] is True and seen["version"]
    assert json.loads(json.dumps(seen)) == seen


def test_rates_are_what_passed_between_two_answers() -> None:
    before = told()
    after = {**before, "uptime": float(str(before["uptime"])) + 2.0, "bytes_out": 2_000_007, "datagrams_out": 2009}
    rates = with_rates(before, after)["rates"]
    assert rates["bytes_out"] == pytest.approx(1e6) and rates["datagrams_out"] == pytest.approx(1000)
    assert rates["bytes_in"] == 0
    assert "rates" not in with_rates(before, before), "no time has passed"


def test_the_table_is_readable_with_rates_and_without() -> None:
    before = told()
    plain = table(before)
    assert "1 handshakes" not in plain and "2 handshakes" in plain and "takes newcomers" in plain
    assert "1 quic, 1 websocket" in plain and "CPU" not in plain
    after = {**before, "uptime": float(str(before["uptime"])) + 1.0, "bytes_out": 250_007, "ready": False}
    after |= {"cpu_seconds": float(str(before["cpu_seconds"])) + 0.1, "memory": 200 << 20}
    text = table(with_rates(before, after))
    assert "2.0 Mbit/s" in text and "10.0 % of a core, 10.00 % a session" in text
    assert "draining" in text and "200.0 MiB" in text
    assert all(line.isprintable() for line in text.splitlines())


async def test_the_command_asks_the_relay_of_its_state_folder(tmp_path: Path) -> None:
    console = Console(look_at(relay()), SystemClock(), "relay.test:4433")
    server = LocalServer(tmp_path / SOCKET, console.answer)
    server.listen()
    try:
        asked = ["status", "--state", str(tmp_path)]
        shown = await asyncio.to_thread(CliRunner().invoke, app, [*asked, "--seconds", "0.01"])
        assert shown.exit_code == 0 and "relay.test:4433" in shown.output and "bit/s" in shown.output
        raw = await asyncio.to_thread(CliRunner().invoke, app, [*asked, "--json", "--seconds", "0"])
        assert raw.exit_code == 0 and json.loads(raw.output)["hosts"] == 1
        with pytest.raises(ControlError, match="does not know"):
            await console.answer({"ask": "keys"})
    finally:
        await server.close()
    nobody = await asyncio.to_thread(CliRunner().invoke, app, asked)
    assert nobody.exit_code == 1 and "no relay runs" in nobody.output


async def test_the_first_of_several_processes_answers_for_all_that_answer(tmp_path: Path) -> None:
    still = relay()
    servers = [
        LocalServer(tmp_path / socket_of(number), Console(look_at(still), SystemClock(), "").answer)
        for number in (1, 2)
    ]
    for server in servers:
        server.listen()
    first = Console(look_at(still, [tmp_path / socket_of(number) for number in (1, 2, 3)]), SystemClock(), "here")
    try:
        answer = await first.answer(STATUS)
        assert (answer["processes"], answer["hosts"], answer["bytes_in"]) == (3, 3, 300)
        assert "processes    3" in table(answer)
        await servers[1].close()
        still.accepting = False
        answer = await first.answer(STATUS)
        assert (answer["processes"], answer["ready"]) == (2, False)
    finally:
        for server in servers:
            await server.close()
