"""`./dev bench lanes`: what each way to code pixels exactly costs, by what is on the screen and how much of it.

Every call is made again and again within its share of time, and the quickest counts: what else runs on the machine only
ever makes a call slower. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from interop.bench.latency import RESULTS, commit, machine, say
from interop.bench.rig.lanes import CONTENTS, SIZES, Change, Lane, lanes
from interop.bench.rig.measure import equal

#: Seconds for each figure, and calls at least.
SHARE, LEAST = 0.1, 3
#: A letter is a letter: this content has the smallest size alone.
LETTER = "glyph"
HEADING = ("content", "size", "lane", "encode, us", "decode, us", "bytes", "bit/pixel", "ms a 1080p screen")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One lane with one content: microseconds and bytes; None where the lane declines, of which `encode_us` is the
    cost then."""

    content: str
    width: int
    height: int
    lane: str
    encode_us: float
    decode_us: float | None
    size: int | None

    @property
    def bits(self) -> float | None:
        """Bits for each pixel."""
        return None if self.size is None else 8 * self.size / (self.width * self.height)


def quickest(call: Callable[[], Any], share: float) -> float:
    """Microseconds of the quickest call within `share` seconds."""
    best = float("inf")
    end = time.perf_counter() + share
    count = 0
    while count < LEAST or time.perf_counter() < end:
        begin = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - begin)
        count += 1
    return round(best * 1e6, 1)


def cost(content: str, change: Change, name: str, lane: Lane, share: float) -> Cost:
    """What a lane costs. Raises ValueError where it does not give back what it was given."""
    height, width = change.pixels.shape[:2]
    data = lane.encode(change)
    encode = quickest(lambda: lane.encode(change), share)
    decode = None
    if data is not None:
        if equal(lane.decode(data, change.before), change.pixels) != 100:
            raise ValueError(f"{name} does not give back {content} of {width}x{height}")
        decode = quickest(lambda: lane.decode(data, change.before), share)
    return Cost(
        content=content,
        width=width,
        height=height,
        lane=name,
        encode_us=encode,
        decode_us=decode,
        size=None if data is None else len(data),
    )


def measured(contents: list[str], share: float) -> Iterator[Cost]:
    """All costs of some contents, in order."""
    every = lanes()
    for content in contents:
        for width, height in SIZES[:1] if content == LETTER else SIZES:
            change = CONTENTS[content](width, height)
            for name, lane in every.items():
                yield cost(content, change, name, lane, share)


def row(found: Cost) -> tuple[str, ...]:
    """A line of the table."""
    where = (found.content, f"{found.width}x{found.height}", found.lane)
    screen = found.encode_us * 1920 * 1080 / (found.width * found.height) / 1000
    if found.size is None or found.decode_us is None or found.bits is None:
        return (*where, f"{found.encode_us:g}", "–", "declines", "–", "–")
    return (
        *where,
        f"{found.encode_us:g}",
        f"{found.decode_us:g}",
        f"{found.size}",
        f"{found.bits:.3g}",
        f"{screen:.3g}",
    )


def table_markdown(report: Mapping[str, Any]) -> str:
    """The table of an earlier run, for a README."""
    host = report["machine"]
    lines = [f"{report['date']}, commit {report['commit']}; {host['processor']}, Python {host['python']}.", ""]
    lines += [f"| {' | '.join(HEADING)} |", "|" + " --- |" * len(HEADING)]
    lines += [f"| {' | '.join(row(Cost(**found)))} |" for found in report["costs"]]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Read the command line and do it; 0 measured, 2 misused, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="./dev bench lanes", description="What coding pixels exactly costs.")
    parser.add_argument("--contents", default=",".join(CONTENTS), help=f"some of {','.join(CONTENTS)}")
    parser.add_argument("--share", type=float, default=SHARE, help=f"seconds for each figure (default {SHARE})")
    parser.add_argument("--out", type=Path, help="where the JSON goes (default: interop/bench/results)")
    parser.add_argument("--markdown", type=Path, metavar="JSON", help="only print the table of an earlier run")
    chosen = parser.parse_args()
    if chosen.markdown:
        print(table_markdown(json.loads(chosen.markdown.read_text("utf-8"))), end="")
        return 0
    contents = [name for name in chosen.contents.split(",") if name]
    if unknown := [name for name in contents if name not in CONTENTS]:
        parser.error(f"no content is called {unknown[0]}; there are {', '.join(CONTENTS)}")
    table = Table(*HEADING, title="What coding exactly costs")
    costs: list[Cost] = []
    try:
        for found in measured(contents, chosen.share):
            costs.append(found)
            table.add_row(*row(found))
    except KeyboardInterrupt:
        return 130
    report = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "costs": [asdict(found) for found in costs],
    }
    out = chosen.out or RESULTS / f"lanes-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    say(f"figures are in {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
