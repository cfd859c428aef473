"""Copied files: lists of files on the host's clipboard, as far as what is shared allows (spec 04-session, 4.7)."""

from __future__ import annotations

from avl_host.files.roots import Roots
from avl_protocol.session.fetching import Fetched
from avl_protocol.wire import clipfiles
from avl_protocol.wire.channels import permits
from avl_protocol.wire.clipformats import FILES, Format
from avl_protocol.wire.registry import ClipboardState, Permission


class CopiedFiles:
    """What viewers learn of files that were copied here, and what programs here learn of files that viewers pushed."""

    def __init__(self, roots: Roots) -> None:
        self._roots = roots

    def leaving(self, formats: tuple[Format, ...], permissions: int) -> tuple[Format, ...]:
        """The formats that a session may be offered (R-SESS-303)."""
        may = permits(permissions, Permission.FILES_OUT) and self._roots.shares(writes=False)
        return tuple(each for each in formats if may or each.name != FILES)

    def coming(self, formats: tuple[Format, ...], permissions: int) -> tuple[Format, ...]:
        """The formats that are taken of a session."""
        may = permits(permissions, Permission.FILES_IN) and self._roots.shares(writes=True)
        return tuple(each for each in formats if may or each.name != FILES)

    def of_system(self, result: Fetched) -> Fetched:
        """The list of a program here, as it travels: the paths that viewers may fetch."""
        if not isinstance(result, bytes):
            return result
        return self._shown(clipfiles.paths_of(result), writes=False)

    def of_viewer(self, result: Fetched) -> Fetched:
        """The list of another viewer, as it travels on."""
        return self._shown(clipfiles.listed(result), writes=False) if isinstance(result, bytes) else result

    def for_programs(self, result: Fetched) -> Fetched:
        """The list of a viewer, as file managers here want it."""
        if not isinstance(result, bytes):
            return result
        shown = self._shown(clipfiles.listed(result), writes=True)
        return clipfiles.uris_of(clipfiles.listed(shown)) if isinstance(shown, bytes) else shown

    def _shown(self, paths: tuple[str, ...], *, writes: bool) -> Fetched:
        found = clipfiles.told(whole for path in paths if (whole := self._roots.shown(path, writes=writes)))
        return found or ClipboardState.NOT_PERMITTED
