"""qlog: what each QUIC connection of a process did, one file for each (draft-ietf-quic-qlog-main-schema-02, "0.3").

aioquic keeps such a trace in memory without end, stamps it with a clock that may be set back, and writes it when the
connection is over. Here events go to disk while they happen, after every write the file is whole and valid JSON, and
nothing is lost but the last moments when a process is killed. The rate controller's thoughts stand among the packets.
A file holds times, sizes and names of streams, never what was carried; as these tell when a person types, it is its
owner's alone.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from aioquic.h3.events import Headers
from aioquic.quic.logger import QLOG_VERSION, QuicLogger, QuicLoggerTrace

from avl_protocol.rate.hop import HopRate

#: Most events of one connection: a file of 85 MB, at 170 bytes each.
MOST_EVENTS = 500_000
#: Most files of one process, since strangers decide how many connections a relay sees.
MOST_FILES = 1000
#: Events that are written together.
BATCH = 64
#: Seconds between two events of a rate that stays in one state.
RATE_INTERVAL = 0.05
#: What ends a file, and is overwritten by the next batch.
TAIL = b"\n]}]}\n"

_ENCODE = json.JSONEncoder(separators=(",", ":"), default=str).encode


class Trace(QuicLoggerTrace):
    """The events of one connection. It never raises: a full disk ends the trace, not the connection."""

    def __init__(
        self,
        *,
        is_client: bool,
        odcid: bytes,
        role: str,
        path: Path,
        clock: Callable[[], float],
        on_error: Callable[[OSError], None],
        most_events: int = MOST_EVENTS,
    ) -> None:
        """`odcid`: the original destination connection ID. `clock`: milliseconds since 1970, never going back."""
        super().__init__(is_client=is_client, odcid=odcid)
        self.path = path
        self._head = {
            "title": f"avl {role}",
            "vantage_point": {"name": f"avl {role}", "type": "client" if is_client else "server"},
            "common_fields": {"ODCID": odcid.hex(), "protocol_type": ["QUIC"], "time_format": "absolute"},
        }
        self._clock, self._on_error = clock, on_error
        self._left = most_events
        self._most_events = most_events
        self._waiting: list[dict[str, Any]] = []
        self._begun = self._over = False
        self._writing = Lock()  # a window's network has a thread of its own, and the last write may come from another

    @property
    def waiting(self) -> int:
        """How many events are not in the file yet."""
        return len(self._waiting)

    def log_event(self, *, category: str, event: str, data: dict[str, Any]) -> None:
        """Take an event; lists in `data` may still grow until the next `settle`."""
        if self._left <= 0:
            return
        self._left -= 1
        if self._left == 0:
            category, event = "avl", "truncated"
            data = {"events": self._most_events, "message": "the most that is kept of one connection: the rest is not"}
        elif category == "recovery":
            data = _named(event, data)
        self._waiting.append({"time": round(self._clock(), 3), "name": f"{category}:{event}", "data": data})

    def settle(self) -> None:
        """Between two datagrams, when no event is still being filled in: write what waits, if it is worth it."""
        if len(self._waiting) >= BATCH or (self._left <= 0 and self._waiting):
            self._write()

    def end(self) -> None:
        """The connection is over: write the rest. May be called again."""
        self._left = 0
        self._write()

    def encode_http3_headers_frame(self, length: int, headers: Headers, stream_id: int) -> dict[str, Any]:
        """As aioquic's, which raises where a stranger's header is not UTF-8."""
        return {
            "frame": {"frame_type": "headers", "headers": _readable(headers)},
            "length": length,
            "stream_id": stream_id,
        }

    def encode_http3_push_promise_frame(
        self, length: int, headers: Headers, push_id: int, stream_id: int
    ) -> dict[str, Any]:
        """Likewise."""
        frame = {"frame_type": "push_promise", "headers": _readable(headers), "push_id": push_id}
        return {"frame": frame, "length": length, "stream_id": stream_id}

    def _write(self) -> None:
        with self._writing:
            events, self._waiting = self._waiting, []
            if not events or self._over:
                return
            body = b",\n".join(_ENCODE(event).encode() for event in events)
            try:
                if self._begun:
                    with self.path.open("r+b") as file:
                        file.seek(-len(TAIL), os.SEEK_END)
                        file.write(b",\n" + body + TAIL)
                else:
                    self._begun = True
                    with open(self.path, "xb", opener=_owner_only) as file:
                        file.write(self._opening() + body + TAIL)
            except OSError as error:
                self._over = True
                self._left = 0
                self._on_error(error)

    def _opening(self) -> bytes:
        """The file up to its first event: the list of events comes last, so that it can grow."""
        whole = _ENCODE({"qlog_version": QLOG_VERSION, "qlog_format": "JSON", "traces": [{**self._head, "events": []}]})
        return whole.removesuffix("]}]}").encode() + b"\n"


class RateLog:
    """Puts a hop's rate among the packets of its connection."""

    def __init__(self, trace: Trace, hop: HopRate) -> None:
        self._trace, self._hop = trace, hop
        self._state = ""
        self._at = 0.0

    def tell(self, now: float, in_flight: int) -> None:
        """Before packets are built at `now`: `avl:rate` where the controller is in another state or 50 ms have passed.
        `in_flight` in bytes."""
        self._trace.settle()
        state = self._hop.state(now)
        if state.state == self._state and now - self._at < RATE_INTERVAL:
            return
        self._state, self._at = state.state, now
        figures: dict[str, Any] = {
            "state": state.state,
            "reason": state.reason,
            "target_bps": round(state.target),
            "capacity_bps": round(state.capacity),
            "delivered_bps": round(state.delivered),
            "pacing_bps": round(state.pacing),
            "queue_ms": round(1e3 * state.queue_delay, 3),
            "loss": round(state.loss, 6),
            "parity": round(state.parity, 6),
            "window": self._hop.controller.congestion_window,
            "bytes_in_flight": in_flight,
        }
        self._trace.log_event(category="avl", event="rate", data=figures)

    def end(self) -> None:
        """The connection is over."""
        self._trace.end()


class Recorder(QuicLogger):
    """Writes one file for each connection into a folder."""

    def __init__(
        self, *, folder: Path, role: str, wall: float, monotonic: Callable[[], float], tell: Callable[[str], None]
    ) -> None:
        """`role`: host, relay or viewer. `wall`: seconds since 1970 now. `tell` is given one sentence when recording
        stops early. Raises OSError where the folder cannot be written."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            raise OSError(f"qlog files cannot be written to {folder}: {error.strerror or error}") from error
        self._folder, self._role = folder, role
        self._tell = tell
        self._monotonic = monotonic
        self._offset = wall - monotonic()
        self._open: dict[Trace, None] = {}
        self._files = 0
        self._names: set[str] = set()
        self._stopped = False

    @property
    def wants_more(self) -> bool:
        """Whether further connections are recorded; says once when they are not."""
        if self._files >= MOST_FILES:
            self._stop(f"there are {MOST_FILES} qlog files now; further connections get none")
        return not self._stopped

    def start_trace(self, is_client: bool, odcid: bytes) -> Trace:
        """Begin a file; aioquic calls this for each connection whose configuration names this recorder."""
        self._files += 1
        at = self._clock()
        stamp = datetime.fromtimestamp(at / 1e3, UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]
        name = f"{stamp}Z-{self._role}-{odcid[:8].hex()}"
        if name in self._names:  # a stranger may choose the ID of another's connection
            name += f"-{self._files}"
        self._names.add(name)
        path = self._folder / f"{name}.qlog"
        trace = Trace(
            is_client=is_client, odcid=odcid, role=self._role, path=path, clock=self._clock, on_error=self._failed
        )
        self._open[trace] = None
        return trace

    def end_trace(self, trace: QuicLoggerTrace) -> None:
        """A connection is over."""
        assert isinstance(trace, Trace)
        trace.end()
        self._open.pop(trace, None)

    def close(self) -> None:
        """End every file that is still open."""
        for trace in list(self._open):
            self.end_trace(trace)

    def _clock(self) -> float:
        """Milliseconds since 1970: qvis wants times that never go back, and the wall clock may be set."""
        return 1e3 * (self._offset + self._monotonic())

    def _failed(self, error: OSError) -> None:
        self._stop(f"qlog stops: {error}")

    def _stop(self, text: str) -> None:
        if not self._stopped:
            self._stopped = True
            self._tell(text)


#: The recorder of this process: like a log's level a switch of the command line, which no layer in between passes on.
_current: Recorder | None = None


def recorder() -> Recorder | None:
    """What a new connection's configuration should name; None while nothing is recorded."""
    return _current if _current is not None and _current.wants_more else None


@contextmanager
def recording(
    folder: Path | None, role: str, wall: float, monotonic: Callable[[], float], tell: Callable[[str], None]
) -> Iterator[None]:
    """Record every connection that begins in this block, in any thread; with `folder` None nothing happens. As
    Recorder; raises OSError before the block begins."""
    global _current
    if folder is None:
        yield
        return
    before, _current = _current, Recorder(folder=folder, role=role, wall=wall, monotonic=monotonic, tell=tell)
    mine = _current
    try:
        yield
    finally:
        _current = before
        mine.close()


def _named(event: str, data: dict[str, Any]) -> dict[str, Any]:
    """aioquic's older names of what qvis draws beside those of the draft."""
    if event == "metrics_updated" and "cwnd" in data:
        data["congestion_window"] = data.pop("cwnd")
    elif event == "packet_lost" and "header" not in data:
        data["header"] = {"packet_type": data.get("type"), "packet_number": data.get("packet_number")}
    return data


def _readable(headers: Headers) -> list[dict[str, str]]:
    return [
        {"name": name.decode("utf-8", "backslashreplace"), "value": value.decode("utf-8", "backslashreplace")}
        for name, value in headers
    ]


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
