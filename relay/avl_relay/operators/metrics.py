"""Metrics for Prometheus, made from the relay's snapshot when somebody asks: nothing is kept for them in between.

A snapshot's parts "... so far" become counters, of which each name is a label; everything else that is kept anywhere is
one gauge, `avl_relay_kept`. So a new counter of any part is seen here without a line of code.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from avl_protocol.endpoint.accept.hits import LIMITS
from avl_protocol.session.snapshot import Snapshot
from avl_relay.forward.queuedelay import BOUNDS
from avl_relay.operators.standing import Standing, own_version

#: What the router keeps that has a name of its own: counter, metric, help.
ROUTER = (
    ("hosts", "avl_relay_hosts", "Hosts that are registered."),
    ("sessions", "avl_relay_sessions", "Sessions, admitted by their hosts or not yet."),
    ("admitted", "avl_relay_sessions_admitted", "Sessions that their hosts have admitted."),
    ("viewers", "avl_relay_viewers", "Connections of viewers that have a session."),
)
#: Parts whose counters are labels: part, metric, label, help.
LABELLED = (
    ("dropped so far", "avl_relay_datagrams_dropped", "reason", "Datagrams that were not read or not sent."),
    (LIMITS, "avl_relay_limits_hit", "limit", "How often something was refused for a limit."),
    ("handshakes so far", "avl_relay_handshakes", "result", "Handshakes of QUIC and WebSockets."),
    ("connected so far", "avl_relay_connections_opened", "kind", "Neighbours that have connected."),
    ("alarms so far", "avl_relay_alarms", "kind", "What was unusual, by the feature that says most."),
    ("ended so far", "avl_relay_connections_ended", "code", "Neighbours whose connection has ended, by close code."),
)
#: Of what has happened: counter, metric, help.
HAPPENED = (
    ("hosts", "avl_relay_hosts_registered", "Registrations of hosts."),
    ("sessions", "avl_relay_sessions_begun", "Sessions that were admitted."),
    ("skipped objects", "avl_relay_objects_skipped", "Objects not sent to a viewer, as its hop was behind."),
)
#: Of the traffic: counter, labels.
BYTES = (
    ("bytes in", ("in", "udp")),
    ("bytes out", ("out", "udp")),
    ("TCP bytes in", ("in", "tcp")),
    ("TCP bytes out", ("out", "tcp")),
)


class _Moment(Collector):
    """One look at a relay."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        standing, whole = self._standing, self._standing.whole
        yield InfoMetricFamily("avl_relay", "The program.", {"version": own_version()})
        yield GaugeMetricFamily("avl_relay_ready", "Whether newcomers are taken.", float(standing.accepting))
        router = whole.total("router")
        for name, metric, text in ROUTER:
            yield GaugeMetricFamily(metric, text, router[name])
        yield _labelled(GaugeMetricFamily, whole.total("connections"), *CONNECTIONS)
        for part, metric, label, text in LABELLED:
            yield _labelled(CounterMetricFamily, whole.total(part), metric, label, text)
        happened = whole.total("happened so far")
        for name, metric, text in HAPPENED:
            yield CounterMetricFamily(metric, text, happened[name])
        yield from _traffic(whole)
        yield _delay(whole)
        yield from _time(standing, happened["viewer milliseconds"] / 1000)
        kept = GaugeMetricFamily("avl_relay_kept", "What is kept, by part.", labels=("part", "what"))
        for part, what, count in _kept(whole):
            kept.add_metric((part, what), count)
        yield kept


def _time(standing: Standing, seconds: float) -> Iterator[Metric]:
    yield CounterMetricFamily("avl_relay_cpu_seconds", "CPU time of all processes of the relay.", standing.cpu)
    text = "Seconds for which sessions were served, all together."
    yield CounterMetricFamily("avl_relay_viewer_seconds", text, seconds)
    text = "CPU time per second and session since the start; rate(avl_relay_cpu_seconds_total) / "
    text += "rate(avl_relay_viewer_seconds_total) says it of any time."
    yield GaugeMetricFamily("avl_relay_cpu_per_viewer", text, standing.cpu / seconds if seconds else 0.0)
    yield GaugeMetricFamily("avl_relay_memory_bytes", "Resident memory of all processes.", standing.memory)
    yield GaugeMetricFamily("avl_relay_processes", "Processes that answered.", standing.processes)


CONNECTIONS = ("avl_relay_connections", "kind", "Neighbours that are connected.")


def _labelled(
    family: type[GaugeMetricFamily] | type[CounterMetricFamily],
    counts: dict[str, int],
    metric: str,
    label: str,
    text: str,
) -> Metric:
    made = family(metric, text, labels=(label,))
    for name, count in sorted(counts.items()):
        made.add_metric((name,), count)
    return made


def _traffic(whole: Snapshot) -> Iterator[Metric]:
    traffic = whole.total("traffic so far")
    size = CounterMetricFamily("avl_relay_bytes", "Payload of UDP, and TCP.", labels=("direction", "transport"))
    for name, labels in BYTES:
        size.add_metric(labels, traffic[name])
    yield size
    datagrams = CounterMetricFamily("avl_relay_datagrams", "UDP datagrams.", labels=("direction",))
    for direction in ("in", "out"):
        datagrams.add_metric((direction,), traffic[f"datagrams {direction}"])
    yield datagrams


def _delay(whole: Snapshot) -> Metric:
    delay = whole.total("queue delay so far")
    buckets = [(str(bound / 1000), float(delay[str(bound)])) for bound in BOUNDS]
    made = HistogramMetricFamily(
        "avl_relay_queue_delay_seconds",
        "How long what leaves next for a viewer has waited, looked at 50 times a second.",
    )
    made.add_metric((), [*buckets, ("+Inf", float(delay["looks"]))], delay["microseconds"] / 1e6)
    return made


def _kept(whole: Snapshot) -> Iterator[tuple[str, str, int]]:
    """What parts keep, those of one name added up: there is one for each host."""
    found: dict[tuple[str, str], int] = {}

    def walk(part: Snapshot) -> None:
        if part.name.endswith(" so far") or part.name == "connections":
            return
        for name, count in part.counts.items():
            found[part.name, name] = found.get((part.name, name), 0) + count
        for below in part.parts:
            walk(below)

    walk(whole)
    for (part, what), count in sorted(found.items()):
        yield part, what, count


def exposition(standing: Standing) -> bytes:
    """The text of /metrics: the relay's, and that of the process that answers (descriptors, and what else it takes)."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Moment(standing))
    ProcessCollector(registry=registry)
    return generate_latest(registry)
