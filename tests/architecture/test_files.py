"""A file has one subject, is finished, and says first what it is."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.architecture.tree import ROOMS, ROOT, files

UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b")
#: A module's first sentence, after what is said to tools.
OPENING = re.compile(r'(?:\s*#.*\n|\s*\n)*[rR]?"""\s*[^\s"]')
VAGUE_NAMES = re.compile(r"(^|[_/])(utils?|helpers?|managers?|common|misc)([_./]|$)")


def test_every_module_begins_by_saying_what_it_is() -> None:
    silent = [name for name, path in files(ROOMS, ".py") if not OPENING.match(path.read_text("utf-8"))] + [
        name for name, path in files(ROOMS, ".js") if not path.read_text("utf-8").lstrip().startswith(("/*", "//"))
    ]
    assert not silent, f"no opening sentence: {silent}"


def test_nothing_is_marked_as_unfinished() -> None:
    marks = [
        f"{name}:{number}"
        for name, path in files(ROOMS, ".py", ".js", ".md", ".css", ".html")
        if path != Path(__file__)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert not marks


def test_files_are_named_for_their_subject() -> None:
    assert not [name for name, _ in files(ROOMS, ".py", ".js") if VAGUE_NAMES.search(name)]


def test_the_lock_file_of_the_type_checker_names_no_host() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))
    assert lock["packages"]
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
