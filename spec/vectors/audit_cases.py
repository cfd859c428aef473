"""Vectors of audit logs: entries and their lines, trees and their proofs, heads (spec 14)."""

from __future__ import annotations

import json
from typing import Any

from avl_protocol.audit.chain import Chain
from avl_protocol.audit.entry import Entry, encode, link, to_line
from avl_protocol.audit.head import TreeHead
from avl_protocol.audit.merkle import Tree, leaf_hash
from avl_protocol.crypto.identity import Identity
from spec.vectors.notation import drawn

WALL_MS = 1_800_000_000_000
KEY = Identity(drawn("audit log", 32))

EVENTS: tuple[tuple[str, dict[str, object]], ...] = (
    ("log_begun", {"software": "avl", "program": "relay"}),
    ("signed_in", {"person": "cGVyc29u", "login": "zoë", "how": "passkey", "address": "192.0.2.7"}),
    ("device_changed", {"device": "ABCD", "what": "enrolled", "by": "cGVyc29u"}),
    ("session_began", {"session": "c2Vzc2lvbg", "device": "ABCD", "verified": True, "permissions": 131_071}),
    ("setting_changed", {"setting": "features.audio", "before": "\u202eoff", "after": '"on"\n'}),
    ("session_ended", {"session": "c2Vzc2lvbg", "device": "ABCD", "why": "no_error", "seconds": 59}),
    ("host_left", {"device": "ABCD"}),
)


def _chain() -> tuple[Chain, list[Entry]]:
    chain, entries = Chain(), []
    for number, (kind, said) in enumerate(EVENTS):

        def salt(size: int, number: int = number) -> bytes:
            return drawn(f"salt/{number}", size)

        entries.append(chain.append(kind, said, now_ms=WALL_MS + 1000 * number, entropy=salt))
    return chain, entries


def _head(head: TreeHead) -> dict[str, Any]:
    return dict(head.to_dict())


def _broken_lines(line: str) -> list[dict[str, str]]:
    read = json.loads(line)

    def changed(**fields: Any) -> str:
        return json.dumps({**read, **fields}, ensure_ascii=False, separators=(",", ":"))

    opened = {**read["opened"], "login": [read["opened"]["login"][0], "mallory"]}
    return [
        {"why": "another text than is committed to", "line": changed(opened=opened)},
        {"why": "a text that nothing commits to", "line": changed(opened={**read["opened"], "name": [None, "x"]})},
        {"why": "a field too many", "line": changed(more=1)},
        {"why": "a field too few", "line": json.dumps({k: v for k, v in read.items() if k != "kind"})},
        {"why": "a name that comes twice", "line": line.replace('"kind":', '"kind":"signed_out","kind":', 1)},
        {"why": "a name of the event that comes twice", "line": line.replace('"how":', '"how":"totp","how":', 1)},
        {"why": "names in another order", "line": json.dumps({k: read[k] for k in reversed(read)})},
        {"why": "a fraction", "line": changed(seq=1.5)},
        {"why": "a number below 0", "line": changed(event={**read["event"], "count": -1})},
        {"why": "no value", "line": changed(event={**read["event"], "count": None})},
        {"why": "a list", "line": changed(event={**read["event"], "count": [1]})},
        {"why": "prev that is too short", "line": changed(prev="00")},
        {"why": "not an object", "line": "[]"},
        {"why": "more behind it", "line": line + "{}"},
        {"why": "no JSON", "line": line[:-1]},
    ]


def _trees() -> list[dict[str, Any]]:
    tree = Tree()
    leaves = [leaf_hash(drawn(f"leaf/{number}", 8)) for number in range(17)]
    made = []
    for leaf in leaves:
        tree.append(leaf)
    for size in (1, 2, 3, 4, 7, 8, 11, 16, 17):
        made.append(
            {
                "size": size,
                "root": tree.root(size).hex(),
                "inclusion": [
                    {"index": index, "proof": [one.hex() for one in tree.inclusion(index, size)]}
                    for index in sorted({0, size // 2, size - 1})
                ],
                "consistency": [
                    {
                        "old": old,
                        "root": tree.root(old).hex(),
                        "proof": [one.hex() for one in tree.consistency(old, size)],
                    }
                    for old in sorted({0, 1, size // 2, (size + 1) // 2, max(1, size - 1), size})
                ],
            }
        )
    return made


def audits() -> dict[str, Any]:
    """All of it."""
    chain, entries = _chain()
    head = chain.head(KEY, WALL_MS + 60_000)
    signature = bytes.fromhex(head.to_dict()["signature"])  # type: ignore[arg-type]
    earlier = TreeHead(3, chain.tree.root(3), entries[3].prev, WALL_MS, KEY.public, b"")
    forked = Chain()
    for entry in entries[:2]:
        forked.add(entry)
    for number in range(5):
        forked.append("host_left", {"device": f"F{number}"}, now_ms=WALL_MS, entropy=lambda size: bytes(size))
    return {
        "entries": [
            {
                "line": to_line(entry),
                "bytes": encode(entry).hex(),
                "link": link(encode(entry)).hex(),
                "leaf": leaf_hash(encode(entry)).hex(),
            }
            for entry in entries
        ],
        "invalid": _broken_lines(to_line(entries[1])),
        "leaves": [leaf_hash(drawn(f"leaf/{number}", 8)).hex() for number in range(17)],
        "trees": _trees(),
        "head": _head(head),
        "forged": [
            {"why": "another size", "head": {**_head(head), "size": 6}},
            {"why": "another root", "head": {**_head(head), "root": head.chain.hex()}},
            {"why": "another time", "head": {**_head(head), "time_ms": head.time_ms + 1}},
            {"why": "another key", "head": {**_head(head), "key": Identity(drawn("other", 32)).public.hex()}},
            {
                "why": "a signature changed",
                "head": {**_head(head), "signature": bytes((signature[0] ^ 1, *signature[1:])).hex()},
            },
        ],
        "kept": {"size": earlier.size, "root": earlier.root.hex()},
        "proof": [one.hex() for one in chain.tree.consistency(3, 7)],
        "fork": {
            "head": _head(forked.head(KEY, WALL_MS + 60_000)),
            "proof": [one.hex() for one in forked.tree.consistency(3, 7)],
        },
    }
