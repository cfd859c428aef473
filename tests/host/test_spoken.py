"""What the person at the host is told, in every language."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from avl_host.presence import question, scene
from avl_host.presence.notices import Notice
from avl_host.presence.question import Question, Span, lines, meaning
from avl_host.presence.scene import Onlooker
from avl_host.presence.spoken import LANGUAGES, catalogue, language_of, placeholders, say, speak
from avl_protocol.wire.registry import ControlMode, Permission
from tests.architecture.tree import ROOT

#: Letters that there is room for: a button of the indicator's, one of the dialog's, what a switch means.
BUTTONS = {"give": 6, "endAll": 9, "take": 13, "letAct": 13, "deny": 11, "allow": 11}
SWITCH, LINE = 21, 51


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    speak(request.param)
    yield request.param
    speak("en")


def test_every_language_has_the_same_words_with_the_same_placeholders() -> None:
    english = catalogue("en")
    for one in LANGUAGES:
        words = catalogue(one)
        assert {key: placeholders(text) for key, text in words.items()} == {
            key: placeholders(text) for key, text in english.items()
        }
        assert all(text.isprintable() and text.strip() == text and text for text in words.values())
    assert sum(catalogue("de")[key] == text for key, text in english.items()) < 3


def test_every_word_that_is_used_is_there_and_every_word_that_is_there_is_used() -> None:
    source = "".join(path.read_text("utf-8") for path in (ROOT / "host" / "avl_host").rglob("*.py"))
    used = set(re.findall(r"""["']((?:[a-z]+\.[a-zA-Z_]+)|deny|allow|give|take|letAct|endAll)["']""", source))
    used |= {f"may.{str(one.name).lower()}" for one in Permission} | {f"for.{one.name.lower()}" for one in Span}
    assert set(catalogue("en")) <= used
    called = set(re.findall(r"""\bsay\(\s*["']([^"']+)["']""", source))
    assert called and called <= set(catalogue("en"))


def test_every_word_fits_where_it_stands(language: str) -> None:
    assert all(len(say(key)) <= most for key, most in BUTTONS.items())
    assert all(len(meaning(one)) <= SWITCH for one in Permission) and all(len(one.words) <= SWITCH for one in Span)
    assert len(say("seen.count", n=999)) <= 23, "the heading ends before the first button"
    wish = Permission.VIEW | Permission.KEYBOARD
    asked = Question(device="D" * 34, claimed="n" * 99, wish=wish, verified="", delegated=True, seconds=5400)
    assert all(len(line) <= LINE for line in lines(asked)), lines(asked)
    for mode in ControlMode:
        for one in (Onlooker(number=1, name="n", acts=True), Onlooker(number=1, name="n", here=False)):
            assert len(scene.words(one, mode)) <= 22


def test_a_person_is_told_in_their_language() -> None:
    speak("de")
    try:
        left = Notice(what="ended", device="D", name="Ann", verified=False, acts=False, asked=False)
        assert left.sentence == '"Ann" (ungeprüft) ist gegangen.'
        assert question.span(7200) == "2 Stunden"
    finally:
        speak("en")
    assert question.span(7200) == "2 hours"


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "de_AT.UTF-8"}, "de"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "pt_BR"}, "pt"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "C"}, "en"),
        ({"LANG": "fr_FR.UTF-8", "LANGUAGE": "fr:pt_PT:de"}, "pt"),
        ({"LANG": "C.UTF-8", "LANGUAGE": "de"}, "en"),
        ({"LANG": "xx"}, "en"),
    ],
)
def test_the_language_is_that_of_the_environment(environment: dict[str, str], language: str) -> None:
    assert language_of(environment) == language
