"""A program's loop: on it Python's search for cycles soon leaves out what was loaded."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import asyncio, gc, weakref
from avl_protocol.endpoint.loop import runtime

class Cycle:
    def __init__(self):
        self.itself = self

async def main():
    assert gc.get_freeze_count() == 0
    kept = [[] for _ in range(5000)]
    while not gc.get_freeze_count():
        await asyncio.sleep(0.01)
    assert gc.get_freeze_count() > len(kept) and gc.get_count()[0] < 5000
    gone = weakref.ref(Cycle())
    gc.collect()
    assert gone() is None, "what comes later is looked at as ever"
    return "done"

runtime.LOADED = 0.05
print(runtime.run(main()))
"""


def test_what_is_loaded_is_left_out_of_the_search_for_cycles() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "done\n", done.stderr
