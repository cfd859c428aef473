"""Vectors of files: names that are taken, links that stay within a copy, hashes of files (spec 15)."""

from __future__ import annotations

from typing import Any

from avl_protocol.files.hashing import FileHash
from avl_protocol.files.names import MACOS, POSIX, WINDOWS, is_name, names_of, part_of, stays
from avl_protocol.wire.registry import MAX_FILE_BLOCK, FileReason

NAMES = (
    "a",
    "Größe.txt",
    "漢字",
    "e\u0301",
    "👩\u200d💻",
    "a b",
    ".hidden",
    "...",
    "x" * 255,
    "x" * 256,
    "é" * 127,
    "é" * 128,
    "",
    ".",
    "..",
    "a/b",
    "a\0b",
    "a\nb",
    "a\x7fb",
    "a\x85b",
    "a\u202eb",
    ".a.avl-part",
    "avl-part",
    "con",
    "CON.txt",
    "com1",
    "com10",
    "lpt¹",
    "aux ",
    "nul.tar.gz",
    "a:b",
    "a?b",
    "a\\b",
    "end.",
    "end ",
    "prn.d",
)
PATHS = (
    "a",
    "a/b/c",
    "a//b",
    "/a",
    "a/",
    "a/../b",
    "./a",
    "",
    "/".join("d" * 128),
    "/".join("d" * 129),
    "x" * 250 + "/" + "y" * 250,
)
LINKS = (
    ("a", "b"),
    ("a", "../b"),
    ("d/a", "../b"),
    ("d/a", "../../b"),
    ("a", "/etc"),
    ("a", "d/../b"),
    ("a", "d/../../b"),
    ("d/a", "."),
    ("a", ".."),
    ("a", ""),
    ("a", "C:\\x"),
    ("a", "\\\\server\\x"),
    ("d/a", "..\\..\\b"),
    ("d/e/a", "../../x/../y"),
    ("a", "b\0c"),
)
#: Files: pieces of (byte, count).
FILES = (
    (),
    ((1, 1),),
    ((7, MAX_FILE_BLOCK - 1),),
    ((7, MAX_FILE_BLOCK),),
    ((7, MAX_FILE_BLOCK + 1),),
    ((0, MAX_FILE_BLOCK),),
    ((0, 3 * MAX_FILE_BLOCK), (9, 5)),
    ((0, 2 * MAX_FILE_BLOCK + 77),),
    ((5, 10), (0, 4 * MAX_FILE_BLOCK), (6, 10)),
)


def files() -> dict[str, Any]:
    """All of them. Sizes of names are those of their UTF-8."""
    systems = {"posix": POSIX, "windows": WINDOWS, "macos": MACOS}
    return {
        "names": [
            {"name": name, **{title: is_name(name, naming) for title, naming in systems.items()}} for name in NAMES
        ],
        "paths": [{"path": path, "good": not isinstance(names_of(path), FileReason)} for path in PATHS],
        "links": [{"path": path, "text": text, "stays": stays(tuple(path.split("/")), text)} for path, text in LINKS],
        "parts": [{"name": name, "part": part_of(name)} for name in ("a", "Größe.txt", "x" * 244, "x" * 255)],
        "hashes": [{"pieces": [list(piece) for piece in pieces], "hash": hash_of(pieces).hex()} for pieces in FILES],
    }


def hash_of(pieces: tuple[tuple[int, int], ...]) -> bytes:
    """The hash of a file of such pieces."""
    data = b"".join(bytes([byte]) * count for byte, count in pieces)
    hashed = FileHash()
    for at in range(0, len(data), MAX_FILE_BLOCK):
        hashed.block(data[at : at + MAX_FILE_BLOCK])
    return hashed.digest()
