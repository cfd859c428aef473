"""The browser client mirrors the protocol file for file, so that one set of vectors holds both to account."""

from __future__ import annotations

from tests.architecture.tree import ROOT

ROOMS = ("wire", "crypto", "media", "rights", "audit")
#: Modules without a namesake on the other side, each with the reason.
ONLY_PYTHON = {
    "audit/chain": "only programs write logs",
    "audit/compare": "who has both logs has a command line",
    "audit/events": "only who writes a log checks what gets into it",
    "audit/exchange": "only hosts and relays have sessions to compare",
    "audit/limits": "only programs write logs",
    "audit/verify": "files of a log are verified where they lie",
    "crypto/attempts": "only a host counts guesses at its codes",
    "media/cache": "only a relay keeps objects to repair them for others",
    "media/frame": "only a host makes frames; the browser's values of a preamble are in media/preamble.js",
    "media/packetizer": "a browser sends no media",
    "wire/codec": "wire/messages.js reads and writes by the registry's tables: an object needs no class to become",
    "wire/endtoend": "wire/messages.js, likewise",
    "wire/onethread": "a page has one thread",
    "wire/keys": "input/keys.js holds what a browser needs of it; names of keys are typed on a command line",
}
#: What a browser needs of a hop's rate: it says what arrived. The rest of that room is for who sends media.
ANSWERING = {"rate/collector", "rate/hop"}
ONLY_JAVASCRIPT = {
    "audit/hex": "what Python's bytes have built in",
    "crypto/webcrypto": "where Python calls its cryptography library",
    "wire/bytes": "what Python's bytes have built in",
    "wire/frames": "the mirror of websocket/frames: in a browser the carrier is one file beside the other's",
}


def modules(base: str, suffix: str, rooms: tuple[str, ...] = ROOMS) -> set[str]:
    """`room/module` of every module in these rooms."""
    return {
        f"{room}/{path.stem}"
        for room in rooms
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


def test_of_a_hop_s_rate_a_browser_has_the_answering_half() -> None:
    assert modules("viewer/avl_viewer/web", ".js", ("rate",)) == ANSWERING
    assert modules("protocol/avl_protocol", ".py", ("rate",)) > ANSWERING
