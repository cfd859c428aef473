"""Imports go down only, time and entropy are read in one file, and only assembly files catch everything."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, SHIPPED, files

#: The one module that reads the clock and entropy; everything else is told. Commands may time themselves.
CLOCK = "protocol/avl_protocol/endpoint/loop/clock.py"
TELLING = {
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep"},
    "os": {"urandom", "getrandom"},
    "uuid": {"uuid1", "uuid4"},
    "datetime": {"now", "utcnow", "today"},
}
ENTROPY_MODULES = {"random", "secrets"}
#: Where everything is put together, an error that nobody foresaw is logged and ends one session, not the program.
ASSEMBLY = {
    "host/avl_host/agent.py",
    "host/avl_host/cli.py",
    "relay/avl_relay/relay.py",
    "relay/avl_relay/cli.py",
    "viewer/avl_viewer/cli.py",
    "viewer/avl_viewer/app.py",
    # Where all that escapes a callback, a timer, a task or a thread is told, and what failed is ended.
    "protocol/avl_protocol/endpoint/loop/faults.py",
}


def readings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, what) of every use of a clock or of entropy in a module, however it was imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                if name.name.split(".")[0] in ENTROPY_MODULES:
                    yield node.lineno, name.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module in ENTROPY_MODULES:
                yield node.lineno, node.module
            for name in node.names:
                if node.module != "datetime" and name.name in TELLING.get(node.module, ()):
                    yield node.lineno, f"{node.module}.{name.name}"
        elif isinstance(node, ast.Attribute):
            owner = node.value
            if isinstance(owner, ast.Name) and node.attr in TELLING.get(owner.id, ()):
                yield node.lineno, f"{owner.id}.{node.attr}"
            elif isinstance(owner, ast.Attribute) and owner.attr == "datetime" and node.attr in TELLING["datetime"]:
                yield node.lineno, f"datetime.datetime.{node.attr}"


def raises_again(handler: ast.ExceptHandler) -> bool:
    """Whether a handler ends with a bare `raise`."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


#: What every handler that catches everything has somewhere.
CATCHES = re.compile(r"except\s*:|Exception\b")


def broad_catches(tree: ast.AST) -> Iterator[int]:
    """Lines of handlers that catch everything and keep it: one that tidies up and raises again catches nothing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and not raises_again(node):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(
                kind is None or (isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"})
                for kind in kinds
            ):
                yield node.lineno


def parsed(path: Path) -> ast.AST:
    return ast.parse(path.read_text("utf-8"))


def test_imports_keep_to_the_floors() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_one_module_reads_the_clock_and_entropy() -> None:
    found = [
        f"{name}:{line} {what}"
        for name, path in files(SHIPPED, ".py")
        if name != CLOCK and not name.endswith("/cli.py")
        for line, what in readings(parsed(path))
    ]
    assert not found
    assert list(readings(parsed(ROOT / CLOCK))), "the clock module reads no clock: is it still the right file?"


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.monotonic()",
        "from time import perf_counter",
        "import os\nos.urandom(8)",
        "import secrets",
        "from random import choice",
        "import datetime\ndatetime.datetime.now()",
        "from datetime import datetime\ndatetime.now()",
        "import uuid\nuuid.uuid4()",
    ],
)
def test_a_reading_is_found_however_it_is_written(source: str) -> None:
    assert list(readings(ast.parse(source)))


def test_only_assembly_files_catch_everything() -> None:
    found = [
        f"{name}:{line}"
        for name, path in files((*SHIPPED, "spec", "interop"), ".py")
        if name not in ASSEMBLY and CATCHES.search(path.read_text("utf-8"))
        for line in broad_catches(parsed(path))
    ]
    assert not found


@pytest.mark.parametrize("clause", ["except:", "except Exception:", "except (OSError, BaseException) as error:"])
def test_a_broad_catch_is_found_however_it_is_written(clause: str) -> None:
    assert list(broad_catches(ast.parse(f"try:\n    pass\n{clause}\n    pass")))


def test_tidying_up_before_an_error_goes_on_is_no_catch() -> None:
    assert not list(broad_catches(ast.parse("try:\n    pass\nexcept BaseException:\n    close()\n    raise")))
