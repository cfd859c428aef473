"""`./dev demo`: a small desktop, a relay and a host on this machine, and the address to watch it at; Ctrl-C ends all.

With `--check OUT_DIR` nobody watches: three viewers do what a person would, and what they saw and typed is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from interop import check, stage
from interop.programs import ProgramFailed, Programs


async def show(programs: Programs) -> None:
    """Start everything, say how to connect, and stay until something ends."""
    running = await stage.start(programs, typed=None)
    host = running.host
    avl = os.path.relpath(stage.BIN / "avl")
    print(f"desktop   display {running.display}, {stage.SIZE[0]}x{stage.SIZE[1]}")
    print(f"page      {host['url']}")
    print(f"target    {host['target']}")
    print(f"code      {host['code']}")
    print(f"window    {avl} view '{host['target']}' --code {host['code']}")
    print("Open the page in a browser with WebTransport, such as Chromium. Ctrl-C ends everything.", flush=True)
    window = None
    if os.environ.get("DISPLAY"):
        window = programs.start("window", [stage.BIN / "avl", "view", host["target"]], {"AVL_CODE": host["code"]})
        programs.started.remove(window)  # a person may close it: that is no failure
    try:
        await programs.stay()
    finally:
        if window is not None:
            programs.started.append(window)


def interrupt(*_: object) -> None:
    """SIGTERM is taken as Ctrl-C is."""
    raise KeyboardInterrupt


def main() -> int:
    """Read the command line and do it; 0 done, 1 failed, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="./dev demo", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--check", metavar="OUT_DIR", type=Path, help="run unattended; write pictures and figures there"
    )
    chosen = parser.parse_args()
    missing = stage.lacking() + ([] if chosen.check is None or shutil.which("chromium") else ["chromium"])
    if missing:
        print(f"demo: not on this machine: {', '.join(missing)}", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, interrupt)
    with tempfile.TemporaryDirectory(prefix="avl-demo-", ignore_cleanup_errors=True) as folder:
        programs = Programs(Path(folder))
        try:
            if chosen.check is None:
                asyncio.run(show(programs))
                return 0
            return asyncio.run(check.check(programs, chosen.check))
        except ProgramFailed as failure:
            print(f"demo: {failure}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
        finally:
            programs.end()


if __name__ == "__main__":
    sys.exit(main())
