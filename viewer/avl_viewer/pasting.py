"""Pasted files: files that were copied at one end become a transfer when somebody pastes at the other (spec 04-session,
4.7).

File managers ask for a list and wait for it. What takes longer than they wait goes on all the same, and a person is
told to paste again.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from avl_protocol.session.fetching import Fetched
from avl_protocol.wire import clipfiles
from avl_protocol.wire.clipformats import FILES
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.foreign import for_dialog
from avl_protocol.wire.registry import FILE_REASONS, ClipboardState, FileOverwrite
from avl_viewer.clipboard import ClipboardError
from avl_viewer.files import Copied, FilesError
from avl_viewer.services.clipboard import ClipboardService
from avl_viewer.services.files import FilesService

T = TypeVar("T")

#: Seconds after which a program that pastes has given up, or soon will: less than T_CLIPBOARD.
PATIENCE = 8.0
#: Seconds for which files that came by pasting are kept in the temporary folder.
KEPT = 24 * 3600.0
PREFIX = "avl-pasted-"
ON_THEIR_WAY = "The files are on their way. Paste again when they have come."
HERE = "The files have come: paste again."


class PastedFiles:
    """Files of both clipboards, on the network's thread. `remark` tells a person something;
    `make_folder`: an empty one for what comes."""

    def __init__(
        self,
        clipboard: ClipboardService,
        files: FilesService,
        remark: Callable[[str], None],
        make_folder: Callable[[], Awaitable[Path]],
    ) -> None:
        self._clipboard, self._files, self._remark, self._make_folder = clipboard, files, remark, make_folder
        #: What is brought, by the stamp of the host's copy; only the newest counts.
        self._bringing: dict[int, asyncio.Task[tuple[Path, ...]]] = {}

    async def bring(self, stamp: int) -> bytes:
        """The files of the host's copy of this stamp, as a list of file managers, once they are on this machine. Raises
        ClipboardError, also while they are on their way; FilesError, Refused, OSError."""
        task = self._bringing.get(stamp)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = asyncio.get_running_loop().create_task(self._bring(stamp))
            self._bringing = {stamp: task}
        if not await self._soon(task):
            raise ClipboardError(ClipboardState.NO_ANSWER, ON_THEIR_WAY)
        return clipfiles.uris_of(path.as_posix() for path in task.result())

    async def _bring(self, stamp: int) -> tuple[Path, ...]:
        paths = clipfiles.listed(await self._clipboard.fetch(stamp, FILES))
        if not paths:
            raise ClipboardError(ClipboardState.GONE, "There are no files on the desktop's clipboard any more.")
        folder = await self._make_folder()
        transfer = self._files.get(list(paths), str(folder), overwrite=FileOverwrite.NEVER)
        self._tell_left(await transfer.done())
        return tuple(sorted(folder.iterdir()))

    def giving(self, paths: tuple[str, ...]) -> Callable[[], Coroutine[Any, Any, Fetched]]:
        """Pushes files of this machine when it is called, and tells where they are at the host; called again, it tells
        that of the same push."""
        task: asyncio.Task[Fetched] | None = None

        async def give() -> Fetched:
            nonlocal task
            if task is None or (task.done() and not isinstance(task.result(), bytes)):
                task = asyncio.get_running_loop().create_task(self._give(paths))
            if not await self._soon(task):
                self._remark(ON_THEIR_WAY)
            return await asyncio.shield(task)

        return give

    async def _give(self, paths: tuple[str, ...]) -> Fetched:
        try:
            transfer = self._files.put([Path(path) for path in paths], overwrite=FileOverwrite.NEVER)
            copied = await transfer.done()
        except (FilesError, Refused, OSError, ValueError) as error:
            self._remark(str(error))
            return ClipboardState.NO_ANSWER
        self._tell_left(copied)
        left = Counter(path for path, _ in copied.left)
        names = Counter(Path(path).name for path in paths)  # of two of one name one is there
        return clipfiles.told(name for name, many in names.items() if left[name] < many) or ClipboardState.NO_ANSWER

    async def _soon(self, task: asyncio.Task[T]) -> bool:
        """Whether it is done before a program gives up. Where it is not, a person is told once it is."""
        await asyncio.wait((task,), timeout=PATIENCE)
        if task.done():
            return True

        def over(done: asyncio.Task[T]) -> None:
            if not done.cancelled() and done.exception() is None:
                self._remark(HERE)

        task.add_done_callback(over)
        return False

    def _tell_left(self, copied: Copied) -> None:
        if copied.left:
            path, reason = copied.left[0]
            more = f" (and {copied.left_count - 1} more)" if copied.left_count > 1 else ""
            self._remark(f"{for_dialog(path, 60)}{more}: {FILE_REASONS[reason]}")


def fresh_folder(now: float) -> Path:
    """A new folder that nobody else may read; those that are older than KEPT at `now`, in seconds since 1970, are
    removed."""
    for old in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            if old.is_dir() and not old.is_symlink() and now - old.stat().st_mtime > KEPT:
                shutil.rmtree(old, ignore_errors=True)
        except OSError:
            continue  # another window has removed it, or it is somebody else's
    return Path(tempfile.mkdtemp(prefix=PREFIX))
