"""A relay's audit log as a viewer sees it, session by session, in virtual time."""

from __future__ import annotations

from pathlib import Path

import pytest

from avl_protocol.audit.compare import session_name
from avl_protocol.endpoint.program.headwatch import KEPT
from avl_relay.audit.memory import MemoryLog
from tests.protocol.audit_log import chain_of, chained
from tests.simulator.run import Simulation
from tests.simulator.world import RELAY, system
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
