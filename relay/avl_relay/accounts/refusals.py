"""Refusals: how signing in says no, in words that tell a guesser nothing."""

from __future__ import annotations


class Refusal(Exception):
    """Something is not done. `code` names a problem of the API (api/problems.py), `wait` are seconds to come back
    after; `error` is the name that OAuth has for it, where a program asks for tokens."""

    def __init__(self, code: str, text: str, *, wait: int = 0, error: str = "") -> None:
        super().__init__(text)
        self.code, self.text, self.wait, self.error = code, text, wait, error


def wrong() -> Refusal:
    """Whatever was wrong: whether a name is known is nobody's business."""
    return Refusal("credentials", "That is not right, or it has expired.")


def too_often(wait: int) -> Refusal:
    """Whether or not what was tried was right."""
    return Refusal("limited", "Too many tries that were not right. Wait, then try again.", wait=max(1, wait))


def busy() -> Refusal:
    """Too much to do just now."""
    return Refusal("unavailable", "Too many people sign in just now. Try again in a moment.", wait=2)


def again() -> Refusal:
    """A step-up is wanted."""
    return Refusal("step-up", "Give your second factor again: it has to be at most 5 minutes old.")
