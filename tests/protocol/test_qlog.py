"""qlog: each connection has a file that qvis reads, whole at any time and bounded; to record changes nothing else."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from avl_protocol.quic import qlog
from avl_protocol.quic.options import configuration
from avl_protocol.quic.qlog import BATCH, RATE_INTERVAL, Recorder, Trace, recorder, recording
from avl_protocol.rate.control import RateState
from interop.programs import Programs
from tests.protocol.fixedrate import FixedRate
from tests.protocol.pair import Pair
from tests.protocol.test_endpoint_connections import Joined, joined
from tests.simulator.run import Simulation, run

BIN = Path(sys.executable).parent
WALL = 1_700_000_000.0
FIGURES = {
    "state",
    "reason",
    "target_bps",
    "capacity_bps",
    "delivered_bps",
    "pacing_bps",
    "queue_ms",
    "loss",
    "parity",
    "window",
    "bytes_in_flight",
}


class Ticking:
    """A clock that every look moves on by a microsecond."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 1e-6
        return self.now


def quiet(text: str) -> None:
    raise AssertionError(text)


def trace_of(path: Path) -> dict[str, Any]:
    """The one trace of a file, held to what qvis asks of version 0.3: it fails on an empty list of events, warns of
    what is out of order, and knows no value that strict JSON has not."""
    loaded = json.loads(path.read_text("utf-8"), parse_constant=lambda name: pytest.fail(name))
    assert loaded["qlog_version"] == "0.3" and loaded["qlog_format"] == "JSON"
    (trace,) = loaded["traces"]
    assert trace["vantage_point"]["type"] in ("client", "server")
    assert trace["common_fields"]["time_format"] == "absolute"
    times = [event["time"] for event in trace["events"]]
    assert times and times == sorted(times) and times[0] >= 1000 * WALL
    for event in trace["events"]:
        category, _, kind = event["name"].partition(":")
        assert category and kind and isinstance(event["data"], dict)
        assert set(event) == {"time", "name", "data"}
        assert not {"packet_size", "payload_length"} & set(event["data"].get("header", {}))
    return dict(trace)


def named(trace: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The data of all events of a name."""
    return [event["data"] for event in trace["events"] if event["name"] == name]


def frames(trace: dict[str, Any], name: str, kind: str) -> list[dict[str, Any]]:
    """All frames of a kind in packets sent or received."""
    return [frame for packet in named(trace, name) for frame in packet["frames"] if frame["frame_type"] == kind]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Two connections that are recorded."""
    with recording(tmp_path, "test", WALL, Ticking(), quiet):
        yield Pair()


def files(folder: Path) -> dict[str, dict[str, Any]]:
    """The traces of a folder by vantage point."""
    return {trace["vantage_point"]["type"]: trace for trace in map(trace_of, sorted(folder.glob("*.qlog")))}


def talk(pair: Pair, seconds: float = 0.3) -> None:
    """Datagrams one way, and on a stream 60 kB the other."""
    stream = pair.client.open_stream()
    pair.client.write_stream(stream, bytes(60_000), end=True)
    for _ in range(round(seconds / 0.01)):
        pair.server.send_datagrams([bytes(900)], 2, None, None)
        pair.run(0.01)


def test_without_a_folder_nothing_is_recorded(tmp_path: Path) -> None:
    with recording(None, "test", WALL, Ticking(), quiet):
        assert recorder() is None
        assert configuration(is_client=True, alpn=["avl/1"], idle_timeout=30).quic_logger is None
        pair = Pair()
        assert pair.client.trace is None and pair.server.trace is None
        pair.client.end_log()
    assert list(tmp_path.iterdir()) == []


def test_both_ends_of_a_connection_have_a_file_of_one_name(pair: Pair, tmp_path: Path) -> None:
    talk(pair)
    pair.client.end_log()
    pair.server.end_log()
    found = files(tmp_path)
    original = pair.client.original_destination_connection_id.hex()
    assert {trace["common_fields"]["ODCID"] for trace in found.values()} == {original}
    names = [path.name for path in tmp_path.iterdir()]
    assert sorted(names) == [
        f"20231114T221320.000Z-test-{original}-2.qlog",
        f"20231114T221320.000Z-test-{original}.qlog",
    ]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_what_one_end_sent_the_other_received(pair: Pair, tmp_path: Path) -> None:
    talk(pair)
    pair.client.end_log()
    pair.server.end_log()
    found = files(tmp_path)
    for kind, count in (("datagram", 30), ("stream", 40)):
        sender, receiver = ("server", "client") if kind == "datagram" else ("client", "server")
        sent = frames(found[sender], "transport:packet_sent", kind)
        assert len(sent) >= count
        assert frames(found[receiver], "transport:packet_received", kind) == sent
    (metrics, *_) = named(found["server"], "recovery:metrics_updated")
    assert {"congestion_window", "bytes_in_flight"} <= set(metrics) and "cwnd" not in metrics


def test_a_lost_packet_is_named_as_the_draft_does(pair: Pair, tmp_path: Path) -> None:
    numbers = itertools.count(1)
    pair.drop = lambda sender, data: sender is pair.server and next(numbers) % 5 == 0
    talk(pair)
    pair.server.end_log()
    server = files(tmp_path)["server"]
    lost = named(server, "recovery:packet_lost")
    sent = {packet["header"]["packet_number"] for packet in named(server, "transport:packet_sent")}
    assert lost and all(event["header"]["packet_number"] in sent for event in lost)


class Moody(FixedRate):
    """Thinks what the test says."""

    mood = "calm"

    def state(self, now: float) -> RateState:
        return RateState(
            state=self.mood,
            reason="for a test",
            target=5e6,
            capacity=6e6,
            delivered=4e6,
            pacing=1e7,
            queue_delay=0.0123,
            loss=0.01,
            parity=0.25,
        )


def test_the_rate_is_told_every_50_ms_and_whenever_the_state_changes(pair: Pair, tmp_path: Path) -> None:
    controller = Moody(1e6, window=123_456)
    pair.server.use_controller(controller)
    before = pair.now
    for step in range(100):
        controller.mood = "calm" if step < 50 else f"mood {step // 2}"
        pair.server.send_datagrams([bytes(100)], 2, None, None)
        pair.run(0.01)
    pair.server.end_log()
    told = [figures for figures in named(files(tmp_path)["server"], "avl:rate") if figures["reason"] == "for a test"]
    assert all(set(figures) == FIGURES for figures in told)
    calm = [figures for figures in told if figures["state"] == "calm"]
    assert 0.5 / RATE_INTERVAL - 2 <= len(calm) <= (pair.now - before) / 2 / RATE_INTERVAL + 1
    assert [figures["state"] for figures in told[len(calm) :]] == [f"mood {step}" for step in range(25, 50)]
    one = {name: told[-1][name] for name in FIGURES - {"state", "reason", "bytes_in_flight"}}
    assert one == {
        "target_bps": 5_000_000,
        "capacity_bps": 6_000_000,
        "delivered_bps": 4_000_000,
        "pacing_bps": 10_000_000,
        "queue_ms": 12.3,
        "loss": 0.01,
        "parity": 0.25,
        "window": 123_456,
    }
    assert max(figures["bytes_in_flight"] for figures in told) > 0


def test_a_file_is_whole_while_the_connection_goes_on(pair: Pair, tmp_path: Path) -> None:
    """So that a process that is killed leaves what can be read."""
    counts = []
    for _ in range(4):
        talk(pair, 0.2)
        counts.append([len(trace["events"]) for trace in files(tmp_path).values()])
    assert all(earlier < later for earlier, later in zip(counts[0], counts[-1], strict=True))
    for connection in (pair.client, pair.server):
        assert connection.trace is not None and connection.trace.waiting < 2 * BATCH


def test_an_end_by_close_is_in_the_file(pair: Pair, tmp_path: Path) -> None:
    pair.client.close(reason_phrase="enough")
    pair.run(1.0)
    assert pair.client.trace is None
    found = files(tmp_path)
    for end, name in (("client", "transport:packet_sent"), ("server", "transport:packet_received")):
        assert frames(found[end], name, "connection_close")[0]["reason"] == "enough"


def test_leaving_the_block_ends_every_file(tmp_path: Path) -> None:
    with recording(tmp_path, "test", WALL, Ticking(), quiet):
        pair = Pair()
        before = files(tmp_path)
    assert recorder() is None
    after = files(tmp_path)
    assert set(after) == {"client", "server"} and after != before
    talk(pair)
    assert files(tmp_path) == after


def make_trace(folder: Path, errors: list[OSError], most_events: int = 1000) -> Trace:
    return Trace(
        is_client=False,
        odcid=b"\1\2",
        role="test",
        path=folder / "one.qlog",
        clock=lambda: 1000 * WALL,
        on_error=errors.append,
        most_events=most_events,
    )


def test_a_long_connection_is_cut_short_and_says_so(tmp_path: Path) -> None:
    trace = make_trace(tmp_path, [], most_events=3 * BATCH)
    for number in range(5 * BATCH):
        trace.log_event(category="transport", event="packet_sent", data={"number": number})
        trace.settle()
        assert trace.waiting <= BATCH
    events = trace_of(trace.path)["events"]
    assert len(events) == 3 * BATCH
    assert [event["data"]["number"] for event in events[:-1]] == list(range(3 * BATCH - 1))
    assert events[-1]["name"] == "avl:truncated" and events[-1]["data"]["events"] == 3 * BATCH
    size = trace.path.stat().st_size
    trace.end()
    assert trace.path.stat().st_size == size


def test_an_event_may_be_filled_in_until_it_is_settled(tmp_path: Path) -> None:
    """aioquic tells of a packet first and adds its frames afterwards."""
    trace = make_trace(tmp_path, [])
    found: list[str] = []
    for _ in range(BATCH):
        trace.log_event(category="transport", event="packet_received", data={"frames": found})
    assert not trace.path.exists()
    found.append("late")
    trace.settle()
    assert all(event["data"]["frames"] == ["late"] for event in trace_of(trace.path)["events"])


def test_a_disk_that_fails_ends_the_record_and_not_the_connection(tmp_path: Path) -> None:
    told: list[str] = []
    folder = tmp_path / "logs"
    with recording(folder, "test", WALL, Ticking(), told.append):
        pair = Pair()
        talk(pair, 0.1)
        for path in folder.iterdir():
            path.unlink()
        talk(pair, 0.5)
        assert len(pair.received(pair.client)) >= 55
        assert recorder() is None
    assert len(told) == 1 and told[0].startswith("qlog stops: ")
    assert list(folder.iterdir()) == []


def test_strangers_cannot_fill_a_folder_with_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qlog, "MOST_FILES", 3)
    told: list[str] = []
    with recording(tmp_path, "test", WALL, Ticking(), told.append):
        pairs = [Pair() for _ in range(3)]
    assert len(list(tmp_path.iterdir())) == 3 and len(told) == 1 and "3 qlog files" in told[0]
    assert all(pair.client.handshake_complete for pair in pairs)


def test_a_header_that_is_no_text_is_no_error(tmp_path: Path) -> None:
    trace = make_trace(tmp_path, [])
    headers = [(b":path", b"/\xff")]
    for data in (
        trace.encode_http3_headers_frame(length=9, headers=headers, stream_id=0),
        trace.encode_http3_push_promise_frame(length=9, headers=headers, push_id=1, stream_id=0),
    ):
        trace.log_event(category="http", event="frame_parsed", data=data)
    trace.end()
    for event in trace_of(trace.path)["events"]:
        assert event["data"]["frame"]["headers"] == [{"name": ":path", "value": "/\\xff"}]


def test_a_folder_that_cannot_be_written_is_said_at_the_start(tmp_path: Path) -> None:
    wrong = tmp_path / "file"
    wrong.write_text("")
    for folder in (wrong, wrong / "below"):
        with pytest.raises(OSError, match=f"qlog files cannot be written to {folder}: "):
            Recorder(folder=folder, role="test", wall=WALL, monotonic=Ticking(), tell=quiet)
    relay = subprocess.run(
        [BIN / "avl-relay", "serve", "--state", tmp_path / "relay", "--listen", "127.0.0.1:0", "--qlog", wrong],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert relay.returncode == 1 and relay.stderr.startswith("avl-relay: qlog files cannot be written to ")
    assert relay.stderr.count("\n") == 1


async def _conversation(sim: Simulation) -> None:
    both: Joined = await joined(sim)
    receiver = await both.connect()
    receiver.carrier.send_stream(receiver.carrier.open_stream(), bytes(50_000), end=True)
    for _ in range(100):
        receiver.carrier.send_datagrams([b"\0" + bytes(900)], 2, None, None)
        await asyncio.sleep(0.01)
    await both.client.close()
    await both.server.close()


def test_recording_changes_nothing_and_is_the_same_each_time(tmp_path: Path) -> None:
    async def recorded(sim: Simulation, folder: Path) -> None:
        with recording(folder, "test", WALL, sim.clock.monotonic, quiet):
            await _conversation(sim)
            found = files(folder)
            assert set(found) == {"client", "server"}
            assert frames(found["client"], "transport:packet_sent", "connection_close")

    _, silent = run(_conversation, 7)
    hashes = [run(lambda sim, to=to: recorded(sim, to), 7)[1] for to in (tmp_path / "a", tmp_path / "b")]  # type: ignore[misc]
    assert hashes == [silent, silent]
    first, again = ({path.name: path.read_bytes() for path in (tmp_path / to).iterdir()} for to in "ab")
    assert first == again and len(first) == 2


async def test_programs_that_are_ended_leave_whole_files(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    logs = tmp_path / "logs"
    try:
        where: list[str | Path] = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--qlog", logs]
        programs.start(
            "relay",
            [BIN / "avl-relay", "serve", *where, "--state", tmp_path / "r", "--ready-file", tmp_path / "relay.json"],
        )
        relay = await programs.ready_file(tmp_path / "relay.json", 30)
        where = ["--relay", relay["quic"], "--pin", relay["pin"], "--source", "pattern", "--qlog", logs]
        kept: list[str | Path] = ["--state", tmp_path / "h", "--ready-file", tmp_path / "host.json"]
        programs.start("host", [BIN / "avl-host", "run", *where, *kept, "--code", "TESTCODE"])
        host = await programs.ready_file(tmp_path / "host.json", 30)
        watching = [host["target"], "--code", "TESTCODE", "--seconds", "60", "--state", tmp_path / "v", "--qlog", logs]
        viewer = programs.start("viewer", [BIN / "avl", "stats", *watching])

        def pictures() -> bool:
            return any('"frame_type":"datagram"' in path.read_text() for path in logs.glob("*-viewer-*"))

        await programs.until("pictures at the viewer", 30, pictures)
        viewer.signal(signal.SIGTERM)
        assert await asyncio.to_thread(viewer.process.wait, 10) == 130
        programs.started.remove(viewer)
    finally:
        programs.end()
    found = {path.name.partition("-")[2]: trace_of(path) for path in logs.iterdir()}
    assert sorted(name.partition("-")[0] for name in found) == ["host", "relay", "relay", "viewer"]
    for role in ("host", "viewer"):
        (original,) = (name.partition("-")[2] for name in found if name.startswith(role))
        for end in (role, "relay"):
            trace = found[f"{end}-{original}"]
            assert named(trace, "avl:rate")
            close = "transport:packet_sent" if end == role else "transport:packet_received"
            assert frames(trace, close, "connection_close")
