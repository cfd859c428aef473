"""A seed decides everything that happens on the network, whatever the process."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.architecture.tree import ROOT


def start(seed: int, hash_seed: str) -> subprocess.Popen[str]:
    """The trace of a seed in a process of its own."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.system.trace", str(seed)],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_one_seed_has_one_trace_in_every_process_and_another_seed_has_another() -> None:
    runs = [start(1, "0"), start(1, "4242"), start(2, "0")]
    lines = []
    for process in runs:
        out, error = process.communicate()
        assert process.returncode == 0, error
        lines.append(out.strip().splitlines()[-1])
    first, again, other = lines
    assert first == again
    assert first.split()[-1] != other.split()[-1]
    assert len(first.split()[-1]) == 64
