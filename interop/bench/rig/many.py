"""Many small files between programs as they are: `avl cp -r` to a host and back over a relay on this machine, beside
scp, tar over ssh, and cp.

What is looked at is time and memory, which must not grow with the number of files.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic
from typing import Any

from interop.programs import Program, Programs
from interop.stage import BIN, READY

CODE = "7K3P-9QX2"
#: Files in a folder, and the sizes that they have by turns, in bytes.
FOLDER, SIZES = 100, (0, 120, 700, 1500, 4000)


def make_tree(top: Path, files: int) -> int:
    """So many files beneath a folder; their bytes."""
    size = 0
    for number in range(files):
        folder = top / f"{number // FOLDER:05}"
        if not number % FOLDER:
            folder.mkdir(parents=True)
        content = os.urandom(SIZES[number % len(SIZES)])
        (folder / f"{number % FOLDER:02}.bin").write_bytes(content)
        size += len(content)
    return size


def digest_of(top: Path) -> tuple[int, str]:
    """How many files are beneath a folder, and a hash of their names, modes, times and contents."""
    count, hashed = 0, hashlib.sha256()
    for where, folders, names in os.walk(top):
        folders.sort()
        for name in sorted(names):
            path = Path(where, name)
            seen = path.stat()
            told = f"{path.relative_to(top)} {seen.st_mode} {seen.st_mtime_ns // 1000} ".encode()
            hashed.update(told + hashlib.sha256(path.read_bytes()).digest())
            count += 1
    return count, hashed.hexdigest()


def memory(process: int, what: str = "VmHWM") -> float:
    """Megabytes that a process has had at most (`VmRSS`: has now)."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return round(int(found[1]) / 1024, 1) if found else 0.0


async def command(*words: str | Path) -> tuple[float, float]:
    """Run a command; its seconds, and the megabytes that it had at most. Raises OSError where it fails."""
    began = monotonic()
    process = await asyncio.create_subprocess_exec(*map(str, words), stdin=asyncio.subprocess.DEVNULL)
    peak = 0.0
    ended = asyncio.create_task(process.wait())
    while not ended.done():
        try:
            peak = max(peak, memory(process.pid))
        except OSError:
            pass  # it has just ended
        await asyncio.wait([ended], timeout=0.2)
    if process.returncode:
        raise OSError(f"{words[0]} ended with {process.returncode}")
    return monotonic() - began, peak


async def measure(
    folder: Path, files: int, ssh: Callable[[Programs], Awaitable[list[str | Path] | None]]
) -> dict[str, Any]:
    """Seconds and megabytes of so many files, there and back. `ssh`: starts a server of it; its port, and the options
    of who asks it; None where there is none."""
    tree, put, back = folder / "tree", folder / "put", folder / "back"
    for path in (put, back):
        path.mkdir(parents=True)
    figures: dict[str, Any] = {"files": files, "megabytes": round(make_tree(tree, files) / 1e6, 1)}
    programs = Programs(folder)
    try:
        kept: list[str | Path] = ["--state", folder / "relay", "--ready-file", folder / "relay.json"]
        ports: list[str | Path] = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
        relay = programs.start("relay", [BIN / "avl-relay", "serve", *ports, *kept])
        where = await programs.ready_file(folder / "relay.json", READY)
        kept = ["--state", folder / "host", "--ready-file", folder / "host.json", "--files", f"{put}:rw"]
        way: list[str | Path] = [
            "--relay",
            where["quic"],
            "--pin",
            where["pin"],
            "--no-direct",
            "--code",
            CODE,
            "--source",
            "pattern",
        ]
        host = programs.start("host", [BIN / "avl-host", "run", "--no-indicator", "--no-sound", *way, *kept])
        target = (await programs.ready_file(folder / "host.json", READY))["target"]
        avl: list[str | Path] = [BIN / "avl", "cp", "-r", "--code", CODE, "--state", folder / "viewer"]
        for name, source, goal in (("put", tree, f"{target}:"), ("get", f"{target}:tree", back)):
            figures[name] = await watched(relay, host, *avl, source, goal)
        whole = digest_of(tree)
        if digest_of(put / "tree") != whole or digest_of(back / "tree") != whole:
            raise AssertionError("what came is not what was sent")
        shutil.rmtree(put / "tree")
        shutil.rmtree(back / "tree")
        figures["others"] = await others(programs, tree, folder / "others", ssh)
        return figures
    finally:
        programs.end()


async def watched(relay: Program, host: Program, *words: str | Path) -> dict[str, float]:
    """What one copy took."""
    before = {one.name: memory(one.process.pid, "VmRSS") for one in (relay, host)}
    seconds, viewer = await command(*words)
    grown = {f"{one.name}_mb": round(memory(one.process.pid) - before[one.name], 1) for one in (relay, host)}
    return {"seconds": round(seconds, 1), "viewer_mb": viewer, **grown}


async def others(
    programs: Programs, tree: Path, goal: Path, ssh: Callable[[Programs], Awaitable[list[str | Path] | None]]
) -> dict[str, float | str]:
    """Seconds that others take for the same."""
    figures: dict[str, float | str] = {}

    async def timed(name: str, *words: str | Path) -> None:
        goal.mkdir()
        figures[name] = round((await command(*words))[0], 1)
        shutil.rmtree(goal)

    await timed("cp -r", "cp", "-r", "-p", tree, goal)
    options = await ssh(programs)
    if options is None:
        return figures | {"scp -r": "no sshd", "tar, ssh": "no sshd"}
    await timed("scp -r", "scp", "-r", "-p", "-q", "-P", options[0], *options[1:], tree, f"127.0.0.1:{goal}")
    client = " ".join(["ssh", "-p", *map(str, options), "127.0.0.1", "tar", "-x", "-C", str(goal)])
    await timed("tar, ssh", "sh", "-c", f"tar -c -C {tree} . | {client}")
    return figures
