"""Each MUST of the specification has a name, and a test that holds the code to it.

A sentence with MUST is followed by its tag, such as `[R-MEDIA-3]`; spec/requirements.json maps each tag to the tests
that name it: `tests/protocol/test_packetizer.py::test_...`, or `tests/web/packetizer.test.js::the test's title`. A
story of a trace, `spec/vectors/selector.json::what it is about`, is a test in both languages.
"""

from __future__ import annotations

import ast
import functools
import json
import re
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, files

TAG = re.compile(r"\[(R-[A-Z0-9]+-\d+)\]")
MUST = re.compile(r"(?<![\"\"“`'])\bMUST\b(?![\"”`'])")
REQUIREMENTS = ROOT / "spec" / "requirements.json"


def paragraphs(text: str) -> list[str]:
    """The text of a chapter in paragraphs, list items and table rows, without code blocks."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n|\n(?=\s*(?:[*|-]|\d+\.) )", prose)]


def untagged(text: str) -> list[str]:
    """Sentences with MUST that no tag follows."""
    missing = []
    for paragraph in paragraphs(text):
        pieces = TAG.split(paragraph)[::2]
        for place, piece in enumerate(pieces):
            sentences = [part for part in re.split(r"(?<=[.:;])\s+(?=[A-Z`*])", piece) if MUST.search(part)]
            missing += sentences if place == len(pieces) - 1 else sentences[:-1]
    return missing


def chapters() -> dict[str, str]:
    return {name: path.read_text("utf-8") for name, path in files(("spec",), ".md")}


def requirements() -> dict[str, list[str]]:
    loaded: dict[str, list[str]] = json.loads(REQUIREMENTS.read_text("utf-8"))
    return loaded


def exists(test: str) -> bool:
    """Whether a test of that name stands in that file."""
    file, _, title = test.partition("::")
    path = ROOT / file
    if not title or not path.is_file():
        return False
    if path.suffix == ".json":
        return any(story["about"] == title for story in json.loads(path.read_text("utf-8")))
    if path.suffix == ".js":
        return any(f"test({quote}{title}{quote}" in path.read_text("utf-8") for quote in "\"'`")
    return title.split("::")[-1].split("[")[0] in functions(path)


@functools.cache
def functions(path: Path) -> frozenset[str]:
    """The names of the functions in a file: it is read once, however many requirements name it."""
    tree = ast.walk(ast.parse(path.read_text("utf-8")))
    return frozenset(node.name for node in tree if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_must_has_a_tag() -> None:
    missing = {name: found for name, text in chapters().items() if (found := untagged(text))}
    assert not missing


def test_every_tag_stands_once_and_is_listed() -> None:
    tags = [tag for text in chapters().values() for tag in TAG.findall(text)]
    assert tags
    assert sorted({tag for tag in tags if tags.count(tag) > 1}) == []
    assert sorted(set(tags) ^ set(requirements())) == []


def test_every_listed_requirement_names_tests_that_exist() -> None:
    listed = requirements()
    assert sorted(tag for tag, tests in listed.items() if not tests) == []
    assert sorted(f"{tag}: {test}" for tag, tests in listed.items() for test in tests if not exists(test)) == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("A peer MUST close. [R-A-1]", 0),
        ("A peer MUST close\nand MUST NOT answer [R-A-1].", 0),
        ("A peer MUST close.", 1),
        ("A peer MUST close. It MUST NOT answer. [R-A-2]", 1),
        ("A peer MUST close. [R-A-1] It MUST NOT answer.", 1),
        ('The key words "MUST" and "MAY" mean what they mean.', 0),
        ("```\nMUST\n```", 0),
        ("* A peer MUST close.\n* Another. [R-A-3]", 1),
    ],
)
def test_a_sentence_without_a_tag_is_found(text: str, count: int) -> None:
    assert len(untagged(text)) == count


def test_a_test_that_is_not_there_is_noticed() -> None:
    assert exists("tests/architecture/test_requirements.py::test_every_must_has_a_tag")
    assert not exists("tests/architecture/test_requirements.py::test_that_nobody_wrote")
    assert not exists("tests/architecture/absent.py::test_every_must_has_a_tag")
