"""avl cp and avl ls: what arguments mean, what is asked and told; and that both work on a host in between (spec 15)."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from avl_protocol.files.entries import Entry
from avl_protocol.files.job import Question
from avl_protocol.files.tree import FileTrouble
from avl_protocol.wire.registry import FileKind, FileReason
from avl_viewer import cli
from avl_viewer.commands import copying
from avl_viewer.commands.copying import Asking, Place, direction, left_out, listed_line, place_of, root_line
from avl_viewer.files import Copied, FilesError, Listed, local_destination, local_sources

GOOD = "avl://127.0.0.1:4433/RF71-58KF-NH60-W0PZ-REJK-Z420-N06K"
TARGET = "avl://relay.example:4433/ABCD-EFGH?pin=x-_9"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f"{TARGET}:a/b:c", Place(TARGET, "a/b:c")),
        (f"{TARGET}:", Place(TARGET, "")),
        (TARGET, Place(TARGET, "")),
        ("avl://[::1]:4433/ABCD:~/x", Place("avl://[::1]:4433/ABCD", "~/x")),
        ("lab:/home/x", Place("lab", "/home/x")),
        ("lab:", Place("lab", "")),
        ("./lab:x", Place("", "./lab:x")),
        ("/a:b", Place("", "/a:b")),
        ("file", Place("", "file")),
    ],
)
def test_a_place_is_at_a_host_or_here(text: str, place: Place) -> None:
    assert place_of(text) == place


def test_a_drive_of_windows_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert place_of("C:file") == Place("", "C:file") and place_of("C:\\a") == Place("", "C:\\a")


def test_one_side_is_a_host_s_and_the_other_is_ours() -> None:
    assert direction(["a", "b"], "lab:x") == ("lab", ["a", "b"], "x", True)
    assert direction(["lab:a", "lab:b"], "here") == ("lab", ["a", "b"], "here", False)
    for sources, to in ((["a"], "b"), (["lab:a"], "lab:b"), (["lab:a", "b"], "c"), (["lab:a", "den:b"], "c")):
        with pytest.raises(ValueError, match="one side is a host's"):
            direction(sources, to)
    result = CliRunner().invoke(cli.app, ["cp", "a", "b"])
    assert result.exit_code == cli.USAGE and "one side is a host's" in result.stderr
    assert CliRunner().invoke(cli.app, ["ls", "here"]).exit_code == cli.USAGE


def question(path: str) -> Question:
    return Question(Entry(0, FileKind.FILE, path, 5), 7, 1_000_000)


def test_a_person_is_asked_until_they_say_what_holds_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["y", "n", "", "all"])
    monkeypatch.setattr(Asking, "_answer", lambda self, question: next(answers))

    async def main() -> list[bool]:
        asking = Asking()
        return [await asking.ask(question(str(number))) for number in range(6)]

    assert asyncio.run(main()) == [True, False, False, True, True, True]


def test_what_is_asked_is_fit_for_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", type("Typed", (), {"readline": staticmethod(lambda: "YES\n")}))
    assert Asking()._answer(question("evil\x1b[2J")) == "yes"
    assert "\x1b" not in capsys.readouterr().err


def test_what_was_left_out_is_told_with_the_option_that_helps() -> None:
    told: list[str] = []
    left = (("a", FileReason.EXISTS), ("b", FileReason.IS_A_FOLDER), *((str(n), FileReason.BUSY) for n in range(30)))
    left_out(Copied(1, 1, left, 32), told.append)
    assert "--overwrite" in told[0] and "(-r)" in told[1] and told[-1] == "and 12 more" and len(told) == 21


def test_lines_of_a_listing() -> None:
    file = Listed("a", FileKind.FILE, 12, 0.0, 0o640)
    assert listed_line(file, False) == "a" and listed_line(file, True).startswith("-rw-r-----             12 1970-01-0")
    assert listed_line(Listed("d", FileKind.FOLDER, 0, 0.0, 0o755), False) == "d/"
    assert listed_line(Listed("l", FileKind.LINK, 0, 0.0, 0, "to"), False) == "l -> to"
    assert root_line(Listed("/x", FileKind.FOLDER, 9, 0.0, 2)) == "/x (write, at most 9 bytes)"
    assert copying.as_json(file)["kind"] == "file"


def test_a_link_that_is_named_is_followed_and_what_has_no_name_is_told(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"x")
    (tmp_path / "link").symlink_to("real")
    (source,) = local_sources([tmp_path / "link"])
    assert source.called == "link" and source.names == ("real",) and source.exists
    with pytest.raises(FileNotFoundError):
        local_sources([tmp_path / "missing"])
    with pytest.raises(ValueError, match="no name"):
        local_sources([Path("/")])


def test_where_something_goes_here(tmp_path: Path) -> None:
    assert local_destination(str(tmp_path), False).renamed == ""
    assert local_destination(str(tmp_path / "new"), True).renamed == "new"
    for to, single in ((tmp_path / "new", False), (tmp_path / "no/new", True), (f"{tmp_path}/new/", True)):
        with pytest.raises(FileTrouble):
            local_destination(str(to), single)


def test_files_that_came_to_nothing_are_one_line_and_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        async def __aenter__(self) -> Any:
            raise FilesError(FileReason.NO_SPACE, "big")

        async def __aexit__(self, *_: object) -> None:
            return

    monkeypatch.setattr("avl_viewer.api.connect", lambda *_, **__: Refusing())
    result = CliRunner().invoke(cli.app, ["cp", "a", f"{GOOD}:", "--code", "c"])
    assert result.exit_code == cli.FAILED and "big: There is not enough free space" in result.stderr
