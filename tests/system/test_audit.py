"""A relay's audit log as a viewer and a host see it, session by session, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from avl_host.audit.journal import MemoryJournal
from avl_protocol.audit.compare import session_name
from avl_protocol.audit.exchange import ALARM
from avl_protocol.endpoint.program.headwatch import KEPT
from avl_protocol.wire.registry import T_LOGGED
from avl_relay.audit.memory import MemoryLog
from tests.protocol.audit_log import chain_of, chained
from tests.simulator.run import Simulation
from tests.simulator.run import run as run_long
from tests.simulator.world import HOST, RELAY, System, system
from tests.system.seen import online, run, until


def test_a_viewer_keeps_heads_and_says_loudly_when_a_relay_s_log_was_changed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s:
            s.audit = log = MemoryLog(s.world(RELAY, "relay"))
            assert s.relay_instance is not None
            await s.relay_instance.close()
            await s.start_relay()
            async with s.host() as host:
                await online(host)
                kept: Path = s.folder / "viewer" / KEPT
                async with s.viewer(host):
                    await until(kept.exists)
                first = kept.read_bytes()
                async with s.viewer(host):  # the next session: the log goes on
                    await until(lambda: kept.read_bytes() != first)
                began = [entry.text("session") for entry in log.entries if entry.kind == "session_began"]
                assert len(began) == 2 and len(began[0]) == len(session_name(bytes(16)))
                assert not caplog.messages
                log.entries = chained([*log.entries[:1], *log.entries[2:]], 1)
                log.chain = chain_of(log.entries)
                for _ in range(5):
                    log.record("host_left", device="A")
                async with s.viewer(host) as desktop:
                    await until(lambda: bool(caplog.messages))
                    assert desktop.stats()["path"]
                assert "audit log was changed" in caplog.messages[0] and str(kept) in caplog.messages[0]

    run(main)


#: What is missing is known by then; the logs have to tell of a while before.
KNOWN, BEFORE = T_LOGGED + 5.0, 320.0


def missing(log: MemoryLog | MemoryJournal) -> list[str]:
    """Sessions that were told to be missing, as the log has it."""
    return [entry.text("session") for entry in log.entries if entry.text("alarm") == ALARM]


def compared(
    work: Callable[[System, MemoryLog, MemoryJournal], Coroutine[None, None, None]], via: str = "relay"
) -> tuple[list[str], list[str]]:
    """Whom a host and a relay with logs miss, after all this."""

    async def main(simulation: Simulation) -> tuple[list[str], list[str]]:
        async with system(simulation, via=via) as s:
            s.audit, s.journal = MemoryLog(s.world(RELAY, "relay")), MemoryJournal(s.world(HOST, "host"))
            assert s.relay_instance is not None
            await s.relay_instance.close()
            s.journal.record("log_begun", program="host")
            await asyncio.sleep(BEFORE)
            await s.start_relay()
            await work(s, s.audit, s.journal)
            return missing(s.audit), missing(s.journal)

    return run_long(main)[0]


def test_a_session_that_both_logs_have_is_no_alarm_whatever_happens_meanwhile() -> None:
    async def work(s: System, log: MemoryLog, journal: MemoryJournal) -> None:
        async with s.host() as host:
            await online(host)
            async with s.viewer(host):
                pass
            async with s.viewer(host, reconnect=True) as desktop:
                assert s.relay_instance is not None
                await s.relay_instance.close()
                await s.start_relay()
                await until(lambda: len([one for one in log.entries if one.kind == "session_began"]) == 3)
                assert desktop.stats()["path"]
            await asyncio.sleep(KNOWN)
        async with s.host() as host:  # it has restarted
            await online(host)
            await asyncio.sleep(KNOWN)
        began = {entry.text("session") for entry in log.entries if entry.kind == "session_began"}
        assert began == {entry.text("session") for entry in journal.entries if entry.kind == "session_began"}
        assert len(began) == 2

    assert compared(work) == ([], [])


@pytest.mark.parametrize("via", ["direct", "moved"])
def test_a_session_that_is_or_goes_direct_is_no_alarm(via: str) -> None:
    async def work(s: System, log: MemoryLog, journal: MemoryJournal) -> None:
        async with s.host() as host:
            await online(host)
            async with s.viewer(host):
                pass
            await asyncio.sleep(KNOWN)
            assert [entry for entry in journal.entries if entry.kind == "session_began"]

    assert compared(work, via) == ([], [])


def test_a_session_that_the_relay_does_not_log_is_an_alarm_at_both_ends() -> None:
    async def work(s: System, log: MemoryLog, journal: MemoryJournal) -> None:
        record = log.record

        def forgets(kind: str, **said: object) -> None:
            if kind != "session_began":
                record(kind, **said)

        log.record = forgets  # type: ignore[method-assign]
        async with s.host() as host:
            await online(host)
            async with s.viewer(host):
                pass
            await asyncio.sleep(KNOWN)
            assert "and not in the relay's" in host.said[-1]

    at_relay, at_host = compared(work)
    assert len(at_relay) == 1 and at_host == at_relay


def test_a_session_that_the_host_does_not_know_is_an_alarm_at_both_ends_when_it_is_back() -> None:
    async def work(s: System, log: MemoryLog, journal: MemoryJournal) -> None:
        async with s.host() as host:
            await online(host)
            async with s.viewer(host):
                pass
        journal.entries = [entry for entry in journal.entries if entry.kind != "session_began"]
        for _ in range(2):
            async with s.host() as host:
                await online(host)
                await asyncio.sleep(KNOWN)

    at_relay, at_host = compared(work)
    assert len(at_relay) == 1 and at_host == at_relay
