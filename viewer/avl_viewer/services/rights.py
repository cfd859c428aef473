"""Rights: what the session may now and when it ends, as the host says, and what a person is told of it (spec 11,
11.6)."""

from __future__ import annotations

from collections.abc import Callable

from avl_protocol.session.services import Service
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.wire.endtoend import Rights
from avl_protocol.wire.registry import PERMISSION_WORDS, Permission, RightsReason
from avl_viewer.present.presenter import Presenter

#: What a person calls the permissions that this viewer has a use for.
_WORDS = {
    Permission.POINTER: "use the pointer",
    Permission.KEYBOARD: "type",
    Permission.CLIPBOARD_OUT: "read the clipboard",
    Permission.CLIPBOARD_IN: "set the clipboard",
    Permission.ANNOTATE: "draw",
    **{
        one: PERMISSION_WORDS[one]
        for one in (
            Permission.FILES_IN,
            Permission.FILES_OUT,
            Permission.AUDIO_OUT,
            Permission.AUDIO_IN,
            Permission.MONITORS,
        )
    },
}


class RightsService(Service[ViewerSession]):
    """Keeps what the host said last. `clock`: seconds, monotonic."""

    def __init__(self, presenter: Presenter, clock: Callable[[], float]) -> None:
        self._presenter = presenter
        self._clock = clock
        self._permissions = Permission(0)
        self._ends: float | None = None

    def left(self) -> float | None:
        """Seconds until the session ends; None where it need not."""
        return None if self._ends is None else max(0.0, self._ends - self._clock())

    def admitted(self, session: ViewerSession, now: float) -> None:
        """GRANT said what it may."""
        self._permissions, self._ends = session.permissions, None

    def told(self, rights: Rights, now: float) -> None:
        """The host says what it may from now on, and until when."""
        before, self._permissions = self._permissions, Permission(rights.permissions & sum(Permission))
        self._ends = now + rights.until / 1000 if rights.until else None
        said = changes(before, self._permissions)
        if rights.until and (rights.why == RightsReason.ENDING or (rights.why == RightsReason.CHANGED and not said)):
            said = f"This session ends in {span(rights.until / 1000)}."
        if said:
            self._presenter.remark(said)


def changes(before: Permission, after: Permission) -> str:
    """What a person is told when permissions change; "" where there is nothing to tell."""
    taken = [word for one, word in _WORDS.items() if one in before & ~after]
    given = [word for one, word in _WORDS.items() if one in after & ~before]
    sentences = [f"You may no longer {_listed(taken)}."] if taken else []
    sentences += [f"You may {_listed(given)} now."] if given else []
    return " ".join(sentences)


def span(seconds: float) -> str:
    """A time until an end, in words."""
    minutes = round(seconds / 60)
    if seconds < 59.5:
        return f"{max(1, round(seconds))} seconds"
    if minutes < 120:
        return f"{minutes} minute{'s' if minutes > 1 else ''}"
    return f"{round(minutes / 60)} hours"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
