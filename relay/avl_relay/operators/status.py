"""Status: how a running relay stands, for `avl-relay status`: what it answers on its local socket, and how that is
shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from avl_protocol.endpoint.loop.clock import Clock
from avl_protocol.endpoint.program.localcontrol import ControlError
from avl_protocol.wire.foreign import for_terminal
from avl_relay.operators.standing import Observed, own_version, this_process

#: The name of the running relay's socket in its state folder; further workers have one each.
SOCKET, SOCKET_OF_WORKER = "control.sock", "control-{}.sock"
#: What is asked.
REQUEST = {"ask": "status"}
#: What is said as so much a second; the rest says how it stands.
RATES = ("bytes_in", "bytes_out", "datagrams_in", "datagrams_out", "dropped", "cpu_seconds")
#: What all workers of a relay have together is the sum of what each has; the rest is said by the first.
SUMS = (
    "hosts",
    "sessions",
    "sessions_waiting",
    "viewers",
    "connections",
    "bytes_in",
    "bytes_out",
    "datagrams_in",
    "datagrams_out",
    "dropped",
    "skipped_objects",
    "limits_hit",
    "cpu_seconds",
    "viewer_seconds",
    "memory",
)
#: Units of sizes, and of what flows.
_SIZES = (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))
_BITS = (("Gbit/s", 1e9), ("Mbit/s", 1e6), ("kbit/s", 1e3))


class Status:
    """The answering side, in the relay's program. `where`: the relay's address as others write it; `workers`: how many
    processes it is, each of which answers for itself."""

    def __init__(self, relay: Observed, clock: Clock, where: str, workers: int = 1) -> None:
        self._workers = workers
        self._relay = relay
        self._now = clock.monotonic
        self._where = where
        self._since = clock.monotonic()

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to one request. Raises ControlError."""
        if request.get("ask") != "status":
            raise ControlError("this relay does not know what is asked; is the command of another version?")
        return self.figures()

    def figures(self) -> dict[str, Any]:
        """How it stands now. Whatever flows is counted since the start."""
        whole, process, now = self._relay.snapshot(), this_process(), self._now()
        router, traffic = whole.part("router"), whole.total("traffic so far")
        happened = whole.total("happened so far")
        return {
            "version": own_version(),
            "address": self._where,
            "workers": self._workers,
            "ready": self._relay.ready,
            "uptime": round(now - self._since, 3),
            "hosts": router["hosts"],
            "sessions": router["admitted"],
            "sessions_waiting": router["sessions"] - router["admitted"],
            "viewers": router["viewers"],
            "connections": dict(whole.total("connections")),
            "bytes_in": traffic["bytes in"] + traffic["TCP bytes in"],
            "bytes_out": traffic["bytes out"] + traffic["TCP bytes out"],
            "datagrams_in": traffic["datagrams in"],
            "datagrams_out": traffic["datagrams out"],
            "dropped": sum(whole.total("dropped so far").values()),
            "skipped_objects": happened["skipped objects"],
            "limits_hit": _nonzero(whole.total("limits hit so far")),
            "cpu_seconds": round(process.cpu, 3),
            "viewer_seconds": happened["viewer milliseconds"] / 1000,
            "memory": process.memory,
        }


def _nonzero(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in sorted(counts.items()) if count}


def socket_of(worker: int) -> str:
    """The name of a worker's socket."""
    return SOCKET_OF_WORKER.format(worker) if worker else SOCKET


def together(answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """How a relay stands whose workers, the first of them first, have answered so."""
    whole = dict(answers[0])
    for name in SUMS:
        values = [answer[name] for answer in answers]
        whole[name] = _added(values) if isinstance(values[0], dict) else sum(values)
    whole["ready"] = any(answer["ready"] for answer in answers)
    return whole


def _added(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    return dict(sum((Counter(one) for one in counts), Counter[str]()))


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
    ]
    if rates is not None:
        rows += [
            ("in", f"{_flow(8 * rates['bytes_in'])}, {rates['datagrams_in']:.0f} datagrams/s"),
            ("out", f"{_flow(8 * rates['bytes_out'])}, {rates['datagrams_out']:.0f} datagrams/s"),
            ("CPU", f"{100 * rates['cpu_seconds']:.1f} % of a core{_each(rates['cpu_seconds'], status['sessions'])}"),
        ]
    if status["workers"] > 1:
        rows.insert(1, ("workers", str(int(status["workers"]))))
    rows += [
        ("in all", f"{_size(status['bytes_in'])} in, {_size(status['bytes_out'])} out"),
        ("dropped", f"{int(status['dropped'])} datagrams, {int(status['skipped_objects'])} objects skipped"),
        ("memory", _size(status["memory"])),
        ("limits hit", _list(status["limits_hit"])),
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
