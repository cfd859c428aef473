"""Logs that can be proved (spec 14): whatever is done to one is seen by who has kept a head of it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from avl_protocol.audit.chain import Chain
from avl_protocol.audit.compare import compare, session_name
from avl_protocol.audit.entry import BadEntry, Entry, Opened, decode, encode, from_line, to_line
from avl_protocol.audit.events import KINDS, NotLogged, Secret, checked
from avl_protocol.audit.head import head_of
from avl_protocol.audit.merkle import EMPTY, Tree, leaf_hash, node_hash, verify_consistency, verify_inclusion
from avl_protocol.audit.verify import Fault, Place, follow, verify_head, verify_heads, verify_lines
from avl_protocol.audit.witness import MOST_LOGS, Verdict, Witness
from avl_protocol.crypto.identity import Identity
from tests.protocol.audit_log import KEY, NOW_MS, chain_of, chained, lines, salts, shown, tampered, written

COUNT = 300


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, word for word."""
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(naive_root(leaves[:split]), naive_root(leaves[split:]))


def test_a_tree_and_its_proofs_are_those_of_the_rfc() -> None:
    leaves = [leaf_hash(bytes([number])) for number in range(40)]
    tree = Tree()
    assert tree.root() == EMPTY
    for leaf in leaves:
        tree.append(leaf)
    for size in range(len(leaves) + 1):
        root = naive_root(leaves[:size])
        assert tree.root(size) == root
        for index in range(size):
            proof = tree.inclusion(index, size)
            assert verify_inclusion(index, size, leaves[index], proof, root)
            assert not verify_inclusion(index, size, leaves[index - 1] if index else EMPTY, proof, root)
            assert not verify_inclusion(index, size, leaves[index], (*proof, EMPTY), root)
            assert not proof or not verify_inclusion(index, size, leaves[index], proof[:-1], root)
        for old in range(size + 1):
            proof, before = tree.consistency(old, size), naive_root(leaves[:old])
            assert verify_consistency(old, before, size, root, proof)
            assert not verify_consistency(old, before, size, root, (*proof, EMPTY))
            assert not proof or not verify_consistency(old, before, size, root, proof[:-1])
            assert old == 0 or not verify_consistency(old, EMPTY, size, root, proof)
            assert old in (0, size) or not verify_consistency(old, before, size, EMPTY, proof)
    with pytest.raises(ValueError, match="41"):
        tree.root(41)
    with pytest.raises(ValueError, match="from 5 to 41"):
        tree.consistency(5, 41)


def test_an_entry_is_the_same_as_bytes_and_as_a_line() -> None:
    _, entries = written(20)
    for entry in entries:
        assert from_line(to_line(entry)) == entry
        assert decode(encode(entry)) == replace(entry, opened={})
    began = json.loads(to_line(entries[0]))
    assert began["event"]["way"] == "relay" and began["opened"]["address"][1] == "192.0.2.0"


def test_what_could_name_a_person_can_be_removed_and_shortened_without_breaking_anything() -> None:
    chain, entries = written(10)
    head = chain.head(KEY, NOW_MS)
    without = [replace(one, opened={}) for one in entries]
    shortened = [replace(one, opened={name: Opened("192.0.2.0/24", None) for name in one.opened}) for one in entries]
    for changed in (without, shortened):
        verify_head(verify_lines(lines(changed)), head)
    assert without[0].said()["address"] is None and shortened[0].text("address") == "192.0.2.0/24"
    assert b"192.0.2" not in b"".join(lines(without))
    salt = entries[0].opened["address"].salt
    with pytest.raises(Fault, match="address is not what the entry commits to"):
        verify_lines(lines([replace(entries[0], opened={"address": Opened("192.0.2.9", salt)})]))


def test_what_is_done_to_a_log_without_more_is_found_at_its_exact_place() -> None:
    _, entries = written(COUNT)
    raw = lines(entries)
    for at in (0, 1, COUNT // 2, COUNT - 2):
        byte = sum(map(len, raw[:at]))
        edited = [*raw[:at], raw[at].replace(b"session_", b"sessiom_"), *raw[at + 1 :]]
        with pytest.raises(Fault) as fault:  # what follows does not fit to it
            verify_lines(edited, "log")
        assert fault.value.seq == at + 1
        assert fault.value.place == Place("log", at + 2, byte + len(edited[at]))
        deleted = [*raw[:at], *raw[at + 1 :]]
        with pytest.raises(Fault) as fault:
            verify_lines(deleted, "log")
        assert (fault.value.seq, fault.value.place) == (at, Place("log", at + 1, byte))
        inserted = [*raw[:at], raw[at], *raw[at:]]
        with pytest.raises(Fault) as fault:
            verify_lines(inserted, "log")
        assert fault.value.place is not None and fault.value.place.line == at + 2
        broken = [*raw[:at], raw[at][:40] + b"\n", *raw[at + 1 :]]
        halved = [*raw[:at], raw[at].replace(b'"kind":"', b'"kind":"\\ud800'), *raw[at + 1 :]]
        with pytest.raises(Fault, match="half a character") as fault:
            verify_lines(halved, "log")
        assert fault.value.place == Place("log", at + 1, byte)
        with pytest.raises(Fault, match="no line of JSON") as fault:
            verify_lines(broken, "log")
        assert str(fault.value.place) == f"log, line {at + 1} (byte {byte})"


def test_whatever_its_keeper_does_is_seen_by_a_client_with_one_earlier_head() -> None:
    """The keeper makes the log right in itself again, and proofs of what it then has."""
    _, entries = written(COUNT)
    for size in (1, COUNT // 3, COUNT - 1, COUNT):
        kept = chain_of(entries[:size]).head(KEY, NOW_MS)
        assert shown(kept, chain_of(entries)).verdict is Verdict.NEXT
        for at in {0, size // 2, size - 1}:
            for what, other in tampered(entries, at):
                heard = shown(kept, chain_of(other))
                expected = Verdict.OLDER if len(other) < size else Verdict.FORKED
                assert heard.verdict is expected, (what, at, size)
                with pytest.raises(Fault):
                    verify_head(chain_of(other), kept)


def test_what_comes_after_the_head_that_was_kept_is_another_client_s_to_see() -> None:
    _, entries = written(50)
    kept = chain_of(entries[:30]).head(KEY, NOW_MS)
    other = chained([*entries[:40], *entries[41:]], 40)
    assert shown(kept, chain_of(other)).verdict is Verdict.NEXT
    later = chain_of(entries[:45]).head(KEY, NOW_MS)
    assert shown(later, chain_of(other)).verdict is Verdict.FORKED
    with pytest.raises(Fault, match="the first 30 are"):
        verify_heads(chain_of(other), [later, kept])


def test_heads_are_signed_by_the_log_s_key_alone() -> None:
    chain, _ = written(5)
    head = chain.head(KEY, NOW_MS)
    assert head.genuine and head_of(head.to_dict()) == head
    for changed in (
        {"size": 4},
        {"root": EMPTY},
        {"chain": EMPTY},
        {"time_ms": 1},
        {"key": Identity(b"o" * 32).public},
        {"signature": bytes(64)},
        {"root": b""},
        {"size": -1},
    ):
        forged = replace(head, **changed)
        assert not forged.genuine
        assert Witness().hear(forged, ()).verdict is Verdict.FORGED
    told = head.to_dict()
    broken: list[object] = [{}, [], {**told, "more": 1}, {**told, "size": "5"}, {**told, "root": 5}]
    for read in broken:
        with pytest.raises(ValueError):
            head_of(read)


def test_a_witness_keeps_the_newest_head_and_both_of_a_contradiction_across_restarts() -> None:
    chain, entries = written(40)
    early = chain_of(entries[:10]).head(KEY, NOW_MS)
    witness = Witness()
    assert witness.hear(early, ()).verdict is Verdict.FIRST
    witness = Witness(bytes(witness))
    assert witness.kept(KEY.public) == early
    late = chain.head(KEY, NOW_MS + 1)
    assert witness.hear(late, chain.tree.consistency(10, 40)).verdict is Verdict.NEXT
    heard = witness.hear(early, ())
    assert heard.verdict is Verdict.OLDER and "had 40" in str(heard)
    forked, _ = written(50, "other")
    heard = witness.hear(forked.head(KEY, NOW_MS + 2), forked.tree.consistency(40, 50))
    assert heard.verdict is Verdict.FORKED and "first 40 entries" in str(heard)
    witness = Witness(bytes(witness))
    assert witness.kept(KEY.public) == late, "what was once seen is not forgotten for another"
    ((one, other),) = witness.evidence
    assert one.genuine and other.genuine and one != other
    for number in range(MOST_LOGS + 5):
        witness.hear(chain.head(Identity(number.to_bytes(32, "big")), NOW_MS), ())
    assert witness.kept(KEY.public) is None, "as many logs as there is room for"
    for broken in (b"", b"[]", b"{}", b'{"heads": [1], "evidence": []}'):
        with pytest.raises(ValueError):
            Witness(broken)


def test_dropped_entries_leave_their_hashes_and_every_proof_with_them() -> None:
    chain, entries = written(COUNT)
    early = chain_of(entries[:50]).head(KEY, NOW_MS)
    left = Chain()
    left.drop(chain.tree.leaf(number) for number in range(120))
    with pytest.raises(BadEntry, match="nothing is left"):
        left.end  # noqa: B018
    follow(left, [line.rstrip() for line in lines(entries[120:])], "log")
    assert left.tree.root() == chain.tree.root()
    verify_head(left, early)
    other = Chain()
    other.drop(chain.tree.leaf(number) for number in range(120))
    with pytest.raises(Fault):  # another entry where the dropped ones end
        follow(other, [line.rstrip() for line in lines(chained(entries)[121:])], "log")


def test_a_log_takes_listed_kinds_and_fields_alone() -> None:
    entropy = salts()
    for kind, said in (
        ("password", {}),
        ("signed_in", {"password": "x"}),
        ("signed_in", {"person": Secret("canary")}),
        ("signed_in", {"login": Secret("canary")}),
        ("signed_in", {"how": "With Spaces"}),
        ("signed_in", {"person": "a\nb"}),
        ("session_ended", {"seconds": -1}),
        ("session_ended", {"seconds": 1.5}),
        ("session_ended", {"seconds": True}),
        ("session_began", {"verified": 1}),
        ("signed_in", {"login": b"bytes"}),
    ):
        with pytest.raises(NotLogged) as refused:
            checked(kind, said, entropy)
        assert "canary" not in str(refused.value)
    assert checked("signed_in", {"login": "", "person": None, "how": "totp"}, entropy).event == (("how", "totp"),)
    assert set(KINDS["log_begun"]) == {"software", "program"}


def test_a_stranger_s_text_is_cut_and_never_refused() -> None:
    chain, entropy = Chain(), salts()
    for name in ("x" * 10_000, "\ud800", '"\n\u202e\x00', "ä" * 128):
        entry = chain.append("signed_in", {"login": name, "how": "password"}, now_ms=NOW_MS, entropy=entropy)
        assert len(entry.text("login")) <= 128
        assert from_line(to_line(entry).encode()) == entry


def test_secrets_show_themselves_nowhere() -> None:
    secret = Secret("canary")
    assert f"{secret} {secret!r} {secret:>10} {[secret]}".count("canary") == 0
    assert secret.reveal() == "canary" and secret == Secret("canary") and len({secret, Secret("canary")}) == 1


def test_a_session_that_one_of_two_logs_lacks_is_found() -> None:
    minute, device, entropy = 60_000, "ABCD", salts()

    def entries(sessions: list[tuple[str, int, str]]) -> list[Entry]:
        chain = Chain()
        made = [chain.append("log_begun", {}, now_ms=NOW_MS, entropy=entropy)]
        for name, minutes, way in sessions:
            said = {"session": name, "device": device, "way": way}
            made.append(chain.append("session_began", said, now_ms=NOW_MS + minutes * minute, entropy=entropy))
        made.append(chain.append("host_left", {}, now_ms=NOW_MS + 120 * minute, entropy=entropy))
        return made

    both = [("a", 10, "relay"), ("b", 20, "relay"), ("c", 30, "relay")]
    host = [*both, ("d", 40, "direct")]
    assert compare(entries(both), entries(host), device) == []
    missing = compare(entries([both[0], both[2]]), entries(host), device)
    assert [(one.session, one.lacks) for one in missing] == [("b", "relay")]
    assert str(missing[0]) == "session b is in the host's log and not in the relay's"
    missing = compare(entries(both), entries(host[1:]), device)
    assert [(one.session, one.lacks) for one in missing] == [("a", "host")]
    edges = compare(entries([*both, ("e", 1, "relay"), ("f", 118, "relay")]), entries(host), device)
    assert edges == [], "what both logs do not cover"
    assert compare(entries([*both, ("z", 50, "relay")]), entries(host), "OTHER") != []
    assert len(session_name(b"s" * 16)) == 22
