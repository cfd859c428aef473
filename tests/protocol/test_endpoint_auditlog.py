"""An audit log in its folder: crashes, faults, full disks, what is dropped and shortened."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from avl_protocol.audit.entry import from_line
from avl_protocol.audit.head import TreeHead
from avl_protocol.audit.merkle import verify_consistency
from avl_protocol.audit.verify import Fault
from avl_protocol.endpoint.loop.world import system_world
from avl_protocol.endpoint.program import auditlog, auditwriter
from avl_protocol.endpoint.program.auditfiles import (
    HEAD,
    Wanted,
    droppable,
    dropped_leaves,
    entries_of,
    exported,
    read_head,
    search,
    segments_of,
    verify_folder,
)
from avl_protocol.endpoint.program.auditlog import AuditLog, shorten, shortened
from avl_protocol.endpoint.program.auditwriter import Writer
from tests.protocol.audit_log import KEY, NOW_MS, salts

DAY = 24 * 3_600_000


def opened(folder: Path, now_ms: int = NOW_MS) -> AuditLog:
    folder.mkdir(mode=0o700, exist_ok=True)
    log = AuditLog(folder, KEY, entropy=salts(), program="relay", software="test")
    log.open(now_ms)
    return log


def filled(folder: Path, count: int, now_ms: int = NOW_MS) -> AuditLog:
    log = opened(folder, now_ms)
    for number in range(count):
        said = {"person": f"p{number % 3}", "login": "ada", "how": "totp", "address": f"192.0.2.{number}"}
        log.append("signed_in", said, now_ms + number)
    return log


def signed(log: AuditLog, now_ms: int = NOW_MS) -> TreeHead | None:
    log.sync(now_ms)
    return log.head


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(auditlog, "SEGMENT", 10)
    yield 10


def test_a_log_goes_on_after_a_restart(tmp_path: Path, small: int) -> None:
    log = filled(tmp_path / "a", 35)
    log.close(NOW_MS)
    assert [first for first, _ in segments_of(tmp_path / "a")] == [0, 10, 20, 30]
    again = opened(tmp_path / "a")
    assert again.fault is None and again.size == 37
    assert [entry.kind for entry in entries_of(tmp_path / "a")][-1] == "log_resumed"
    assert all(file.stat().st_mode & 0o077 == 0 for file in (tmp_path / "a").iterdir())
    again.close(NOW_MS)
    assert verify_folder(tmp_path / "a", KEY.public).size == 37


def test_a_crash_in_the_middle_of_a_line_costs_that_line(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    log = filled(folder, 20)
    signed(log)
    log.append("host_left", {"device": "A"}, NOW_MS)
    assert log.flush()
    ((_, file),) = segments_of(folder)
    whole, head = file.read_bytes(), (folder / HEAD).read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    for cut in (last + 1, last + 30, len(whole) - 1):
        file.write_bytes(whole[:cut])
        (folder / HEAD).write_bytes(head)
        again = opened(folder)
        assert again.fault is None and again.size == 22
        resumed = list(entries_of(folder))[-1]
        assert (resumed.kind, resumed.text("lost_bytes")) == ("log_resumed", str(cut - last))
        verify_folder(folder, KEY.public)


def test_a_log_that_was_changed_is_read_only_and_says_where(tmp_path: Path, small: int) -> None:
    folder = tmp_path / "a"
    filled(folder, 35).close(NOW_MS)
    whole = {file: file.read_bytes() for _, file in segments_of(folder)}
    second = segments_of(folder)[1][1]
    lines = whole[second].splitlines(keepends=True)
    for changed, place in (
        ([*lines[:3], lines[3].replace(b"totp", b"tots"), *lines[4:]], f"{second}, line 5"),
        ([*lines[:3], *lines[4:]], f"{second}, line 4"),
        ([*lines[:3], b"\n", *lines[3:]], f"{second}, line 4"),
        (lines[:5], f"{segments_of(folder)[2][1]}, line 1"),
    ):
        second.write_bytes(b"".join(changed))
        log = opened(folder)
        assert log.fault is not None and place in str(log.fault) and place in log.trouble
        size = [file.stat().st_size for _, file in segments_of(folder)]
        assert log.append("host_left", {"device": "A"}, NOW_MS) is None and signed(log) is None
        log.close(NOW_MS)
        assert [file.stat().st_size for _, file in segments_of(folder)] == size, "nothing was written"
        second.write_bytes(whole[second])
    last = segments_of(folder)[-1][1]
    last.write_bytes(b"".join(whole[last].splitlines(keepends=True)[:-1]))
    assert "1 entries are missing at the end" in opened(folder).trouble
    last.unlink()
    assert "6 entries are missing at the end" in opened(folder).trouble
    last.write_bytes(whole[last])
    (folder / HEAD).write_text("{}")
    assert "head can't be read" in opened(folder).trouble
    assert read_lines_are_whole(folder)


def read_lines_are_whole(folder: Path) -> bool:
    return all(from_line(line) for _, file in segments_of(folder) for line in file.read_bytes().splitlines())


def test_a_disk_that_is_full_loses_what_there_is_no_memory_for_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a"
    log = filled(folder, 5)
    head = signed(log)
    assert log.trouble == "" and head is not None

    def full(file: int, data: bytes) -> int:
        if len(data) > 40:
            return real(file, bytes(data[:40]))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    real = os.write
    monkeypatch.setattr(os, "write", full)
    log.append("host_left", {"device": "A"}, NOW_MS)
    assert not log.sync(NOW_MS) and "No space left" in log.trouble
    assert signed(log) == head, "what the disk does not hold is not signed"
    monkeypatch.setattr(auditlog, "MOST_WAITING", 0)
    assert log.append("host_left", {"device": "B"}, NOW_MS) is None
    monkeypatch.setattr(auditlog, "MOST_WAITING", 1 << 20)
    monkeypatch.setattr(os, "write", real)
    log.append("host_left", {"device": "C"}, NOW_MS)
    assert log.sync(NOW_MS) and log.trouble == ""
    kinds = [(entry.kind, entry.text("device") or entry.text("count")) for entry in entries_of(folder)][-3:]
    assert kinds == [("host_left", "A"), ("events_lost", "1"), ("host_left", "C")]
    log.close(NOW_MS)
    verify_folder(folder, KEY.public)


def test_what_is_dropped_can_still_be_proved(tmp_path: Path, small: int) -> None:
    folder = tmp_path / "a"
    log = filled(folder, 25)
    early = signed(log)
    assert early is not None
    for number in range(20):
        log.append("host_left", {"device": "A"}, NOW_MS + 40 * DAY + number)
    assert log.drop(droppable(folder, NOW_MS - DAY), NOW_MS + 40 * DAY) == 0
    assert log.drop(droppable(folder, NOW_MS + 10 * DAY), NOW_MS + 40 * DAY) == 26
    assert len(dropped_leaves(folder)) == 26 and segments_of(folder)[0][0] == 26
    dropped = [entry for entry in entries_of(folder) if entry.kind == "entries_dropped"]
    assert [one.text("before") for one in dropped] == ["26"]
    late = signed(log, NOW_MS + 41 * DAY)
    assert late is not None
    proof = log.consistency(early.size, late.size)
    assert verify_consistency(early.size, early.root, late.size, late.root, proof)
    log.close(NOW_MS)
    assert verify_folder(folder, KEY.public, [early]).size == log.size
    again = opened(folder, NOW_MS + 41 * DAY)
    assert again.fault is None and again.size == log.size + 1
    (folder / f"{0:012d}.jsonl").write_bytes(b"left by a crash\n")
    assert opened(folder, NOW_MS + 41 * DAY).fault is None and segments_of(folder)[0][0] == 26
    changed = bytearray((folder / "dropped.leaves").read_bytes())
    changed[100] ^= 1
    (folder / "dropped.leaves").write_bytes(changed)
    assert opened(folder).fault is not None


def test_addresses_are_shortened_and_people_forgotten_without_breaking_the_log(tmp_path: Path, small: int) -> None:
    folder = tmp_path / "a"
    log = filled(folder, 25)
    head = signed(log)
    assert head is not None
    assert shorten(folder, NOW_MS + 5) == 5
    texts = [entry.text("address") for entry in entries_of(folder) if entry.kind == "signed_in"]
    assert texts[:6] == ["192.0.2.0/24"] * 5 + ["192.0.2.5"]
    assert shorten(folder, NOW_MS + 5) == 0
    assert log.forget("p1", NOW_MS) == 8
    named = [entry for entry in entries_of(folder) if entry.text("person") == "p1" and entry.kind == "signed_in"]
    assert {entry.text("login") for entry in named} == {""} and len(named) == 8
    log.append("host_left", {"device": "A"}, NOW_MS)
    log.close(NOW_MS)
    verify_folder(folder, KEY.public, [head])
    assert opened(folder).fault is None
    assert [shortened(one) for one in ("2001:db8:1:2::3", "fe80::1%eth0", "x", "")] == [
        "2001:db8:1::/48",
        "fe80::/48",
        "",
        "",
    ]


async def test_a_person_is_forgotten_while_the_log_is_written(
    tmp_path: Path, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditwriter, "GROWN", 1)
    folder, said = tmp_path / "a", list[str]()
    filled(folder, 25).close(NOW_MS)
    made = AuditLog(folder, KEY, entropy=salts(), program="test", software="test")
    world = system_world()
    writer = Writer(made, clock=world.clock, faults=world.faults, report=said.append)
    writer.start()
    writer.record("sign_in_refused", {"login": "U1", "how": "password", "address": "192.0.2.1"}, NOW_MS)
    writer.record("signed_in", {"person": "p1", "login": "u1", "how": "password", "address": "192.0.2.1"}, NOW_MS)
    while made.head is None or made.head.size < 28:
        await asyncio.sleep(0.01)
    head = made.head
    writer.forget("p1")
    writer.record("signed_in", {"person": "p2", "login": "u2", "how": "password", "address": "192.0.2.2"}, NOW_MS)
    while not any(entry.kind == "personal_removed" for entry in entries_of(folder)):
        await asyncio.sleep(0.01)
    await writer.close()
    entries = list(entries_of(folder))
    assert all(not entry.opened for entry in entries if "p1" in (entry.text("person"), entry.text("by")))
    assert all(not entry.opened for entry in entries if entry.kind == "sign_in_refused")
    assert [entry.text("login") for entry in entries if entry.text("person") == "p2"][-1] == "u2"
    assert "".join(file.read_text() for _, file in segments_of(folder)).lower().count('"u1"') == 0
    verify_folder(folder, KEY.public, [head])
    assert not said


def test_a_log_is_searched_newest_first_page_by_page_and_exported(tmp_path: Path, small: int) -> None:
    folder = tmp_path / "a"
    log = filled(folder, 35)
    log.append("setting_changed", {"setting": "x", "after": '=cmd|"\n\u202eÄrger'}, NOW_MS)
    log.append("alarm", {"alarm": "x", "why": "-1+1"}, NOW_MS)
    log.sync(NOW_MS)
    seqs: list[int] = []
    before: int | None = None
    while True:
        found, before = search(folder, Wanted(person="p2"), limit=4, before=before)
        seqs += [one.seq for one in found]
        if before is None:
            break
    assert seqs == sorted(seqs, reverse=True) and len(seqs) == 11
    for wanted, count in (
        (Wanted(kind="alarm"), 1),
        (Wanted(text="äRGER"), 1),
        (Wanted(text="192.0.2.7"), 1),
        (Wanted(since_ms=NOW_MS + 10, until_ms=NOW_MS + 12), 2),
        (Wanted(device="A"), 0),
        (Wanted(session="A"), 0),
    ):
        assert len(search(folder, wanted, limit=100)[0]) == count
    lines = list(exported(folder, Wanted(), "jsonl"))
    assert [json.loads(line)["seq"] for line in lines] == list(range(38))
    rows = list(exported(folder, Wanted(kind="alarm"), "csv"))
    assert rows[0] == "seq,time,kind,what\r\n" and rows[1].startswith("37,2027-01-15T08:00:00.000+00:00,alarm,")
    assert read_head(folder) is not None
    with pytest.raises(Fault, match="another key"):
        log.close(NOW_MS)
        verify_folder(folder, b"o" * 32)
