"""Spoken: what the person at the host is told, in their language, from one catalogue (words/*.json).

`say("deny")` is the sentence of that key; `{name}` in it is a placeholder, and what fills it is text. The language is
the process's, as its locale is: English until `speak` says another.
"""

from __future__ import annotations

import json
import string
from collections.abc import Mapping
from importlib.resources import files

#: Languages that there are words in.
LANGUAGES = ("en", "de", "pt")
_FOLDER = files("avl_host.presence") / "words"


def catalogue(language: str) -> dict[str, str]:
    """All sentences of a language, by their keys."""
    return dict(json.loads((_FOLDER / f"{language}.json").read_text("utf-8")))


def language_of(environment: Mapping[str, str]) -> str:
    """The language of an environment (POSIX.1-2017, 8.2), English where there are no words in it. GNU's LANGUAGE comes
    first, as it does for gettext, unless the locale is C."""
    locale = next((environment[one] for one in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(one)), "C")
    wished = [] if locale.partition(".")[0] in ("C", "POSIX") else environment.get("LANGUAGE", "").split(":")
    asked = [one.partition(".")[0].partition("_")[0].lower() for one in [*wished, locale]]
    return next((one for one in asked if one in LANGUAGES), "en")


class _Spoken:
    """The language of this process."""

    def __init__(self) -> None:
        self.words = catalogue("en")


_NOW = _Spoken()


def speak(language: str) -> None:
    """Say everything in this language from now on."""
    _NOW.words = catalogue(language)


def say(key: str, /, **values: str | int) -> str:
    """The sentence of a key."""
    return _NOW.words[key].format(**values)


def placeholders(sentence: str) -> set[str]:
    """What has to fill a sentence."""
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}
