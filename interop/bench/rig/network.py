"""A network of the benchmark's own: a loopback interface that carries its bytes and nobody else's.

The process starts itself again in a new network namespace, where it may; X servers are found there as well, since
those it starts are in the same one. It gets a folder for their sockets of its own, too: an X server knows which display
numbers are free by the sockets of its network, so that one of another network would take the place of ours in a common
folder.
"""

from __future__ import annotations

import os
import subprocess
import sys

#: Set in the environment of the process that was started again.
MARK = "AVL_BENCH_NETWORK"
_SOCKETS = "/tmp/.X11-unix"
_UP_AND_ON = (
    f'ip link set lo up && mkdir -p -m 1777 {_SOCKETS} && mount -t tmpfs -o mode=1777 tmpfs {_SOCKETS} && exec "$@"'
)


def own() -> bool:
    """Whether this process has a network of its own."""
    return os.environ.get(MARK) == "own"


def enter(module: str, arguments: list[str]) -> None:
    """Start this program again in a network of its own; returns where the system does not allow that, or it has one."""
    if own():
        return
    kinds = ["--net", "--mount"]
    if os.geteuid():
        kinds += ["--user", "--map-root-user"]
    inside = ["unshare", *kinds, "sh", "-c", _UP_AND_ON, "sh"]
    try:
        tried = subprocess.run([*inside, "true"], stdin=subprocess.DEVNULL, capture_output=True)
    except FileNotFoundError:
        return
    if tried.returncode == 0:
        command = [*inside, sys.executable, "-m", module, *arguments]
        os.execvpe(command[0], command, {**os.environ, MARK: "own"})
