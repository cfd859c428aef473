"""What Prometheus is told: the relay's snapshot under stable names, and what this process takes."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from prometheus_client.parser import text_string_to_metric_families

from avl_protocol.session.snapshot import Snapshot
from avl_relay.operators.metrics import exposition
from avl_relay.operators.standing import Standing, of_this_process, together
from tests.relay.stand import Stand


@dataclass
class Still:
    """A relay that stands still, for a test."""

    kept: Snapshot
    accepting: bool = True

    def snapshot(self) -> Snapshot:
        return self.kept


def relay() -> Still:
    stand = Stand()
    stand.meet(stand.host(), stand.viewer())
    delay = {"1": 5, "2": 6, "5": 6, "10": 7, "looks": 9, "microseconds": 2_500_000}
    parts = (
        stand.router.snapshot(),
        Snapshot("neighbours", {"connected": 2}, (Snapshot("connections", {"quic": 1, "websocket": 1}),)),
        Snapshot("queue delay so far", delay),
        Snapshot("dropped so far", {"sent too late": 3}),
        Snapshot("endpoint", {"connections": 1}, (Snapshot("dropped so far", {"sent too late": 4}),)),
        Snapshot("traffic so far", {"bytes in": 100, "TCP bytes out": 7, "datagrams out": 9}),
        Snapshot("limits hit so far", {"handshakes": 2}),
        Snapshot("happened so far", {"viewer milliseconds": 8000}),
    )
    return Still(Snapshot("relay", {"WebSockets": 1}, parts))


def told(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    found = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            found[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return found


def scraped(still: Still, cpu: float = 0.0) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return told(exposition(Standing(accepting=still.accepting, whole=still.kept, cpu=cpu, memory=1 << 20)))


def test_a_scrape_tells_how_the_relay_stands() -> None:
    seen = scraped(relay(), cpu=2.0)
    assert seen["avl_relay_ready", ()] == seen["avl_relay_hosts", ()] == seen["avl_relay_viewers", ()] == 1
    assert seen["avl_relay_sessions_admitted", ()] == seen["avl_relay_sessions_begun_total", ()] == 1
    assert seen["avl_relay_connections", (("kind", "websocket"),)] == 1
    assert seen["avl_relay_datagrams_dropped_total", (("reason", "sent too late"),)] == 7, "of all parts"
    assert seen["avl_relay_limits_hit_total", (("limit", "handshakes"),)] == 2
    assert seen["avl_relay_bytes_total", (("direction", "in"), ("transport", "udp"))] == 100
    assert seen["avl_relay_bytes_total", (("direction", "out"), ("transport", "tcp"))] == 7
    assert seen["avl_relay_datagrams_total", (("direction", "out"),)] == 9
    assert seen["avl_relay_viewer_seconds_total", ()] == 8 and seen["avl_relay_cpu_per_viewer", ()] == 0.25
    assert seen["avl_relay_kept", (("part", "router"), ("what", "held bytes"))] == 0


def test_the_queue_delay_is_a_histogram_in_seconds() -> None:
    still = relay()
    own = still.kept.part("router").part("queue delay so far")["looks"]  # nothing has waited there
    seen = scraped(still)
    name = "avl_relay_queue_delay_seconds"
    assert (
        seen[f"{name}_bucket", (("le", "0.001"),)] == 5 + own and seen[f"{name}_bucket", (("le", "0.01"),)] == 7 + own
    )
    assert seen[f"{name}_bucket", (("le", "+Inf"),)] == seen[f"{name}_count", ()] == 9 + own
    assert seen[f"{name}_sum", ()] == 2.5


def test_what_only_grows_is_a_counter_and_nothing_is_told_twice() -> None:
    families = list(text_string_to_metric_families(exposition(of_this_process(relay())).decode()))
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    assert not any("so far" in str(sample.labels) for family in families for sample in family.samples)
    assert {f.name for f in families if f.type == "counter"} >= {"avl_relay_bytes", "avl_relay_handshakes"}


def test_this_process_is_told_too_and_a_relay_that_drains_is_not_ready() -> None:
    still = relay()
    seen = told(exposition(of_this_process(still)))
    assert seen["process_open_fds", ()] > 0 and seen["avl_relay_ready", ()] == 1
    assert seen["avl_relay_cpu_seconds_total", ()] > 0 and seen["avl_relay_processes", ()] == 1
    assert seen["avl_relay_memory_bytes", ()] == pytest.approx(seen["process_resident_memory_bytes", ()], rel=0.5)
    still.accepting = False
    assert scraped(still)["avl_relay_ready", ()] == 0


def test_several_processes_are_told_as_one_relay() -> None:
    one, other = of_this_process(relay()), of_this_process(relay())
    seen = told(exposition(together([one, other])))
    assert seen["avl_relay_hosts", ()] == seen["avl_relay_processes", ()] == 2
    assert seen["avl_relay_datagrams_dropped_total", (("reason", "sent too late"),)] == 14
    assert seen["avl_relay_queue_delay_seconds_sum", ()] == 5.0
    assert seen["avl_relay_kept", (("part", "endpoint"), ("what", "connections"))] == 2
