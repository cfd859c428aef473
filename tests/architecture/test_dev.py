"""`./dev test` judges a test that failed beside others once more, alone, and nothing else."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def dev() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("dev", str(ROOT / "dev"))
    spec = importlib.util.spec_from_loader("dev", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def cache(folder: Path, tests: list[str]) -> Path:
    """What a pytest leaves of these failures."""
    (folder / "v" / "cache").mkdir(parents=True)
    (folder / "v" / "cache" / "lastfailed").write_text(json.dumps(dict.fromkeys(tests, True)))
    return folder


@pytest.mark.parametrize(
    ("status", "failures", "again", "result", "ran"),
    [
        (1, ["a.py::one", "b.py::two"], 0, 0, True),
        (1, ["a.py::one"], 1, 1, True),
        (1, ["a", "b", "c", "d"], 0, 1, False),  # too many to be the machine's
        (1, [], 0, 1, False),  # a failure that names no test
        (2, ["a.py"], 0, 2, False),  # not failures of tests
        (0, [], 0, 0, False),
    ],
)
def test_few_failures_are_judged_once_more(
    dev: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    status: int,
    failures: list[str],
    again: int,
    result: int,
    ran: bool,
) -> None:
    runs: list[tuple[str, ...]] = []

    def run(*command: str) -> int:
        runs.append(command)
        return again

    monkeypatch.setattr(dev, "run", run)
    caches = [cache(tmp_path / "one", failures[:1]), cache(tmp_path / "two", failures[1:]), tmp_path / "none"]
    assert dev.judge(status, caches) == result
    assert [run[-len(failures) :] for run in runs] == ([tuple(failures)] if ran else [])
    assert all((f"passed alone: {test}" in capfd.readouterr().err) == (result == 0) for test in failures[:1])
