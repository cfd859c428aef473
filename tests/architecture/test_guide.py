"""What docs/architecture.md names exists, so that a newcomer is not sent to files that have gone."""

from __future__ import annotations

import re

import pytest

from tests.architecture.tree import ROOT, SHIPPED

GUIDE = ROOT / "docs" / "architecture.md"
NAMED = re.compile(r"`([\w.-]+(?:/[\w.-]+)*(?:\.(?:py|js|md|json)|/))`")


def missing(text: str) -> list[str]:
    """Names of files and folders for which there is nothing in the project."""
    known = {
        path.relative_to(ROOT / package).as_posix() + ("/" if path.is_dir() else "")
        for package in SHIPPED
        for path in (ROOT / package).rglob("*")
    }
    return [
        name
        for name in NAMED.findall(text)
        if not (ROOT / name).exists() and not any(name == path or path.endswith(f"/{name}") for path in known)
    ]


def test_every_file_that_the_guide_names_exists() -> None:
    assert missing(GUIDE.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("`rate/sendqueue.py`", []),
        ("`protocol/avl_protocol/rate/sendqueue.py` and `CONTRIBUTING.md`", []),
        ("`crypto/`", []),
        ("`rate/absent.py`", ["rate/absent.py"]),
        ("`queue.py`", ["queue.py"]),
    ],
)
def test_a_name_of_nothing_is_found(text: str, gone: list[str]) -> None:
    assert missing(text) == gone
