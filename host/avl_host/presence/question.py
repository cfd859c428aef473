"""Question: what a person at the host is asked about a viewer, and in which words.

Words that the viewer chose stand apart from what is known of it, so that no name can pass for a verified one.
"""

from __future__ import annotations

from dataclasses import dataclass

from avl_protocol.rights.chain import ChainRights
from avl_protocol.rights.effective import NEVER_IMPLIED
from avl_protocol.wire.foreign import for_dialog
from avl_protocol.wire.registry import Permission

NONE = Permission(0)
#: Characters of a name: the rest of its line is ours.
NAME = 32

UNVERIFIED = "Unverified: nobody has said who this is."

#: What each permission means to the person whose screen it is.
WORDS: dict[Permission, str] = {
    Permission.VIEW: "see the screen",
    Permission.POINTER: "move and click",
    Permission.KEYBOARD: "type",
    Permission.CLIPBOARD_OUT: "read the clipboard",
    Permission.CLIPBOARD_IN: "set the clipboard",
    Permission.ANNOTATE: "draw on the picture",
    Permission.FILES_IN: "send files here",
    Permission.FILES_OUT: "fetch files",
    Permission.AUDIO_OUT: "hear this machine",
    Permission.AUDIO_IN: "speak here",
    Permission.MONITORS: "choose monitors",
    Permission.BLANK: "blank the screen",
    Permission.POWER: "restart, lock",
    Permission.TUNNEL: "open connections",
    Permission.TERMINAL: "run commands",
    Permission.MANAGE: "change settings",
    Permission.DELEGATE: "hand this on",
    Permission.RECORD: "keep what is seen",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May this viewer in, or may it do more than before?

    `device`: its ID, as text in groups; `claimed`: what it calls itself, any text; `verified`: who it is by the grant
    of this host's owner, "" where nobody has said so; `delegated`: not the owner has, but somebody she let hand on a
    grant; `wish`: what it wants that it has not yet; `has`: what it was allowed before; `seconds`: how long the session
    may last, None where nothing limits it.
    """

    device: str
    claimed: str
    wish: Permission
    verified: str = ""
    delegated: bool = False
    has: Permission = NONE
    seconds: float | None = None

    @property
    def switches(self) -> tuple[Permission, ...]:
        """What the person decides about one by one. Seeing is none: who may come in but not see has nothing (11.5)."""
        return tuple(one for one in Permission if one in self.wish and one is not Permission.VIEW)

    @property
    def first(self) -> Permission:
        """How the switches stand at first: as wished, but what follows from no other permission waits for a hand."""
        return self.wish & ~NEVER_IMPLIED


def verified(rights: ChainRights | None) -> str:
    """Who a chain says that its holder is; "" where the viewer came without one."""
    if rights is None:
        return ""
    if rights.owner:
        return "the owner of this machine"
    if rights.share:
        return "somebody with a share link"
    # In quotes, so that no name is taken for one of the sentences above.
    name = for_dialog(rights.name.replace('"', "'"), NAME)
    return f'"{name}"' if name else "somebody whom the owner permitted"


def lines(question: Question) -> list[str]:
    """The question, a sentence a line: what is wanted, by whom, its ID, how long, and what it calls itself. The words
    of others stand at the ends of lines that begin with ours."""
    name = for_dialog(question.claimed, NAME)
    told = [
        "A viewer who is here wants more." if question.has else "Somebody wants to see this screen.",
        f"Verified: {question.verified}" if question.verified else UNVERIFIED,
        f"ID: {question.device}",
        f"For {span(question.seconds)} at most." if question.seconds is not None else "Until you end it.",
    ]
    if question.delegated:
        told.append("The name is a delegate's word, not the owner's.")
    told.append(f"It calls itself: {name}" if name else "It gives itself no name.")
    return told


def span(seconds: float) -> str:
    """A span of time that is read at a glance."""
    if seconds < 90:
        return f"{max(1, round(seconds))} seconds"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} minutes"
    return f"{round(seconds / 3600)} hours" if seconds < 36 * 3600 else f"{round(seconds / 86400)} days"
