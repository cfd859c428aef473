"""Typist: a viewer that types numbered lines all the time and says what it sees, for trials of what a session survives.

`python -m interop.typist TARGET --state DIR` writes one JSON object a line and tenth of a second: time, path, round
trip, last change of path, lines typed and refused, age of the newest picture and the longest gap between two. It ends
when its standard input does; the last object then has "lines": when each was typed (seconds since 1970), and what the
session said of its number and of its Enter: "applied", "dropped" or "unknown".
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from avl_protocol.endpoint.loop.runtime import run
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import CloseCode, InputKind
from avl_viewer.api import connect
from avl_viewer.present.presenter import Picture

#: Seconds between two lines that are typed, for which Enter is down, and between two words about how it goes.
TYPES, DOWN, TELLS = 0.05, 0.04, 0.1
#: Seconds that what is under way at the end may take.
REST = 10.0
#: Usage of the Enter key.
ENTER = 0x28


async def work(target: str, state: Path, direct: bool) -> None:
    """Type and tell until standard input ends."""
    began = time.monotonic()
    loop = asyncio.get_running_loop()
    async with connect(target, code=os.environ["AVL_CODE"], state=state, reconnect=True, direct=direct) as desktop:
        seen = {"pictures": 0, "last": time.monotonic(), "gap": 0.0}
        counts = {"typed": 0, "refused": 0, "late": 0}
        lines: list[tuple[float, list[str]]] = []
        pending: set[asyncio.Future[None]] = set()
        shown = desktop._presenter.picture

        def picture(one: Picture) -> None:
            now = time.monotonic()
            seen["gap"] = max(seen["gap"], now - seen["last"])
            seen["last"] = now
            seen["pictures"] += 1
            shown(one)

        desktop._presenter.picture = picture  # type: ignore[method-assign, assignment]
        await desktop.screenshot()
        said: dict[str, Any] = {"event": "in", "after": time.monotonic() - began}
        print(json.dumps(said), flush=True)

        def send(event: tuple[Any, ...], fates: list[str]) -> None:
            """Do something whose fate becomes the next of `fates`."""
            place = len(fates)
            fates.append("dropped")
            try:
                sent = desktop._client.send_input([event])
            except Refused:
                return
            fates[place] = "unknown"

            def answered(done: asyncio.Future[None]) -> None:
                pending.discard(done)
                error = done.exception() if not done.cancelled() else None
                if error is None:
                    fates[place] = "applied"
                elif isinstance(error, Refused) and error.code is not CloseCode.TIMEOUT:
                    fates[place] = "dropped"
                    counts["late"] += 1

            pending.add(sent)
            sent.add_done_callback(answered)

        async def write() -> None:
            while True:
                fates: list[str] = []
                send((int(InputKind.TEXT), str(counts["typed"])), fates)
                if fates == ["dropped"]:
                    counts["refused"] += 1
                else:
                    send((int(InputKind.KEY), ENTER, True, 0, ""), fates)
                    lines.append((time.time(), fates))
                    counts["typed"] += 1
                    loop.call_later(DOWN, send, (int(InputKind.KEY), ENTER, False, 0, ""), [])
                await asyncio.sleep(TYPES)

        async def tell() -> None:
            while True:
                await asyncio.sleep(TELLS)
                stats = desktop.stats()
                now = time.monotonic()
                state = desktop._presenter.state
                print(
                    json.dumps(
                        {
                            "at": now,
                            "path": stats["path"],
                            "rtt_ms": stats["rtt_ms"],
                            "switch": stats["switch"],
                            "status": state.text if state else "",
                            "age": now - seen["last"],
                            "gap": max(seen["gap"], now - seen["last"]),
                            "pictures": seen["pictures"],
                            **counts,
                        }
                    ),
                    flush=True,
                )
                seen["gap"] = 0.0

        work = [asyncio.create_task(write()), asyncio.create_task(tell())]
        await loop.run_in_executor(None, sys.stdin.read)
        work[0].cancel()
        await asyncio.sleep(DOWN)
        if pending:
            await asyncio.wait(set(pending), timeout=REST)
        work[1].cancel()
        print(json.dumps({"event": "out", "lines": lines, **counts}), flush=True)


def main() -> int:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(prog="typist", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("target")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--relayed", action="store_true", help="look for no direct way")
    known = parser.parse_args()
    try:
        run(work(known.target, known.state, not known.relayed))
    except Refused as refused:
        print(f"typist: {refused}", file=sys.stderr)
        return refused.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
