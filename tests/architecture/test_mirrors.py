"""The browser client mirrors the protocol file for file, so that one set of vectors holds both to account."""

from __future__ import annotations

from tests.architecture.tree import ROOT

ROOMS = ("wire", "crypto", "media")
#: Modules without a namesake on the other side, each with the reason.
ONLY_PYTHON: dict[str, str] = {}
ONLY_JAVASCRIPT: dict[str, str] = {}


def modules(base: str, suffix: str) -> set[str]:
    """`room/module` of every module in the mirrored rooms."""
    return {
        f"{room}/{path.stem}"
        for room in ROOMS
        for path in (ROOT / base / room).glob(f"*{suffix}")
        if path.stem != "__init__"
    }


def test_every_module_that_a_browser_needs_has_its_mirror() -> None:
    python, script = modules("protocol/avl_protocol", ".py"), modules("viewer/avl_viewer/web", ".js")
    assert sorted(python - script - set(ONLY_PYTHON)) == []
    assert sorted(script - python - set(ONLY_JAVASCRIPT)) == []


def test_every_exception_is_still_one() -> None:
    python, script = modules("protocol/avl_protocol", ".py"), modules("viewer/avl_viewer/web", ".js")
    assert sorted(set(ONLY_PYTHON) - (python - script)) == []
    assert sorted(set(ONLY_JAVASCRIPT) - (script - python)) == []
