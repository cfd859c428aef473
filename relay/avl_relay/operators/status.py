"""Status: how a running relay stands, as `avl-relay status` says it: as figures, and as a table for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from avl_protocol.endpoint.accept.hits import BY_NETWORK, LIMITS
from avl_protocol.wire.foreign import for_terminal
from avl_relay.operators.standing import Standing, own_version

#: Networks that hit a limit most, which are told.
MOST_NETWORKS = 16
#: What is said as so much a second; the rest says how it stands.
RATES = ("bytes_in", "bytes_out", "datagrams_in", "datagrams_out", "dropped", "cpu_seconds")
#: Units of sizes, and of what flows.
_SIZES = (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))
_BITS = (("Gbit/s", 1e9), ("Mbit/s", 1e6), ("kbit/s", 1e3))


def figures(standing: Standing) -> dict[str, Any]:
    """How it stands. Whatever flows is counted since the start."""
    whole = standing.whole
    router, traffic, happened = whole.total("router"), whole.total("traffic so far"), whole.total("happened so far")
    return {
        "version": own_version(),
        "ready": standing.accepting,
        "processes": standing.processes,
        "hosts": router["hosts"],
        "sessions": router["admitted"],
        "sessions_waiting": router["sessions"] - router["admitted"],
        "viewers": router["viewers"],
        "connections": dict(whole.total("connections")),
        "ended": _nonzero(whole.total("ended so far")),
        "bytes_in": traffic["bytes in"] + traffic["TCP bytes in"],
        "bytes_out": traffic["bytes out"] + traffic["TCP bytes out"],
        "datagrams_in": traffic["datagrams in"],
        "datagrams_out": traffic["datagrams out"],
        "dropped": sum(whole.total("dropped so far").values()),
        "skipped_objects": happened["skipped objects"],
        "limits_hit": _nonzero(whole.total(LIMITS)),
        "limits_by_network": dict(whole.total(BY_NETWORK).most_common(MOST_NETWORKS)),
        "cpu_seconds": round(standing.cpu, 3),
        "viewer_seconds": happened["viewer milliseconds"] / 1000,
        "memory": standing.memory,
    }


def _nonzero(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in sorted(counts.items()) if count}


def with_rates(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The later of two answers of one relay, with `rates` a second in between."""
    span = float(after["uptime"]) - float(before["uptime"])
    if span <= 0:
        return after
    return {**after, "rates": {name: (after[name] - before[name]) / span for name in RATES}}


def table(status: dict[str, Any]) -> str:
    """One line a subject, for people."""
    rates = status.get("rates")
    rows = [
        ("relay", f"{for_terminal(str(status['address']))}, version {for_terminal(str(status['version']))}"),
        ("state", f"{'takes newcomers' if status['ready'] else 'draining'}, for {_span(float(status['uptime']))}"),
        ("hosts", str(int(status["hosts"]))),
        ("sessions", f"{int(status['sessions'])}, and {int(status['sessions_waiting'])} that wait for their host"),
        ("connections", _list(status["connections"])),
        ("ended", _list(status["ended"])),
    ]
    if rates is not None:
        rows += [
            ("in", f"{_flow(8 * rates['bytes_in'])}, {rates['datagrams_in']:.0f} datagrams/s"),
            ("out", f"{_flow(8 * rates['bytes_out'])}, {rates['datagrams_out']:.0f} datagrams/s"),
            ("CPU", f"{100 * rates['cpu_seconds']:.1f} % of a core{_each(rates['cpu_seconds'], status['sessions'])}"),
        ]
    if status["processes"] > 1:
        rows.append(("processes", str(int(status["processes"]))))
    rows += [
        ("in all", f"{_size(status['bytes_in'])} in, {_size(status['bytes_out'])} out"),
        ("dropped", f"{int(status['dropped'])} datagrams, {int(status['skipped_objects'])} objects skipped"),
        ("memory", _size(status["memory"])),
        ("limits hit", _list(status["limits_hit"])),
        ("mostly by", _list(status["limits_by_network"])),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name.ljust(width)}  {text}" for name, text in rows)


def _each(cpu: float, sessions: int) -> str:
    return f", {100 * cpu / sessions:.2f} % a session" if sessions else ""


def _list(counts: Mapping[str, int]) -> str:
    named = [f"{int(count)} {for_terminal(str(name))}" for name, count in counts.items() if count]
    return ", ".join(named) if named else "none"


def _size(size: float) -> str:
    for unit, length in _SIZES:
        if size >= length:
            return f"{size / length:.1f} {unit}"
    return f"{int(size)} bytes"


def _flow(bits: float) -> str:
    for unit, scale in _BITS:
        if bits >= scale:
            return f"{bits / scale:.1f} {unit}"
    return f"{bits:.0f} bit/s"


def _span(seconds: float) -> str:
    days, rest = divmod(int(seconds), 86400)
    hours, minutes, rest = rest // 3600, rest // 60 % 60, rest % 60
    return f"{f'{days} d ' if days else ''}{hours}:{minutes:02}:{rest:02}"
