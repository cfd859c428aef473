"""Reload: a running program's settings, read anew when somebody asks for it, usually by SIGHUP.

What can change live changes; what can't stays as it is until the program starts again, and is named. What is wrong
changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic

from pydantic import ValidationError

from avl_protocol.endpoint.settings.faults import BadSettings, Fault
from avl_protocol.endpoint.settings.load import Loaded, M
from avl_protocol.endpoint.settings.model import leaves


@dataclass(frozen=True, slots=True)
class Change:
    """Names of settings: those that are others now, and those that will be after a restart."""

    live: tuple[str, ...]
    later: tuple[str, ...]


class Current(Generic[M]):
    """The settings of a program that runs. `again()` reads them anew, and raises BadSettings."""

    def __init__(self, loaded: Loaded[M], again: Callable[[], Loaded[M]]) -> None:
        self.loaded = loaded
        self._again = again

    @property
    def settings(self) -> M:
        """What holds now."""
        return self.loaded.settings

    def reload(self) -> Change:
        """Read them anew. Raises BadSettings; then everything is as before."""
        return self.take(self._again())

    def take(self, fresh: Loaded[M]) -> Change:
        """Take those that were read anew. Raises BadSettings; then everything is as before."""
        old = self.settings
        live: list[str] = []
        later: list[str] = []
        kept: dict[str, Any] = {}
        for leaf in leaves(type(old)):
            before, now = old.written(leaf.key), fresh.settings.written(leaf.key)
            if before != now:
                (live if leaf.live else later).append(leaf.name)
            value = now if leaf.live else before
            at = kept
            for part in leaf.key[:-1]:
                at = at.setdefault(part, {})
            if value is not None:
                at[leaf.key[-1]] = value
        try:
            settings = type(old)(kept)
        except ValidationError as error:
            why = "; ".join(str(found["msg"]) for found in error.errors(include_input=False))
            raise BadSettings([Fault("", f"what can change live does not fit what can't: {why}")]) from None
        self.loaded = replace(fresh, settings=settings)
        return Change(tuple(live), tuple(later))
