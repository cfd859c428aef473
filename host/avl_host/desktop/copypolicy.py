"""CopyPolicy: what of a clipboard may leave this machine and come to it, by kind and size (spec 04-session, 4.7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from avl_protocol.wire.clipformats import KINDS, Format, kind_of
from avl_protocol.wire.cliptext import Content
from avl_protocol.wire.registry import ClipboardState

#: Bytes of one format: four times a large screenshot, so that a mistaken copy does not fill the memory.
MOST = 32 << 20


@dataclass(frozen=True, slots=True)
class CopyPolicy:
    """Kinds that may leave and come (clipformats.KINDS), and the most bytes of one format."""

    leaves: frozenset[str] = frozenset(KINDS)
    comes: frozenset[str] = frozenset(KINDS)
    most: int = MOST

    def leaving(self, formats: Iterable[Format]) -> tuple[Format, ...]:
        """Those that may leave, as far as is known before somebody fetches them."""
        return tuple(each for each in formats if kind_of(each.name) in self.leaves and each.size <= self.most)

    def coming(self, formats: Iterable[Format]) -> tuple[Format, ...]:
        """Those that may come, whatever their size."""
        return tuple(each for each in formats if kind_of(each.name) in self.comes)

    def text_leaving(self, content: Content) -> Content:
        """A text that may leave, or why it does not."""
        return content if "text" in self.leaves or not isinstance(content, str) else ClipboardState.NOT_PERMITTED
