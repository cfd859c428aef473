"""Question: what a person at the host is asked about a viewer, and in which words.

Words that the viewer chose stand apart from what is known of it, so that no name can pass for a verified one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from avl_host.presence.spoken import say
from avl_protocol.rights.chain import ChainRights
from avl_protocol.rights.effective import NEVER_IMPLIED
from avl_protocol.wire.foreign import for_dialog
from avl_protocol.wire.registry import Permission

NONE = Permission(0)
#: Characters of a name: the rest of its line is ours.
NAME = 32


def meaning(permission: Permission) -> str:
    """What a permission means to the person whose screen it is."""
    return say(f"may.{str(permission.name).lower()}")


class Span(Enum):
    """For how long somebody may be let in. The value is in seconds; 0: until somebody ends it."""

    OPEN = 0
    QUARTER = 900
    HOUR = 3600
    DAY = 86_400  #: until the day is over: that long at most

    def seconds(self, left_of_day: float) -> float | None:
        """From now; None: without an end. `left_of_day`: seconds until midnight."""
        if self is Span.OPEN:
            return None
        return left_of_day if self is Span.DAY else float(self.value)

    @property
    def words(self) -> str:
        """What it is called."""
        return say(f"for.{self.name.lower()}")


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person allows of a question's wish; nothing: they said no. And for how many seconds; None: without an
    end."""

    allowed: Permission
    seconds: float | None = None


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
    def spans(self) -> tuple[Span, ...]:
        """For how long somebody may be let in: those that are shorter than the session may last anyhow. About one that
        runs already that is decided."""
        if self.has:
            return ()
        return tuple(one for one in Span if self.seconds is None or one.value < self.seconds)

    @property
    def first(self) -> Permission:
        """How the switches stand at first: as wished, but what follows from no other permission waits for a hand."""
        return self.wish & ~NEVER_IMPLIED


def verified(rights: ChainRights | None) -> str:
    """Who a chain says that its holder is; "" where the viewer came without one."""
    if rights is None:
        return ""
    if rights.owner:
        return say("who.owner")
    if rights.share:
        return say("who.share")
    # In quotes, so that no name is taken for one of the sentences above.
    name = for_dialog(rights.name.replace('"', "'"), NAME)
    return f'"{name}"' if name else say("who.permitted")


def lines(question: Question) -> list[str]:
    """The question, a sentence a line: what is wanted, by whom, its ID, how long, and what it calls itself. The words
    of others stand at the ends of lines that begin with ours."""
    name = for_dialog(question.claimed, NAME)
    told = [
        say("question.more") if question.has else say("question.wants"),
        say("question.verified", name=question.verified) if question.verified else say("question.unverified"),
        say("question.id", id=question.device),
    ]
    if question.seconds is not None:
        told.append(say("question.for", span=span(question.seconds)))
    elif not question.spans:
        told.append(say("question.until"))
    if question.delegated:
        told.append(say("question.delegated"))
    told.append(say("question.calls", name=name) if name else say("question.nameless"))
    return told


def span(seconds: float) -> str:
    """A span of time that is read at a glance."""
    if seconds < 90:
        return say("span.seconds", n=max(1, round(seconds)))
    if seconds < 90 * 60:
        return say("span.minutes", n=round(seconds / 60))
    if seconds < 36 * 3600:
        return say("span.hours", n=round(seconds / 3600))
    return say("span.days", n=round(seconds / 86400))
