"""Names, links, hashes and listings, by the vectors and beyond them (spec 15)."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.files.hashing import FileHash, hash_of
from avl_protocol.files.listing import Listing, Looking, rows_of
from avl_protocol.files.memory import MemoryTree
from avl_protocol.files.names import MACOS, POSIX, WINDOWS, is_name, names_of, naming_here, part_of, stays
from avl_protocol.files.tree import FileTrouble
from avl_protocol.wire.endtoend import FileRows, FileStop
from avl_protocol.wire.registry import MAX_FILE_BLOCK, MAX_FILE_NAME, MAX_FILE_ROWS, FileReason
from spec.vectors.file_cases import hash_of as hash_of_pieces
from tests.architecture.tree import ROOT

VECTORS: dict[str, list[dict[str, Any]]] = json.loads((ROOT / "spec/vectors/files.json").read_text("utf-8"))


def test_names_are_taken_as_the_vectors_say() -> None:
    for case in VECTORS["names"]:
        for title, naming in (("posix", POSIX), ("windows", WINDOWS), ("macos", MACOS)):
            assert is_name(case["name"], naming) == case[title], case
    for case in VECTORS["paths"]:
        assert (not isinstance(names_of(case["path"]), FileReason)) == case["good"], case
    for case in VECTORS["parts"]:
        assert part_of(case["name"]) == case["part"] and len(case["part"].encode()) <= MAX_FILE_NAME


def test_links_stay_as_the_vectors_say() -> None:
    for case in VECTORS["links"]:
        assert stays(tuple(case["path"].split("/")), case["text"]) == case["stays"], case


def test_hashes_are_those_of_the_vectors_however_a_file_is_read() -> None:
    for case in VECTORS["hashes"]:
        assert hash_of_pieces(tuple(map(tuple, case["pieces"]))).hex() == case["hash"]
        data = b"".join(bytes([byte]) * count for byte, count in case["pieces"])
        tree = MemoryTree()
        tree.put("x", data)
        assert hash_of(tree.read(("x",)), len(data)).digest().hex() == case["hash"]
    with pytest.raises(FileTrouble):
        hash_of(tree.read(("x",)), len(data) + 1)


def test_zeros_are_hashed_by_their_count() -> None:
    counted, whole = FileHash(), FileHash()
    size = 2050 * MAX_FILE_BLOCK + 5
    counted.zeros(size)
    zero = blake3(bytes(MAX_FILE_BLOCK)).digest()
    assert counted.digest() == blake3(zero * 2050 + blake3(bytes(5)).digest()).digest()
    for at in range(0, 3 * MAX_FILE_BLOCK + 9, MAX_FILE_BLOCK):
        whole.block(bytes(min(MAX_FILE_BLOCK, 3 * MAX_FILE_BLOCK + 9 - at)))
    counted = FileHash()
    counted.zeros(3 * MAX_FILE_BLOCK + 9)
    assert counted.digest() == whole.digest()


@given(st.text(max_size=300))
def test_no_name_leads_anywhere(name: str) -> None:
    for naming in (POSIX, WINDOWS, MACOS):
        if is_name(name, naming):
            assert "/" not in name and "\0" not in name and name not in (".", "..") and name == name.encode().decode()


@given(st.lists(st.sampled_from(["..", ".", "a", "", "/", "\\", "C:"]), max_size=8), st.integers(0, 5))
def test_no_link_that_stays_leads_out(parts: list[str], depth: int) -> None:
    text = "/".join(parts)
    if stays((*["d"] * depth, "link"), text):
        at = depth
        for part in text.replace("\\", "/").split("/"):
            at += 0 if part in ("", ".") else -1 if part == ".." else 1
            assert at >= 0


@pytest.mark.parametrize(("platform", "naming"), [("linux", POSIX), ("win32", WINDOWS), ("darwin", MACOS)])
def test_each_system_has_its_rules(platform: str, naming: object) -> None:
    assert naming_here(platform) is naming


def test_a_folder_is_listed_in_order_however_much_is_in_it() -> None:
    tree = MemoryTree()
    names = [str(number) for number in range(3 * MAX_FILE_ROWS)]
    for name in random.Random(1).sample(names, len(names)):
        tree.put(f"d/{name}")
    tree.put("d/.x.avl-part")
    listing, looking = Listing(1, lambda: ("/shared/d", rows_of(tree, ("d",), ""))), Looking(1, "d")
    assert looking.next_message() is not None
    while listing.over is None or looking.over is None:
        if (task := listing.next_task()) is not None:
            listing.task_done(task(), 1.0)
        while (message := listing.next_message()) is not None:
            assert isinstance(message, FileRows) and len(message.rows) <= MAX_FILE_ROWS
            looking.receive(message, 1.0)
    assert [row[0] for row in looking.rows] == sorted(names) and looking.path == "/shared/d"
    assert [row[0] for row in rows_of(tree, ("d",), "98")] == [name for name in sorted(names) if name > "98"]


def test_a_listing_that_fails_or_is_wanted_no_more_ends() -> None:
    def find() -> Any:
        raise FileTrouble(FileReason.NOT_FOUND)

    listing = Listing(1, find)
    task = listing.next_task()
    assert task is not None
    listing.task_done(task(), 1.0)
    assert listing.next_message() == FileStop(1, FileReason.NOT_FOUND)
    unwanted = Listing(2, find)
    unwanted.receive(FileStop(2, FileReason.CANCELLED), 1.0)
    assert unwanted.over is FileReason.CANCELLED and unwanted.next_task() is None and unwanted.next_message() is None
    looking = Looking(3, "x")
    looking.receive(FileRows(3, "x", (("name",),), True), 1.0)
    assert looking.over is FileReason.BAD_REQUEST
