"""Logs for tests of audit, and what somebody who may rewrite one can do to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256

from avl_protocol.audit.chain import Chain
from avl_protocol.audit.entry import Entry, encode, link, to_line
from avl_protocol.audit.head import TreeHead
from avl_protocol.audit.witness import Heard, Witness
from avl_protocol.crypto.identity import Identity

KEY = Identity(b"k" * 32)
NOW_MS = 1_800_000_000_000


def salts() -> Callable[[int], bytes]:
    """Entropy that is the same on every run."""
    drawn = 0

    def draw(size: int) -> bytes:
        nonlocal drawn
        drawn += 1
        return sha256(drawn.to_bytes(8, "big")).digest()[:size]

    return draw


def written(count: int, label: str = "s") -> tuple[Chain, list[Entry]]:
    """A log of `count` entries of several kinds."""
    chain, entropy, entries = Chain(), salts(), []
    for number in range(count):
        session = {"session": f"{label}{number // 2}", "device": "ABCDEFGHIJKLMNOPQRSTUVWXYZ23"}
        if number % 2:
            kind, said = "session_ended", {**session, "why": "no_error", "seconds": number}
        else:
            kind, said = "session_began", {**session, "way": "relay", "address": f"192.0.2.{number % 250}"}
        entries.append(chain.append(kind, said, now_ms=NOW_MS + number, entropy=entropy))
    return chain, entries


def lines(entries: Sequence[Entry]) -> list[bytes]:
    """As they are in a file."""
    return [to_line(entry).encode() + b"\n" for entry in entries]


def chained(entries: Sequence[Entry], start: int = 0) -> list[Entry]:
    """The same events as a log that is right in itself: what somebody makes of it who can write all of it. Entries
    before `start` are taken as they are."""
    made = list(entries[:start])
    prev = link(encode(made[-1])) if made else bytes(32)
    for seq, entry in enumerate(entries[start:], start):
        one = replace(entry, seq=seq, prev=prev)
        prev = link(encode(one))
        made.append(one)
    return made


def tampered(entries: list[Entry], at: int) -> Iterator[tuple[str, list[Entry]]]:
    """Each way to change a log at an entry, made to be right in itself again."""
    edited = [(name, value if name != "session" else "another") for name, value in entries[at].event]
    yield "edit", chained([*entries[:at], replace(entries[at], event=tuple(edited)), *entries[at + 1 :]], at)
    yield (
        "edit of the time",
        chained([*entries[:at], replace(entries[at], time_ms=entries[at].time_ms + 1), *entries[at + 1 :]], at),
    )
    yield "delete", chained([*entries[:at], *entries[at + 1 :]], at)
    yield "insert", chained([*entries[:at], replace(entries[at], kind="host_left"), *entries[at:]], at)
    yield "truncate", entries[:at]
    yield "fork", chained([*entries[:at], *(replace(one, kind="alarm") for one in entries[at:])], at)


def chain_of(entries: Sequence[Entry]) -> Chain:
    """What a log that is right in itself comes to."""
    chain = Chain()
    for entry in entries:
        chain.add(entry)
    return chain


def shown(kept: TreeHead, chain: Chain) -> Heard:
    """What a client with one earlier head says of a log whose keeper does its best."""
    witness = Witness()
    witness.hear(kept, ())
    head = chain.head(KEY, NOW_MS)
    proof = chain.tree.consistency(kept.size, chain.size) if chain.size >= kept.size else ()
    return witness.hear(head, proof)
