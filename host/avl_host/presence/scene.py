"""Scene: who sees this screen now, as the person in front of it is shown; and the indicators that show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from avl_host.presence.spoken import say
from avl_protocol.wire.registry import ControlMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Onlooker:
    """One viewer. `number`: as 'avl-host sessions' has it; `name`: fit to be shown; `verified`: it is the word of this
    host's owner, not the viewer's own; `acts`: it may type or click; `holds`: it alone does, now; `asks`: it waits for
    that; `speaks`: its microphone is heard here; `here`: there is a path to it."""

    number: int
    name: str
    verified: bool = False
    acts: bool = False
    holds: bool = False
    asks: bool = False
    here: bool = True
    speaks: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """All of them, the oldest first, and the rule by which they act."""

    people: tuple[Onlooker, ...] = ()
    mode: ControlMode = ControlMode.SHARED


class Indicator(Protocol):
    """What shows a scene to the person at the host."""

    def show(self, scene: Scene) -> None:
        """From now on this is so; with nobody there is nothing to see."""

    def close(self) -> None:
        """Nothing is shown any more; idempotent."""


class RememberingIndicator:
    """A double: the scenes that it was shown."""

    def __init__(self) -> None:
        self.scenes: list[Scene] = []
        self.closed = False

    def show(self, scene: Scene) -> None:
        """See Indicator."""
        self.scenes.append(scene)

    def close(self) -> None:
        """See Indicator."""
        self.closed = True


class Acts(Protocol):
    """What the person at the host may do about it."""

    def end_all(self) -> None:
        """End every session, and whoever is about to come in."""

    def give(self, number: int) -> None:
        """Let one viewer alone act."""

    def take(self) -> None:
        """Let no viewer act; where none does already, let all of them who may."""


def words(one: Onlooker, mode: ControlMode) -> str:
    """What somebody does here."""
    does = _does(one, mode)
    return f"{does}, {say('seen.speaks')}" if one.speaks else does


def _does(one: Onlooker, mode: ControlMode) -> str:
    if not one.here:
        return say("seen.lost")
    if one.holds:
        return say("seen.holds")
    if one.asks:
        return say("seen.asks")
    if not one.acts:
        return say("seen.looks")
    key = {ControlMode.SHARED: "seen.acts", ControlMode.ONE: "seen.waits", ControlMode.HOST: "seen.looksNow"}[mode]
    return say(key)


def gives(one: Onlooker, mode: ControlMode) -> bool:
    """Whether control can be given to somebody: who asks is offered it, and everybody who may act when one does."""
    return one.acts and not one.holds and (one.asks or mode is not ControlMode.SHARED)
