"""Nothing that a stranger chose reaches a terminal, a window, a log or a page but through the functions for it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.tree import SHIPPED, files

#: Calls that make text fit to be shown; JSON escapes what it holds.
FIT = {"for_terminal", "for_dialog", "for_log", "dumps"}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
#: Where an event's texts go through `for_log` in one place, for every event.
FITTED_LOG = "relay/avl_relay/relay.py"
#: What hands a clipboard to a file or a pipe, byte for byte; the command makes what a terminal gets fit before.
WHOLE = "viewer/avl_viewer/commands/clipping.py"
#: Modules whose labels show text as it is, and the only one that may make a label.
LABELS = "viewer/avl_viewer/present/label.py"
MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|setHTML|srcdoc|createContextualFragment"
    r"|\beval\(|new Function"
)


def name_of(call: ast.Call) -> str:
    """`echo` of `typer.echo(...)`."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def owner_of(call: ast.Call) -> str:
    """`typer` of `typer.echo(...)`, `self._log` of `self._log.info(...)`."""
    return ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""


def fit(value: ast.expr) -> bool:
    """Whether a value is ours, or was made fit."""
    if isinstance(value, ast.Constant) or (isinstance(value, ast.Name) and value.id.isupper()):
        return True
    return any(isinstance(part, ast.Call) and name_of(part) in FIT for part in ast.walk(value))


def unfit(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, call) of everything that is shown as it came."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name, owner = name_of(node), owner_of(node)
        shown = node.args
        if (owner, name) in {("", "print"), ("typer", "echo"), ("sys.stdout", "write"), ("sys.stderr", "write")}:
            pass
        elif name in LEVELS and ("log" in owner.lower()):
            shown = node.args[1:] + [keyword.value for keyword in node.keywords if keyword.arg is None]
        elif name == "add_row" or (name == "Text" and owner == "") or name == "setWindowTitle":
            pass
        else:
            continue
        if not all(fit(value) for value in shown):
            yield node.lineno, ast.unparse(node)


def test_what_is_shown_was_made_fit() -> None:
    found = [
        f"{name}:{line} {call}"
        for name, path in files(SHIPPED, ".py")
        if name not in (FITTED_LOG, WHOLE)
        for line, call in unfit(ast.parse(path.read_text("utf-8")))
    ]
    assert not found


def test_qt_guesses_nowhere_whether_text_is_markup() -> None:
    found = [
        name
        for name, path in files(SHIPPED, ".py")
        if name != LABELS and re.search(r"\bQLabel\(|setHtml|RichText|AutoText|QMessageBox", path.read_text("utf-8"))
    ]
    assert not found


def test_the_page_makes_no_markup_of_text() -> None:
    assert not [name for name, path in files(SHIPPED, ".js", ".html") if MARKUP.search(path.read_text("utf-8"))]


@pytest.mark.parametrize(
    "source",
    [
        "print(name)",
        "typer.echo(text, nl=False)",
        "typer.echo(f'{text}')",
        "sys.stdout.write(text)",
        "log.warning('%s', name)",
        "self._log.info('event', **about)",
        "table.add_row(*row)",
        "table.add_row(Text(name))",
        "window.setWindowTitle(name)",
    ],
)
def test_what_is_shown_as_it_came_is_found(source: str) -> None:
    assert list(unfit(ast.parse(source)))


@pytest.mark.parametrize(
    "source",
    [
        "typer.echo(for_terminal(text), err=True)",
        "typer.echo(json.dumps(figures))",
        "typer.echo(for_terminal(text) if sys.stdout.isatty() else text, nl=False)",
        "log.warning('longer than %d bytes', MAX_CLIPBOARD_TEXT)",
        "log.error('%s', for_log(name))",
        "table.add_row(*(Text(for_terminal(cell)) for cell in row))",
    ],
)
def test_what_was_made_fit_is_let_through(source: str) -> None:
    assert not list(unfit(ast.parse(source)))
