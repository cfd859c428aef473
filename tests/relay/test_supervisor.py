"""The supervisor, with workers that do what a test wants, in a process of its own: it forks, and owns signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

#: What the process runs: two workers, each of which says on stdout who it is, and then does what its argument says.
PROGRAM = """
import json, os, signal, socket, sys, time
from pathlib import Path
from avl_relay.workers.supervisor import Supervisor
from avl_relay.workers.worker import Worker

def say(**what):
    os.write(1, json.dumps(what).encode() + b"\\n")

def run(worker, lifeline):
    say(worker=worker.number, pid=os.getpid(), ports=worker.udp.fileno() >= 0)
    does = sys.argv[1 + worker.number]
    if does == "fails":
        return 3
    if does == "stubborn":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    lifeline.sendall(json.dumps({"quic": str(worker.number)}).encode() + b"\\n")
    while does in ("stubborn", "slow"):
        time.sleep(1)
    if does == "crashes":
        time.sleep(0.01)
        return 4
    assert lifeline.recv(1) == b""
    say(ends=worker.number)
    return 0

workers = [
    Worker(number=number, of=2, secret=b"", begun=0.0, folder=Path("."), twin=None,
           udp=socket.socket(socket.AF_INET, socket.SOCK_DGRAM), page=socket.socket())
    for number in range(2)
]
tell = lambda text: say(tells=text, at=time.monotonic())
ready = lambda told: say(ready=told)
ending = lambda: say(ending=True)
status = Supervisor(workers, run=run, ready=ready, ending=ending, tell=tell, now=time.monotonic).serve()
say(status=status)
"""


class Running:
    """The process, and what it and its workers say."""

    def __init__(self, *does: str) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", PROGRAM, *does], stdout=subprocess.PIPE)
        self.said: list[dict[str, Any]] = []

    def until(self, name: str, count: int = 1) -> list[dict[str, Any]]:
        """Everything of this kind, once there is so much of it."""
        assert self.process.stdout is not None
        while len(found := [one for one in self.said if name in one]) < count:
            line = self.process.stdout.readline()
            assert line, f"it ended without {name}: {self.said}"
            self.said.append(json.loads(line))
        return found


@contextmanager
def running(*does: str) -> Iterator[Running]:
    made = Running(*does)
    try:
        yield made
    finally:
        made.process.kill()
        assert made.process.stdout is not None
        made.process.stdout.close()
        made.process.wait()


def until_gone(pid: int) -> None:
    """Wait for a process that is nobody's child here to end."""
    ends = time.monotonic() + 10
    while time.monotonic() < ends:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):  # the second: between opening and reading
            return
        if state == "Z":
            return
        time.sleep(0.01)
    raise AssertionError(f"process {pid} goes on")


def test_all_can_be_reached_and_end_in_order() -> None:
    with running("serves", "serves") as made:
        assert made.until("ready") == [{"ready": {"quic": "0"}}]
        assert {one["worker"] for one in made.until("pid", 2)} == {0, 1}
        made.process.terminate()
        assert made.until("status") == [{"status": 0}]
        assert {one["ends"] for one in made.until("ends", 2)} == {0, 1} and len(made.until("ending")) == 1


def test_sigint_ends_all_at_once() -> None:
    with running("slow", "slow") as made:
        made.until("ready")
        made.process.send_signal(signal.SIGINT)
        assert made.until("status") == [{"status": 0}]


def test_who_is_killed_is_started_anew_with_its_ports_and_the_others_do_not_notice() -> None:
    with running("serves", "serves") as made:
        made.until("ready")
        (victim,) = (one["pid"] for one in made.until("pid", 2) if one["worker"] == 1)
        os.kill(victim, signal.SIGKILL)
        *_, again = made.until("pid", 3)
        assert again["worker"] == 1 and again["ports"] and again["pid"] != victim
        assert made.until("tells")[0]["tells"] == "worker 1 was ended by SIGKILL: it is started anew"
        made.process.terminate()
        assert made.until("status") == [{"status": 0}] and len(made.until("ready")) == 1


def test_who_crashes_again_and_again_is_started_less_and_less_often() -> None:
    with running("serves", "crashes") as made:
        times = [one["at"] for one in made.until("tells", 5)]
        pauses = [after - before for before, after in pairwise(times)]
        # Each crash comes at once, so that what lies between two is the pause, which doubles: 0.05, 0.1, 0.2, 0.4.
        assert all(pause >= 0.05 * 2**number for number, pause in enumerate(pauses))
        assert made.until("tells")[0]["tells"] == "worker 1 ended with status 4: it is started anew"


def test_what_keeps_a_worker_from_starting_ends_the_relay() -> None:
    with running("serves", "fails") as made:
        assert made.until("status") == [{"status": 1}]
        assert not [one for one in made.said if "ready" in one]


def test_the_second_signal_ends_whoever_takes_long_and_the_third_whoever_does_not_end() -> None:
    with running("slow", "stubborn") as made:
        made.until("ready")
        made.process.terminate()
        made.until("ending")
        made.process.terminate()
        (slow,) = (one["pid"] for one in made.until("pid", 2) if one["worker"] == 0)
        until_gone(slow)
        assert made.process.poll() is None
        made.process.terminate()
        assert made.until("status") == [{"status": 0}]


def test_no_worker_outlives_a_supervisor_that_is_killed() -> None:
    with running("serves", "serves") as made:
        made.until("ready")
        pids = [one["pid"] for one in made.until("pid", 2)]
        made.process.kill()
        made.until("ends", 2)
        for pid in pids:
            until_gone(pid)
