"""`./dev bench signins`: what signing in costs those who are in a session.

A real relay answers a small request every 10 ms, as its loop forwards a session's packets, while people sign in: 40 a
second, from as many networks, by names that nobody has, which costs the same argon2id as a wrong password. Rounds with
and without are taken in turn, so that what else the machine does is in both.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

#: Where the programs of this environment are.
BIN = Path(sys.executable).parent
#: Seconds between two requests of the session, and how much more it may wait (the goal), in seconds.
EVERY, GOAL = 0.010, 0.005
#: Seconds to wait for the relay.
PATIENCE = 30.0


@dataclass(slots=True)
class Round:
    """What was seen: delays of the session in seconds, and answers to sign-ins by status."""

    delays: list[float] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)

    def quantile(self, share: float) -> float:
        """The delay that this share of them does not exceed."""
        ordered = sorted(self.delays)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def status(reader: asyncio.StreamReader) -> int:
    """Read one answer whole; its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = next((int(line[15:]) for line in head.split("\r\n") if line.startswith("content-length:")), 0)
    await reader.readexactly(length)
    return int(head.split(" ", 2)[1])


async def session(port: int, seconds: float, seen: Round) -> None:
    """Ask again and again, over one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    asked = f"GET /health HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode()
    due, end = time.perf_counter(), time.perf_counter() + seconds
    while due < end:
        await asyncio.sleep(due - time.perf_counter())
        begun = time.perf_counter()
        writer.write(asked)
        if await status(reader) != 200:
            raise RuntimeError("the relay refused the session's request")
        seen.delays.append(time.perf_counter() - begun)
        due = max(due + EVERY, time.perf_counter())
    writer.close()


async def sign_in(port: int, number: int, seen: Round) -> None:
    """One try, from a network of its own."""
    source = f"127.{1 + number // 250 % 250}.{number % 250}.1"
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    body = json.dumps({"login": f"nobody-{number}", "password": "a password that is wrong"}).encode()
    head = f"POST /api/v1/session HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    seen.answers[await status(reader)] += 1
    writer.close()


async def crowd(port: int, seconds: float, rate: float, first: int, seen: Round) -> None:
    """So many a second."""
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as tries:
        for number in range(round(seconds * rate)):
            await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
            tries.create_task(sign_in(port, first + number, seen))


async def measured(port: int, rounds: int, seconds: float, rate: float) -> tuple[Round, Round]:
    """Without, and with, in turn."""
    alone, beside = Round(), Round()
    await session(port, 1.0, Round())
    await sign_in(port, 0, Round())
    for number in range(rounds):
        await session(port, seconds, alone)
        async with asyncio.TaskGroup() as both:
            both.create_task(session(port, seconds, beside))
            both.create_task(crowd(port, seconds, rate, 1 + round(number * seconds * rate), beside))
    return alone, beside


def relay(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A relay, and the port of its page."""
    ready = folder / "ready.json"
    places = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--public", "localhost"]
    started = subprocess.Popen(
        [BIN / "avl-relay", "serve", "--state", folder / "relay", "--ready-file", ready, *places],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + PATIENCE
    while not ready.exists():
        if started.poll() is not None or time.monotonic() > end:
            raise RuntimeError("the relay did not start")
        time.sleep(0.05)
    port = urlsplit("//" + json.loads(ready.read_text())["http"]).port
    assert port is not None
    return started, port


def run(rounds: int, seconds: float, rate: float) -> tuple[Round, Round]:
    """Start a relay, measure, and end it."""
    with tempfile.TemporaryDirectory(prefix="avl-bench-signins-") as folder:
        started, port = relay(Path(folder))
        try:
            return asyncio.run(measured(port, rounds, seconds, rate))
        finally:
            started.terminate()
            started.wait(20)


def main() -> int:
    """Measure, and say it."""
    parser = argparse.ArgumentParser(prog="./dev bench signins", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="of each kind")
    parser.add_argument("--seconds", type=float, default=4.0, help="of a round")
    parser.add_argument("--rate", type=float, default=40.0, help="sign-ins a second")
    options = parser.parse_args()
    alone, beside = run(options.rounds, options.seconds, options.rate)
    for name, seen in (("alone", alone), ("with sign-ins", beside)):
        times = "  ".join(f"p{round(100 * share)} {1000 * seen.quantile(share):6.2f} ms" for share in (0.5, 0.95, 0.99))
        print(f"{name:14} {len(seen.delays):5} requests  {times}")
    more = beside.quantile(0.95) - alone.quantile(0.95)
    answered = ", ".join(f"{count} x {code}" for code, count in sorted(beside.answers.items()))
    print(f"sign-ins: {answered}; p95 rises by {1000 * more:.2f} ms (goal: {1000 * GOAL:.0f} ms)")
    return 0 if more <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
