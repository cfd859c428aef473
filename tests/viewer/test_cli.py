"""The command line: exit codes, one clear line on stderr, and results alone on stdout."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from avl_protocol.endpoint.loop import runtime
from avl_protocol.endpoint.program.state import StateError
from avl_protocol.wire import device_id
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import CLOSE_CODES, ClipboardState, CloseCode, ControlMode
from avl_viewer import api, cli
from avl_viewer.api import Screenshot
from avl_viewer.clipboard import format_not_given, not_given
from avl_viewer.present.company import Company, Person

TARGET = f"avl://127.0.0.1:4433/{device_id.to_text(12345)}"
Call = Callable[..., Result]


class FakeControl:
    """Bo has control, and gives it away when asked for it."""

    def __init__(self, calls: list[tuple[Any, ...]]) -> None:
        self._calls = calls
        self._company = Company(1, ControlMode.ONE, 2, 2, (Person(2, "Bo\x1b", True), Person(1, "Ada", True)))

    async def request(self, timeout: float) -> bool:
        self._calls.append(("request", timeout))
        return False

    async def release(self) -> None:
        self._calls.append(("release",))

    async def give(self, who: str | int) -> bool:
        self._calls.append(("give", who))
        return True

    async def known(self) -> Company:
        return self._company


class FakeDesktop:
    """Writes down what it is asked for."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.clipboard = self
        self.control = FakeControl(self.calls)
        self.text = "the host's clipboard"
        self.failure: Refused | None = None
        self.exact = True

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(*values: Any, **switches: bool) -> None:
            self.calls.append((name, *values, *(switch for switch, on in switches.items() if on)))

        return call

    async def get(self) -> str:
        if self.failure is not None:
            raise self.failure
        return self.text

    async def types(self) -> tuple[str, ...]:
        return ("image/png", "text/html") if self.text else ()

    async def read(self, type: str) -> bytes:
        if self.failure is not None:
            raise self.failure
        return b"\x89PNG\0\xff" if type == "image/png" else self.text.encode()

    async def screenshot(self, settle: float) -> Screenshot:
        self.calls.append(("screenshot", settle))
        return Screenshot(np.zeros((4, 6, 3), np.uint8), self.exact)

    def annotate(self, points: list[tuple[int, int]]) -> None:
        self.calls.append(("annotate", *points))

    async def watch(self, seconds: float) -> None:
        self.calls.append(("watch", seconds))

    def stats(self) -> dict[str, Any]:
        return {"fps": 60.0, "glass_to_glass_ms": {"p50": 20.0, "p95": 30.0}}


@pytest.fixture
def desktop(monkeypatch: pytest.MonkeyPatch) -> FakeDesktop:
    """What every command comes in to."""
    fake = FakeDesktop()

    @asynccontextmanager
    async def connect(target: Any, **settings: Any) -> AsyncIterator[FakeDesktop]:
        fake.calls.append(("connect", str(target), settings["code"], settings["timeout"]))
        yield fake

    monkeypatch.setattr(api, "connect", connect)
    return fake


@pytest.fixture
def avl(monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run the command in this process."""
    monkeypatch.delenv("AVL_CODE", raising=False)

    def call(*words: str, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(cli.app, list(words), input=stdin)

    return call


def fails(monkeypatch: pytest.MonkeyPatch, error: Exception | type[BaseException]) -> None:
    """Every connection ends so."""

    @asynccontextmanager
    async def connect(target: Any, **settings: Any) -> AsyncIterator[None]:
        raise error
        yield

    monkeypatch.setattr(api, "connect", connect)


@pytest.mark.parametrize("code", list(CloseCode), ids=lambda code: code.name)
def test_every_refusal_is_one_line_and_its_registered_exit_code(
    code: CloseCode, monkeypatch: pytest.MonkeyPatch, avl: Call
) -> None:
    fails(monkeypatch, Refused(code))
    result = avl("type", TARGET, "x", "--code", "c")
    assert result.exit_code == (CLOSE_CODES[code][1] or 1)
    assert result.stderr == f"avl: {CLOSE_CODES[code][2]}\n"
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("error", "status"),
    [(StateError("others can read the key"), 1), (OSError("disk full"), 1), (ValueError("no such key"), 2)],
)
def test_other_failures_are_one_line_too(
    error: Exception, status: int, monkeypatch: pytest.MonkeyPatch, avl: Call
) -> None:
    fails(monkeypatch, error)
    result = avl("press", TARGET, "enter", "--code", "c")
    assert result.exit_code == status
    assert result.stderr == f"avl: {error}\n" and "Traceback" not in result.output


def test_an_interruption_is_130(monkeypatch: pytest.MonkeyPatch, avl: Call) -> None:
    def interrupted(work: Any) -> None:
        work.close()
        raise KeyboardInterrupt

    monkeypatch.setattr(runtime, "run", interrupted)
    assert avl("type", TARGET, "x", "--code", "c").exit_code == 130


@pytest.mark.parametrize("target", ["nonsense", "avl://h/x", TARGET + "X", "avl://h:1/" + TARGET[-34:-1] + "0"])
def test_a_wrong_target_is_a_usage_error_that_says_what_to_write(target: str, avl: Call) -> None:
    result = avl("screenshot", target, "-o", "x.png", "--code", "c")
    assert result.exit_code == 2
    assert result.stderr.startswith("avl: ") and result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ("type", TARGET),
        ("click", TARGET, "1"),
        ("click", TARGET, "a", "b"),
        ("nosuch", TARGET),
        ("screenshot", TARGET),
        ("click", TARGET, "1", "1", "--count", "0"),
        ("stats", TARGET, "--seconds", "-1"),
    ],
    ids=lambda words: " ".join(words[:1] + words[2:]),
)
def test_wrong_arguments_are_usage_errors(words: tuple[str, ...], avl: Call) -> None:
    assert avl(*words, "--code", "c").exit_code == 2


def test_without_a_code_and_without_a_terminal_it_says_how_to_give_one(avl: Call) -> None:
    result = avl("type", TARGET, "x", stdin="")
    assert result.exit_code == 2
    assert "AVL_CODE" in result.stderr


def test_the_code_may_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, avl: Call, desktop: FakeDesktop
) -> None:
    monkeypatch.setenv("AVL_CODE", "SECRET")
    assert avl("type", TARGET, "x").exit_code == 0
    assert desktop.calls[0] == ("connect", TARGET, "SECRET", 10.0)


@pytest.mark.parametrize(
    ("words", "call"),
    [
        (("type", TARGET, "hello"), ("type", "hello")),
        (("press", TARGET, "ctrl+alt+t"), ("press", "ctrl+alt+t")),
        (("press", TARGET, "ctrl+w", "--place"), ("press", "ctrl+w", "place")),
        (("click", TARGET, "10", "20"), ("click", 10, 20, "left", 1)),
        (("click", TARGET, "10", "20", "--button", "right", "--count", "2"), ("click", 10, 20, "right", 2)),
        (("move", TARGET, "10", "20"), ("move", 10, 20)),
        (("drag", TARGET, "1", "2", "3", "4"), ("drag", 1, 2, 3, 4, "left")),
        (("scroll", TARGET, "0", "-2.5"), ("scroll", 0.0, -2.5)),
        (("clipboard", TARGET, "--set", "text"), ("set", "text")),
        (("annotate", TARGET, "1,2", "30,40"), ("annotate", (1, 2), (30, 40))),
    ],
    ids=lambda value: value[0],
)
def test_each_command_does_one_thing_and_prints_nothing(
    words: tuple[str, ...], call: tuple[Any, ...], avl: Call, desktop: FakeDesktop
) -> None:
    result = avl(*words, "--code", "c", "--timeout", "3")
    assert result.exit_code == 0 and result.output == ""
    assert desktop.calls == [("connect", TARGET, "c", 3.0), call]


@pytest.mark.parametrize(
    ("words", "call", "status"),
    [
        ((), [], 0),
        (("request",), [("request", 3.0)], 1),
        (("release",), [("release",)], 0),
        (("give", "2"), [("give", 2)], 0),
        (("give", "Bo"), [("give", "Bo")], 0),
    ],
)
def test_who_has_control_is_said_and_whether_it_was_had(
    words: tuple[str, ...], call: list[tuple[Any, ...]], status: int, avl: Call, desktop: FakeDesktop
) -> None:
    result = avl("control", TARGET, *words, "--code", "c", "--timeout", "3")
    assert result.exit_code == status and desktop.calls[1:] == call
    assert result.stdout.splitlines() == ["Bo\\x1b has control.", "  2 Bo\\x1b", "  1 Ada"]


@pytest.mark.parametrize(
    "words", [("control", "take"), ("control", "give"), ("control", "request", "Bo"), ("annotate", "1")]
)
def test_what_is_no_act_of_control_and_no_point_is_a_usage_error(words: tuple[str, ...], avl: Call) -> None:
    result = avl(words[0], TARGET, *words[1:], "--code", "c")
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1


def test_text_may_come_from_standard_input(avl: Call, desktop: FakeDesktop) -> None:
    assert avl("type", TARGET, "-", "--code", "c", stdin="from a file\n").exit_code == 0
    assert avl("clipboard", TARGET, "--set", "-", "--code", "c", stdin="clip").exit_code == 0
    assert ("type", "from a file\n") in desktop.calls and ("set", "clip") in desktop.calls


@pytest.mark.parametrize(
    ("text", "stdin", "said"),
    [
        ("a\x1bb", None, "character 2 can't be typed: U+001B"),
        ("a\udcffb", None, "TEXT is not UTF-8 text (byte 0xFF at position 1)"),
        ("-", "ok\x07", "character 3 can't be typed: U+0007"),
        ("-", b"ab\xe9\n", "standard input is not UTF-8 text (byte 0xE9 at position 2)"),
    ],
)
def test_what_cant_be_typed_is_a_usage_error_before_anything_is_sent(
    text: str, stdin: str | bytes | None, said: str, avl: Call, desktop: FakeDesktop
) -> None:
    result = avl("type", TARGET, text, "--code", "c", stdin=stdin)
    assert result.exit_code == 2 and said in result.output
    assert desktop.calls == []


def test_the_clipboard_is_printed_as_it_is(avl: Call, desktop: FakeDesktop) -> None:
    result = avl("clipboard", TARGET, "--code", "c")
    assert result.stdout == "the host's clipboard" and result.stderr == ""


HOSTILE = "one\n\x1b]0;owned\x07\u202e[red]two"


def test_a_terminal_is_shown_what_it_would_obey(
    avl: Call, desktop: FakeDesktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    desktop.text = HOSTILE
    assert avl("clipboard", TARGET, "--code", "c").stdout == HOSTILE, "a program gets every byte"
    reader, writer = os.openpty()
    monkeypatch.setattr(runtime, "run", lambda work: work.close() or HOSTILE)
    with open(writer, "w", encoding="utf-8") as terminal, monkeypatch.context() as patched:
        patched.setattr("sys.stdout", terminal)
        cli.clipboard(TARGET, code="c")
        terminal.flush()
        shown = os.read(reader, 4096).decode()
    os.close(reader)
    assert shown.replace("\r\n", "\n") == "one\n\\x1b]0;owned\\x07\\u202e[red]two"


def test_figures_in_a_stranger_s_words_are_neither_obeyed_nor_taken_for_markup(
    avl: Call, desktop: FakeDesktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeDesktop, "stats", lambda self: {"rate": {"reason": HOSTILE, "[bold]key": "[/]"}})
    shown = avl("stats", TARGET, "--code", "c", "--seconds", "0.1").stdout
    assert "\\x1b" in shown and "[red]" in shown and "[bold]key [/]" in shown
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    figures = avl("stats", TARGET, "--json", "--code", "c", "--seconds", "0.1").stdout
    assert figures.isascii() and json.loads(figures)["rate"]["reason"] == HOSTILE


def test_a_clipboard_without_text_says_which_of_three_things_it_is(avl: Call, desktop: FakeDesktop) -> None:
    desktop.text = ""
    result = avl("clipboard", TARGET, "--code", "c")
    assert (result.exit_code, result.stdout) == (0, "") and "is empty" in result.stderr
    said = set()
    for state, exit_code in (
        (ClipboardState.NOT_TEXT, 1),
        (ClipboardState.TOO_LARGE, 1),
        (ClipboardState.NO_ANSWER, 4),
    ):
        desktop.failure = not_given(state)
        result = avl("clipboard", TARGET, "--code", "c")
        assert (result.exit_code, result.stdout) == (exit_code, "")
        said.add(result.stderr)
    assert len(said) == 3


def test_the_clipboard_comes_and_goes_in_each_format(avl: Call, desktop: FakeDesktop, tmp_path: Path) -> None:
    assert avl("clipboard", TARGET, "--code", "c", "--types").stdout == "image/png\ntext/html\n"
    taken = avl("clipboard", TARGET, "--code", "c", "--type", "image/png")
    assert (taken.exit_code, taken.stdout_bytes) == (0, b"\x89PNG\0\xff")
    out = tmp_path / "out"
    assert avl("clipboard", TARGET, "--code", "c", "--type", "IMAGE/PNG", "--out", str(out)).output == ""
    assert out.read_bytes() == b"\x89PNG\0\xff"
    assert avl("clipboard", TARGET, "--code", "c", "--type", "text/plain").stdout == "the host's clipboard"
    both = ("--type", "image/png", "--in", str(out), "--type", "text", "--in", "-")
    assert avl("clipboard", TARGET, "--code", "c", *both, stdin="beside it").output == ""
    written = {"image/png": b"\x89PNG\0\xff", "text/plain;charset=utf-8": b"beside it"}
    assert desktop.calls[-1] == ("write", written)
    desktop.text = ""
    empty = avl("clipboard", TARGET, "--code", "c", "--types")
    assert (empty.exit_code, empty.stdout) == (0, "") and "is empty" in empty.stderr
    desktop.failure = format_not_given(ClipboardState.GONE)
    gone = avl("clipboard", TARGET, "--code", "c", "--type", "text/html")
    assert (gone.exit_code, gone.stdout) == (4, "") and "nothing in that format" in gone.stderr
    unwritable = ("clipboard", TARGET, "--code", "c", "--type", "image/png", "--out", str(tmp_path / "no" / "file"))
    desktop.failure = None
    assert avl(*unwritable).exit_code == cli.FAILED


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--types", "--set", "x"), 2, "give one of them"),
        (("--type", "application/pdf"), 2, "does not cross"),
        (("--type", "image/png", "--type", "text/html"), 2, "one --type can be read"),
        (("--in", "file"), 2, "needs the --type"),
        (("--type", "image/png", "--in", "-", "--type", "text/html", "--in", "-"), 2, "standard input holds one"),
        (("--type", "image/png", "--in", "/no/such/file"), 1, "/no/such/file"),
        (("--type", "text/plain", "--in", "-"), 2, "is not UTF-8 text"),
        (("--type", "image/png", "--in", "/dev/null"), 2, "is empty"),
    ],
)
def test_what_can_t_be_meant_of_the_clipboard_is_said_before_anything_is_sent(
    words: tuple[str, ...], status: int, said: str, avl: Call, desktop: FakeDesktop
) -> None:
    result = avl("clipboard", TARGET, "--code", "c", *words, stdin=b"\xff")
    assert result.exit_code == status and said in " ".join(result.output.split()) and desktop.calls == []


@pytest.mark.parametrize(
    "words", [("clipboard", TARGET, "--set", "-"), ("type", TARGET, "-")], ids=lambda words: words[0]
)
def test_standard_input_that_is_not_utf8_is_an_error_that_says_so(
    words: tuple[str, ...], avl: Call, desktop: FakeDesktop
) -> None:
    result = avl(*words, "--code", "c", stdin=b"caf\xe9\n")
    assert result.exit_code == cli.USAGE and "not UTF-8" in result.stderr and "0xE9 at position 3" in result.stderr
    assert [call for call in desktop.calls if call[0] != "connect"] == []


def test_a_screenshot_is_a_file(avl: Call, desktop: FakeDesktop, tmp_path: Path) -> None:
    file = tmp_path / "shot.png"
    assert avl("screenshot", TARGET, "-o", str(file), "--code", "c").exit_code == 0
    assert file.read_bytes().startswith(b"\x89PNG")
    assert ("screenshot", 5.0) in desktop.calls
    desktop.calls.clear()
    result = avl("screenshot", TARGET, "-o", str(tmp_path / "no" / "x.png"), "--settle", "0", "--code", "c")
    assert result.exit_code == 1 and result.stderr.count("\n") == 1
    assert f"no folder {tmp_path / 'no'}" in result.stderr and not desktop.calls, "said before it connects"


def test_a_screenshot_that_is_not_exact_is_written_and_said(avl: Call, desktop: FakeDesktop, tmp_path: Path) -> None:
    file = tmp_path / "shot.png"
    assert avl("screenshot", TARGET, "-o", str(file), "--code", "c").stderr == ""
    desktop.exact = False
    result = avl("screenshot", TARGET, "-o", str(file), "--settle", "2", "--code", "c")
    assert result.exit_code == 0 and file.read_bytes().startswith(b"\x89PNG")
    assert ("screenshot", 2.0) in desktop.calls
    assert "the picture is not exact" in result.stderr and "--settle" in result.stderr
    assert result.stderr.count("\n") == 1


def test_figures_are_json_when_asked_for(avl: Call, desktop: FakeDesktop) -> None:
    result = avl("stats", TARGET, "--seconds", "0.1", "--json", "--code", "c")
    assert json.loads(result.stdout) == desktop.stats()
    assert "fps" in avl("stats", TARGET, "--seconds", "0.1", "--code", "c").stdout


def test_figures_of_a_session_that_ended_meanwhile_are_a_failure(
    avl: Call, desktop: FakeDesktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def watch(self: FakeDesktop, seconds: float) -> None:
        raise Refused(CloseCode.DISPLAY_LOST)

    monkeypatch.setattr(FakeDesktop, "watch", watch, raising=False)
    result = avl("stats", TARGET, "--code", "c", "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"avl: {CLOSE_CODES[CloseCode.DISPLAY_LOST][2]}\n"


def test_a_window_without_a_display_says_what_to_do(avl: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    result = avl("view", TARGET, "--code", "c")
    assert result.exit_code == 1
    assert "DISPLAY" in result.stderr and result.stderr.count("\n") == 1
