"""A relay that looks at its own stack while it works: `python -m interop.bench.relay.sampler OUT ARGUMENTS..`.

The arguments are avl-relay's. From one SIGUSR1 to the next it is interrupted after every millisecond of its own
processor time, waiting left out; then OUT gets a line `frame;frame;.. count` for each stack that was seen. A profiler
from outside would stop the relay to look at it, which where looking is slow leaves no time for work.
"""

from __future__ import annotations

import signal
import sys
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType

from avl_relay.cli import main

#: Seconds of processor time between two looks.
BETWEEN = 0.001


class Sampler:
    """Stacks that were seen, with how often."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._seen: Counter[tuple[CodeType, ...]] = Counter()
        self._looking = False

    def toggle(self, number: int, frame: FrameType | None) -> None:
        """Begin to look, or end and write what was seen."""
        self._looking = not self._looking
        signal.setitimer(signal.ITIMER_PROF, *((BETWEEN, BETWEEN) if self._looking else (0.0, 0.0)))
        if not self._looking:
            lines = [f"{';'.join(map(name_of, stack))} {count}\n" for stack, count in self._seen.items()]
            part = self._out.with_suffix(".part")
            part.write_text("".join(lines))
            part.replace(self._out)

    def look(self, number: int, frame: FrameType | None) -> None:
        """See where we are."""
        stack = []
        while frame is not None:
            stack.append(frame.f_code)
            frame = frame.f_back
        self._seen[tuple(reversed(stack))] += 1


def name_of(code: CodeType) -> str:
    """A function and its file, from the package on."""
    place = code.co_filename.rsplit("site-packages/", 1)[-1]
    for package in ("avl_protocol/", "avl_relay/"):
        place = place.rsplit(package, 1)[-1] if package in place else place
    return f"{place}:{code.co_qualname}".replace(" ", "_")


if __name__ == "__main__":
    sampler = Sampler(Path(sys.argv.pop(1)))
    signal.signal(signal.SIGUSR1, sampler.toggle)
    signal.signal(signal.SIGPROF, sampler.look)
    main()
