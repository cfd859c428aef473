"""SIGHUP, with real programs: of one process and of several, with files that are right and wrong."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import ssl
import subprocess
import termios
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.program.terminal import Terminal
from avl_protocol.endpoint.tls import self_signed
from avl_protocol.endpoint.udp import steering
from interop.programs import Program, Programs
from interop.stage import BIN, READY, kept
from tests.tools import without

HERE = "127.0.0.1"
ASKED = {"kind": "program", "jkt": "A" * 43}


class Running:
    """A relay with a file of settings."""

    def __init__(self, programs: Programs, folder: Path, *more: str) -> None:
        self.programs, self.folder, self.file = programs, folder, folder / "settings.toml"
        self.say("drain = 3\n")
        ports = ["--listen", f"{HERE}:0", "--http", f"{HERE}:0", "--public", HERE, "--log-format", "json"]
        command = [BIN / "avl-relay", "serve", *ports, *kept(folder, "relay"), "--config", self.file, *more]
        self.program: Program = programs.start("relay", command)

    def say(self, text: str) -> None:
        """Write the file anew."""
        self.file.write_text(text)

    async def ready(self) -> Running:
        self.page = (await self.programs.ready_file(self.folder / "relay.json", READY))["http"]
        return self

    def events(self, name: str) -> list[dict[str, Any]]:
        """What the log says of one kind."""
        lines = [line for line in self.program.log.read_text().splitlines() if line.startswith("{")]
        return [one for one in map(json.loads, lines) if one["event"] == name]

    async def logged(self, name: str, count: int) -> list[dict[str, Any]]:
        """The same, once there are so many."""
        await self.programs.until(f"{count} {name}", 20, lambda: len(self.events(name)) >= count)
        assert len(self.events(name)) == count
        return self.events(name)

    def hang_up(self) -> None:
        """SIGHUP, to the program alone."""
        os.kill(self.program.process.pid, signal.SIGHUP)

    def _ask(self) -> str:
        asked = urllib.request.Request(
            f"http://{self.page}/api/v1/device-authorizations",
            json.dumps(ASKED).encode(),
            {"content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return str(answer.status)
        except urllib.error.HTTPError as error:
            return str(json.loads(error.read())["code"])

    async def answers(self, times: int = 1) -> set[str]:
        """What a program is told that asks for a sign-in: each time on a connection of its own, at any worker."""
        return {await asyncio.to_thread(self._ask) for _ in range(times)}


OFF = "drain = 3\n[features]\nenrolment = false\n"


async def test_a_relay_reads_its_settings_anew(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    try:
        relay = await Running(programs, tmp_path).ready()
        assert "turned-off" not in await relay.answers()
        relay.say(
            "listen = '127.0.0.1:1'\nhttp = '127.0.0.1:2'\n" + OFF + "[limits]\nrequests = '9/90'\nturn_packets = 1\n"
        )
        relay.hang_up()
        told = await relay.logged("settings read anew", 1)
        assert told[0]["changed"] == "features.enrolment, limits.requests"
        assert (await relay.logged("settings need a restart", 1))[0]["settings"] == "limits.turn_packets"
        assert await relay.answers() == {"turned-off"}  # flags win: listen and http are as they were
        relay.say("drain = 0\n[features]\nenrolment = 'perhaps'\nsharing = true\n")
        relay.hang_up()
        said = [one["why"] for one in await relay.logged("settings stay as they are", 2)]
        assert said == [
            f"{relay.file}:3: features.enrolment: true or false is expected",
            f"{relay.file}:4: no setting is called features.sharing; did you mean share_links?",
        ] or [line.partition(": ")[0] for line in said] == [f"{relay.file}:3", f"{relay.file}:4"]
        assert await relay.answers() == {"turned-off"}
        relay.file.unlink()
        relay.hang_up()
        assert "can't be read" in (await relay.logged("settings stay as they are", 3))[2]["why"]
        programs.check()
    finally:
        programs.end()


async def test_all_workers_read_settings_anew_and_one_that_is_started_later_has_them(tmp_path: Path) -> None:
    if (why := steering.unable()) is not None:
        without(why)
    programs = Programs(tmp_path)
    try:
        relay = await Running(programs, tmp_path, "--workers", "2").ready()
        supervisor = relay.program.process.pid
        assert "turned-off" not in await relay.answers(4)
        relay.say(OFF + "[limits]\nturn_packets = 1\n")
        relay.hang_up()
        told = await relay.logged("settings read anew", 3)
        assert {one.get("worker") for one in told} == {None, 0, 1}
        assert len(await relay.logged("settings need a restart", 1)) == 1
        assert await relay.answers(16) == {"turned-off"}
        relay.say("drain = [")
        relay.hang_up()
        assert "no TOML" in (await relay.logged("settings stay as they are", 1))[0]["why"], "the workers are not asked"
        children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)
        await relay.logged("relay ready", 3)
        assert await relay.answers(16) == {"turned-off"}, "it begins with what was read last"
        programs.check()
    finally:
        programs.end()


def certificate() -> tuple[bytes, bytes]:
    """PEM of a certificate of its own, and of its key."""
    made = self_signed([HERE], now=time.time(), entropy=entropy)
    assert isinstance(made.key, ec.EllipticCurvePrivateKey)
    key = made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made.certificate.public_bytes(Encoding.PEM), key


def presented(address: str) -> str:
    """The certificate that a server presents, as PEM."""
    host, port = address.rsplit(":", 1)
    return ssl.get_server_certificate((host, int(port)), timeout=10)


async def test_a_certificate_that_was_renewed_is_presented_and_a_wrong_one_is_not(tmp_path: Path) -> None:
    programs, chain, private = Programs(tmp_path), tmp_path / "cert.pem", tmp_path / "key.pem"
    first, second, third = (certificate() for _ in range(3))
    chain.write_bytes(first[0])
    private.write_bytes(first[1])
    try:
        relay = await Running(programs, tmp_path, "--tls-cert", str(chain), "--tls-key", str(private)).ready()
        programs_at = json.loads((tmp_path / "relay.json").read_text())["quic"]  # TCP of the same number

        async def seen() -> set[str]:
            return {await asyncio.to_thread(presented, address) for address in (relay.page, programs_at)}

        assert await seen() == {first[0].decode()}
        relay.hang_up()
        await relay.logged("settings read anew", 1)
        chain.write_bytes(second[0])
        private.write_bytes(second[1])
        relay.hang_up()
        await relay.logged("certificate renewed", 1)
        assert await seen() == {second[0].decode()}
        chain.write_bytes(third[0])  # without its key
        relay.hang_up()
        assert "key" in (await relay.logged("certificate stays as it is", 1))[0]["why"].lower()
        private.write_text("no key at all")
        relay.hang_up()
        await relay.logged("certificate stays as it is", 2)
        assert await seen() == {second[0].decode()} and relay.events("certificate renewed")[1:] == []
        programs.check()
    finally:
        programs.end()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_relay_whose_terminal_is_gone_ends(workers: str, tmp_path: Path) -> None:
    if workers != "1" and (why := steering.unable()) is not None:
        without(why)
    ours, theirs = os.openpty()
    ports = ["--listen", f"{HERE}:0", "--http", f"{HERE}:0", "--workers", workers]
    relay = subprocess.Popen(
        [BIN / "avl-relay", "serve", *ports, *kept(tmp_path, "relay")],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    try:
        while b"avl-host run" not in os.read(ours, 4096):
            pass
        os.close(ours)
        relay.wait(30)
    finally:
        relay.kill()
        relay.wait()


def test_a_program_without_a_terminal_has_lost_none() -> None:
    assert not Terminal(lambda stream: False).gone
    there = {0, 2}
    terminal = Terminal(there.__contains__)
    assert not terminal.gone
    there.clear()
    assert terminal.gone
