"""Transfers from tree to tree: every byte once, whatever is there already and whatever goes wrong (spec 15, 15.4)."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import groupby

import pytest

from avl_protocol.files.memory import MemoryTree, MemoryWriter
from avl_protocol.files.names import WINDOWS
from avl_protocol.wire.endtoend import (
    FileAnswer,
    FileBegin,
    FileCredit,
    FileData,
    FileDone,
    FileFail,
    FileList,
    FileMessage,
    FileOffer,
    FileStart,
    FileStop,
)
from avl_protocol.wire.registry import MAX_FILE_BLOCK, MAX_FILE_OFFERS, MAX_FILE_WINDOW, FileOverwrite, FileReason
from tests.protocol.files.joined import Joined

BLOCK = MAX_FILE_BLOCK
DONE = (FileReason.DONE, FileReason.DONE)


def content(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)


def some_tree() -> MemoryTree:
    tree = MemoryTree()
    tree.put("a/empty")
    tree.put("a/small", b"hello", modified_us=5_000_000, mode=0o600)
    tree.put("a/b/block", content(1, BLOCK))
    tree.put("a/b/more", content(2, 3 * BLOCK + 7))
    tree.put("a/b/zeros", bytes(2 * BLOCK) + content(3, 10) + bytes(3 * BLOCK))
    tree.put("a/b/nothing but zeros", bytes(5 * BLOCK))
    tree.put("Zoë 漢字 👩‍💻", b"content")
    tree.make_folder(("a", "hollow"))
    tree.make_link(("a", "link"), "b/block")
    return tree


def sent(joined: Joined) -> int:
    return sum(len(message.data) for message in joined.said if isinstance(message, FileData))


def test_a_tree_arrives_whole_with_times_modes_links_and_empty_folders() -> None:
    source, target = some_tree(), MemoryTree()
    joined = Joined(source, target).run()
    assert joined.over() == DONE
    assert target.files == source.files and not target.parts
    assert target.nodes[("a", "small")].found.modified_us == 5_000_000 and target.nodes[("a", "small")].mode == 0o600
    assert target.nodes[("a", "link")].link == "b/block"
    assert ("a", "hollow") in target.nodes
    assert joined.sender.tally.files == joined.receiver.tally.done == joined.sender.tally.done == 7
    assert joined.sender.tally.passed == joined.receiver.tally.passed == joined.sender.tally.size


def test_blocks_of_zeros_do_not_travel() -> None:
    source = MemoryTree()
    source.put("zeros", bytes(40 * BLOCK))
    joined = Joined(source, target := MemoryTree()).run()
    assert (target.files == source.files and sent(joined) == 0) or sent(joined) == BLOCK


def test_what_is_there_already_is_compared_and_not_sent_again() -> None:
    source, target = some_tree(), MemoryTree()
    Joined(source, target).run()
    again = Joined(source, target, overwrite=FileOverwrite.NEVER).run()
    assert again.over() == DONE and sent(again) == 0 and not again.left(again.receiver)
    assert again.sender.tally.done == 7 and again.sender.tally.passed == again.sender.tally.size


def test_what_only_seems_to_be_there_is_another_file() -> None:
    source, target = MemoryTree(), MemoryTree()
    source.put("a", b"one")
    target.put("a", b"two")
    left = Joined(source, target, overwrite=FileOverwrite.NEVER).run()
    assert left.left(left.sender) == left.left(left.receiver) == {"a": FileReason.EXISTS} and target.get("a") == b"two"
    assert Joined(source, target, overwrite=FileOverwrite.ALWAYS).run().over() == DONE
    assert target.get("a") == b"one"


@pytest.mark.parametrize(
    ("overwrite", "older", "newer"),
    [
        (FileOverwrite.NEVER, b"there", b"there"),
        (FileOverwrite.NEWER, b"there", b"offered"),
        (FileOverwrite.ALWAYS, b"offered", b"offered"),
    ],
)
def test_what_is_there_is_replaced_as_was_said_and_never_else(
    overwrite: FileOverwrite, older: bytes, newer: bytes
) -> None:
    for modified_us, expected in ((1, older), (9_000_000, newer)):
        source, target = MemoryTree(), MemoryTree()
        source.put("a", b"offered", modified_us=modified_us)
        target.put("a", b"there", modified_us=2_000_000)
        joined = Joined(source, target, overwrite=overwrite).run()
        assert joined.over() == DONE and target.get("a") == expected
        assert joined.left(joined.sender) == ({} if expected == b"offered" else {"a": FileReason.EXISTS})


@pytest.mark.parametrize("here", [True, False])
@pytest.mark.parametrize("replace_it", [True, False])
def test_a_person_is_asked_at_the_viewer_whichever_end_that_is(here: bool, replace_it: bool) -> None:
    source, target = MemoryTree(), MemoryTree()
    source.put("a", b"offered", modified_us=5)
    source.put("b", b"other")
    target.put("a", b"there", modified_us=7)
    joined = Joined(source, target, here=here).run()
    asks = joined.receiver if here else joined.sender
    (question,) = joined.questions(asks)
    assert (question.entry.path, question.size, question.modified_us) == ("a", 5, 7)
    assert target.get("b") == b"other", "the others do not wait"
    assert joined.over() == (None, None)
    asks.decide(question.entry.number, replace_it)
    joined.run()
    assert joined.over() == DONE and target.get("a") == (b"offered" if replace_it else b"there")


def test_what_is_no_file_is_never_replaced_and_folders_are_joined() -> None:
    source, target = MemoryTree(), MemoryTree()
    source.put("a/file", b"x")
    source.put("folder/x", b"y")
    source.put("c", b"c")
    source.make_link(("d",), "a")
    target.put("a/other", b"kept")
    target.put("folder", b"a file")
    target.put("c/x", b"a folder")
    target.put("d", b"a file")
    joined = Joined(source, target, overwrite=FileOverwrite.ALWAYS).run()
    assert joined.over() == DONE
    assert target.files == {"a/file": b"x", "a/other": b"kept", "folder": b"a file", "c/x": b"a folder", "d": b"a file"}
    assert joined.left(joined.sender)["c"] is FileReason.EXISTS


def cut_after(joined: Joined, size: int) -> None:
    """The way and both programs are lost once so many bytes have been sent."""
    while sent(joined) < size and joined.step():
        pass
    for job in joined.sender, joined.receiver:
        job.stop(FileReason.FAILED, told=False)
        while (task := job.next_task()) is not None:
            job.task_done(task(), joined.now)


def test_a_transfer_that_was_cut_off_goes_on_where_it_was() -> None:
    source, target = MemoryTree(), MemoryTree()
    source.put("big", content(5, 20 * BLOCK + 3))
    cut = Joined(source, target)
    cut_after(cut, 9 * BLOCK)
    assert target.files == {} and target.parts
    again = Joined(source, target).run()
    assert target.files == source.files and not target.parts
    assert any(isinstance(message, FileStart) for message in again.said)
    assert sent(cut) + sent(again) <= 24 * BLOCK
    assert again.receiver.tally.passed == again.sender.tally.passed == 20 * BLOCK + 3


def test_what_has_become_another_file_meanwhile_begins_anew() -> None:
    source, target = MemoryTree(), MemoryTree()
    source.put("big", content(5, 20 * BLOCK))
    cut_after(Joined(source, target), 9 * BLOCK)
    source.put("big", content(6, 20 * BLOCK), modified_us=77)
    again = Joined(source, target).run()
    assert target.files == source.files and sent(again) == 20 * BLOCK


@pytest.mark.parametrize("seed", range(4))
def test_many_files_with_many_interruptions_arrive_once_each(seed: int) -> None:
    chance = random.Random(seed)
    source, target = MemoryTree(), MemoryTree()
    for number in range(60):
        size = chance.choice((0, 1, 500, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK))
        source.put(f"f{number % 7}/{number}", content(seed * 100 + number, size))
    whole = sum(map(len, source.files.values()))
    for _ in range(12):
        cut_after(Joined(source, target), chance.randrange(1, whole // 6))
    last = Joined(source, target, overwrite=FileOverwrite.NEVER).run()
    assert last.over() == DONE and target.files == source.files and not target.parts
    assert not last.left(last.sender)


def test_a_file_that_changes_while_it_is_read_is_left_out_and_the_others_are_not() -> None:
    source, target = MemoryTree(), MemoryTree()
    source.put("a", content(1, 40 * BLOCK))
    source.put("b", b"b")
    joined = Joined(source, target)
    while sent(joined) < 4 * BLOCK:
        joined.step()
    source.nodes[("a",)].modified_us += 1
    joined.run()
    assert joined.over() == DONE and target.files == {"b": b"b"}
    assert joined.left(joined.sender) == joined.left(joined.receiver) == {"a": FileReason.CHANGED}
    hashes = [message for message in joined.said if isinstance(message, FileData) and message.hash]
    assert [message.number for message in hashes] == [1]


def test_what_can_not_be_read_is_told_at_both_ends() -> None:
    source, target = MemoryTree(), MemoryTree()
    source.put("a", b"a")
    source.put("b", b"b")
    source.unreadable.add(("a",))
    joined = Joined(source, target, "a", "b", "missing").run()
    assert joined.over() == DONE and target.files == {"b": b"b"}
    told = {"a": FileReason.NO_ACCESS, "missing": FileReason.NOT_FOUND}
    assert joined.left(joined.sender) == joined.left(joined.receiver) == told


def test_a_folder_is_copied_where_that_was_said() -> None:
    source, target = some_tree(), MemoryTree()
    joined = Joined(source, target, "a", folders=False).run()
    assert joined.left(joined.sender) == {"a": FileReason.IS_A_FOLDER} and target.files == {}


def test_one_source_takes_the_name_that_was_given() -> None:
    source, target = MemoryTree(), MemoryTree()
    source.put("a/x", b"x")
    target.put("there/y", b"y")
    Joined(source, target, renamed="new", at=("there",)).run()
    assert target.files == {"there/y": b"y", "there/new/x": b"x"}


def test_space_is_looked_at_first_and_a_disk_that_fills_up_ends_the_transfer() -> None:
    source = MemoryTree()
    source.put("a", content(1, 20 * BLOCK))
    joined = Joined(source, MemoryTree(room=19 * BLOCK)).run()
    assert joined.over() == (FileReason.NO_SPACE, FileReason.NO_SPACE) and sent(joined) == 0
    target = MemoryTree(room=21 * BLOCK)
    joined = Joined(source, target)
    while sent(joined) < 4 * BLOCK:
        joined.step()
    target.room = 2 * BLOCK
    joined.run()
    assert joined.over() == (FileReason.NO_SPACE, FileReason.NO_SPACE)
    assert not target.files and target.parts and not any(node.busy for node in target.parts.values())
    target.room = 30 * BLOCK
    again = Joined(source, target).run()
    assert again.over() == DONE and sent(again) < 20 * BLOCK and target.files == source.files


@pytest.mark.parametrize("many", [3, 700], ids=["few", "more than are offered at a time"])
def test_what_is_there_from_before_needs_no_space_again(many: int) -> None:
    source, target = MemoryTree(), MemoryTree()
    for number in range(many):
        source.put(f"{number:04}", content(number, 1000))
    source.put("a/big", content(1, 20 * BLOCK))
    joined = Joined(source, target)
    while len(target.files) < many // 2 or sent(joined) < many * 1000 // 2:
        joined.step()
    joined.sender.stop(FileReason.FAILED)
    joined.run()
    size = sum(map(len, source.files.values()))
    there = sum(len(data) for data in target.files.values()) + sum(
        len(node.data) // BLOCK * BLOCK for node in target.parts.values()
    )
    assert there
    target.room = size - there
    again = Joined(source, target).run()
    assert again.over() == DONE and target.files == source.files


@pytest.mark.parametrize("many", [3, 700])
def test_what_does_not_fit_is_refused_before_anything_is_sent(many: int) -> None:
    source, target = MemoryTree(), MemoryTree(room=many * 1000 - 1)
    for number in range(many):
        source.put(f"{number:04}", content(number, 1000))
    joined = Joined(source, target).run()
    assert joined.over() == (FileReason.NO_SPACE, FileReason.NO_SPACE) and sent(joined) == 0
    source.put("0000", content(0, 1000))
    target.put("0000", content(0, 1000))
    joined = Joined(source, target).run()
    assert joined.over() == DONE and target.files == source.files, "one of them is there"


def test_a_transfer_that_fits_only_in_part_ends_when_that_shows() -> None:
    source, target = MemoryTree(), MemoryTree(room=600_000)
    for number in range(1000):
        source.put(f"{number:04}", content(number, 1000))
        if number < 10:
            target.put(f"{number:04}", content(number, 1000))
    joined = Joined(source, target).run()
    assert joined.over() == (FileReason.NO_SPACE, FileReason.NO_SPACE)
    target.room = 1 << 30
    assert Joined(source, target).run().over() == DONE and target.files == source.files


@pytest.mark.parametrize("reason", [FileReason.NO_SPACE, FileReason.QUOTA, FileReason.TOO_MANY])
@pytest.mark.parametrize("method", ["make_folder", "make_link", "open", "write", "finish"])
def test_what_no_other_file_would_escape_ends_the_transfer_and_is_gone_on_with(method: str, reason: FileReason) -> None:
    source, target = some_tree(), MemoryTree()
    target.refuses[method] = reason
    joined = Joined(source, target).run()
    assert joined.over() == (reason, reason)
    assert not any(node.busy for node in target.parts.values())
    target.refuses.clear()
    assert Joined(source, target).run().over() == DONE
    assert target.files == source.files and not target.parts


@pytest.mark.parametrize("reason", [FileReason.NO_ACCESS, FileReason.TOO_LARGE, FileReason.FAILED])
@pytest.mark.parametrize("method", ["open", "write", "finish"])
def test_what_concerns_one_file_leaves_that_out(method: str, reason: FileReason) -> None:
    source, target = some_tree(), MemoryTree()
    target.refuses[method] = reason
    joined = Joined(source, target).run()
    assert joined.over() == DONE and not any(target.files.values())
    assert set(joined.left(joined.sender).values()) == {reason}
    target.refuses.clear()
    assert Joined(source, target).run().over() == DONE and target.files == source.files


def test_small_files_are_on_their_way_to_the_disk_before_one_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = MemoryTree(), MemoryTree()
    for number in range(300):
        source.put(f"{number:03}", content(number, 100))
    done: list[str] = []
    finish = MemoryWriter.finish

    def waited(writer: MemoryWriter, mode: int, modified_us: int, replaces: tuple[int, ...] | None) -> None:
        done.append("is waited for")
        finish(writer, mode, modified_us, replaces)

    monkeypatch.setattr(MemoryWriter, "write_out", lambda writer: done.append("begins"))
    monkeypatch.setattr(MemoryWriter, "finish", waited)
    joined = Joined(source, target)
    ends = ((joined.sender, joined.receiver), (joined.receiver, joined.sender))
    while joined.over() != DONE:
        for job, other in ends:
            if (task := job.next_task()) is not None:
                job.task_done(task(), joined.now)
            while (message := job.next_message()) is not None:
                other.receive(message, joined.now)
    assert target.files == source.files
    turns = [len(list(run)) for _, run in groupby(done)]
    assert len(done) == 600 and len(turns) < 60, "many together"
    assert max(turns) <= 64, "and not without end: each is open until then"


def test_a_file_that_is_offered_twice_is_there_once() -> None:
    source, target = MemoryTree(), MemoryTree()
    source.put("one/a", b"first")
    source.put("two/a", b"second")
    joined = Joined(source, target, "one/a", "two/a", overwrite=FileOverwrite.NEVER).run()
    assert joined.over() == DONE and target.files == {"a": b"first"}
    assert joined.left(joined.sender) == {"a": FileReason.EXISTS}


def test_two_transfers_never_write_one_file() -> None:
    source, target = MemoryTree(), MemoryTree()
    source.put("a", content(1, 40 * BLOCK))
    first, second = Joined(source, target), Joined(source, target)
    while sent(first) < 4 * BLOCK:
        first.step()
    second.run()
    assert second.left(second.sender) == {"a": FileReason.BUSY}
    first.run()
    assert first.over() == DONE and target.files == source.files


def test_a_file_whose_sender_vanished_is_gone_on_with_by_who_comes_next() -> None:
    source, target = MemoryTree(), MemoryTree()
    source.put("a", content(1, 40 * BLOCK))
    source.put("b", b"b")
    first, second = Joined(source, target), Joined(source, target, "a", overwrite=FileOverwrite.NEVER)
    while sent(first) < 9 * BLOCK:
        first.step()
    first.receiver.rest()
    first.receiver.task_done(first.receiver.next_task()(), first.now)  # type: ignore[misc]
    second.run()
    assert second.over() == DONE and target.get("a") == source.get("a") and sent(second) < 40 * BLOCK
    first.run()  # its sender was only away
    assert first.over() == DONE and first.left(first.sender) == first.left(first.receiver) == {"a": FileReason.BUSY}
    assert target.files == source.files and not target.parts


def test_a_file_that_rested_is_gone_on_with_where_it_was_or_removed() -> None:
    source, target = MemoryTree(), MemoryTree()
    source.put("a", content(1, 40 * BLOCK))
    joined = Joined(source, target)
    for size in (4, 20):
        while sent(joined) < size * BLOCK:
            joined.step()
        joined.receiver.rest()
    joined.run()
    assert joined.over() == DONE and target.files == source.files and sent(joined) == 40 * BLOCK
    cancelled = Joined(source, MemoryTree())
    while sent(cancelled) < 4 * BLOCK:
        cancelled.step()
    cancelled.receiver.rest()
    cancelled.step()
    cancelled.sender.stop(FileReason.CANCELLED)
    cancelled.run()
    assert not cancelled.receiver._destination.tree.parts  # type: ignore[union-attr]


def test_what_is_half_written_at_the_sender_is_told() -> None:
    source, target = MemoryTree(), MemoryTree()
    source.put("a/x", b"x")
    source.put("a/.y.avl-part", b"y")
    joined = Joined(source, target).run()
    assert joined.over() == DONE and target.files == {"a/x": b"x"}
    assert joined.left(joined.sender) == joined.left(joined.receiver) == {"a/.y.avl-part": FileReason.BAD_NAME}


def test_a_file_that_appears_meanwhile_is_not_replaced() -> None:
    source, target = MemoryTree(), MemoryTree()
    source.put("a", content(1, 40 * BLOCK))
    joined = Joined(source, target)
    while sent(joined) < 4 * BLOCK:
        joined.step()
    target.put("a", b"somebody else's")
    joined.run()
    assert joined.left(joined.sender) == {"a": FileReason.EXISTS} and target.get("a") == b"somebody else's"


def test_what_was_damaged_is_discarded() -> None:
    source, target = MemoryTree(), MemoryTree()
    source.put("a", content(1, 3 * BLOCK))
    joined = Joined(source, target)

    def damage(from_sender: bool, message: FileMessage) -> FileMessage:
        if isinstance(message, FileData) and message.offset == BLOCK:
            return replace(message, data=content(9, BLOCK))
        return message

    joined.change = damage
    joined.run()
    assert joined.left(joined.sender) == joined.left(joined.receiver) == {"a": FileReason.DAMAGED}
    assert not target.files and not target.parts


def test_a_transfer_that_is_cancelled_leaves_nothing_half_written() -> None:
    source, target = MemoryTree(), MemoryTree()
    source.put("a", content(1, 40 * BLOCK))
    for stops in ("sender", "receiver"):
        joined = Joined(source, target)
        while sent(joined) < 4 * BLOCK:
            joined.step()
        (joined.sender if stops == "sender" else joined.receiver).stop(FileReason.CANCELLED)
        joined.run()
        assert joined.over() == (FileReason.CANCELLED, FileReason.CANCELLED) and not target.parts and not target.files


@pytest.mark.parametrize("pauses", ["sender", "receiver"])
def test_a_transfer_that_pauses_goes_on(pauses: str) -> None:
    source, target = MemoryTree(), MemoryTree()
    source.put("a", content(1, 40 * BLOCK))
    joined = Joined(source, target)
    while sent(joined) < 4 * BLOCK:
        joined.step()
    job = joined.sender if pauses == "sender" else joined.receiver
    job.pause(True)
    joined.run()
    assert joined.over() == (None, None) and sent(joined) < 14 * BLOCK
    job.pause(False)
    joined.run()
    assert joined.over() == DONE and target.files == source.files


def test_no_more_is_sent_than_was_allowed_and_no_more_offered() -> None:
    source, target = MemoryTree(), MemoryTree()
    for number in range(2000):
        source.put(f"{number}", b"x" * (number % 3))
    source.put("big", content(1, 60 * BLOCK))
    joined = Joined(source, target)
    allowed, came = 0, 0

    def watch(from_sender: bool, message: FileMessage) -> FileMessage:
        nonlocal allowed, came
        if isinstance(message, FileCredit):
            allowed = message.size
            assert allowed <= came + MAX_FILE_WINDOW
        if isinstance(message, FileData):
            came += len(message.data)
            assert came <= allowed
        return message

    joined.change = watch
    joined.run()
    assert joined.over() == DONE and target.files == source.files
    assert joined.most <= MAX_FILE_OFFERS


def test_case_clashes_and_names_of_windows_are_told() -> None:
    source, target = MemoryTree(), MemoryTree(WINDOWS)
    for name in ("readme", "README", "aux.txt", "what?", "end."):
        source.put(name, name.encode())
    joined = Joined(source, target).run()
    assert target.files in ({"readme": b"readme"}, {"README": b"README"})
    assert joined.left(joined.sender) == {
        next(name for name in ("readme", "README") if name not in target.files): FileReason.CLASH,
        "aux.txt": FileReason.BAD_NAME,
        "what?": FileReason.BAD_NAME,
        "end.": FileReason.BAD_NAME,
    }


@pytest.mark.parametrize(
    "path", ["../x", "a/../../x", "/etc/x", "a//b", "a/.", "a\0b", "a\nb", "x.avl-part", "", "y" * 256]
)
def test_paths_that_lead_elsewhere_are_left_out(path: str) -> None:
    source, target = MemoryTree(), MemoryTree()
    source.put("a", b"a")
    joined = Joined(source, target)

    def rename(from_sender: bool, message: FileMessage) -> FileMessage:
        if isinstance(message, FileOffer) and message.rows:
            return replace(message, rows=((*message.rows[0][:2], path, *message.rows[0][3:]),))
        return message

    joined.change = rename
    joined.run()
    assert joined.over() == DONE and not target.files and not target.parts
    assert joined.left(joined.sender) == {"a": FileReason.BAD_NAME}


@pytest.mark.parametrize("text", ["/etc/passwd", "../../x", "b/../../../x", "C:\\x", "..\\..\\x"])
def test_links_that_lead_out_are_left_out(text: str) -> None:
    source, target = MemoryTree(), MemoryTree()
    source.put("a/b", b"b")
    source.make_link(("a", "link"), text)
    joined = Joined(source, target).run()
    assert joined.left(joined.sender) == {"a/link": FileReason.BAD_LINK} and ("a", "link") not in target.nodes


def test_nothing_is_written_through_a_link() -> None:
    source, target = MemoryTree(), MemoryTree()
    source.put("a/b", b"b")
    target.put("elsewhere/x", b"x")
    target.make_link(("a",), "elsewhere")
    joined = Joined(source, target, overwrite=FileOverwrite.ALWAYS).run()
    assert target.files == {"elsewhere/x": b"x"}
    assert joined.left(joined.sender)["a/b"] is FileReason.LINK_ON_THE_WAY


WRONG: dict[str, tuple[bool, FileMessage]] = {
    "content nobody wanted": (True, FileData(1, 7, 0, b"x", bytes(32))),
    "content before an answer": (True, FileData(1, 0, 0, b"x", bytes(32))),
    "an offer out of turn": (True, FileOffer(1, ((9, 1, "x", 1, 1, 0, ""),))),
    "a row that is none": (True, FileOffer(1, ((0, 1, "x"),))),
    "a kind that is none": (True, FileOffer(1, ((0, 77, "x", 1, 1, 0, ""),))),
    "a size below nothing": (True, FileOffer(1, ((0, 1, "x", -1, 1, 0, ""),))),
    "counted twice": (True, FileBegin(1, 1, 1)),
    "what a receiver says": (True, FileDone(1, ((0, 0),))),
    "what no transfer knows": (True, FileList(1, "")),
    "an answer that is none": (False, FileAnswer(1, ((0, 1),))),
    "a verdict that is none": (False, FileAnswer(1, ((0, 77, 0, 0, b""),))),
    "a row of what was done that is none": (False, FileDone(1, ((0,),))),
    "what a sender says": (False, FileFail(1, 0, 1)),
}


@pytest.mark.parametrize("why", WRONG)
def test_who_does_not_keep_to_the_protocol_ends_the_job_alone(why: str) -> None:
    source = MemoryTree()
    source.put("a", content(1, BLOCK))
    joined = Joined(source, MemoryTree())
    while not any(isinstance(message, FileCredit) for message in joined.said):
        joined.step()
    from_sender, message = WRONG[why]
    job = joined.receiver if from_sender else joined.sender
    job.receive(message, joined.now)
    assert job.over is FileReason.BAD_REQUEST
    assert job.next_message() == FileStop(1, FileReason.BAD_REQUEST)
    joined.run()
