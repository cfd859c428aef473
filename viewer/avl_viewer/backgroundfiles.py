"""BackgroundFiles: the transfers of a BackgroundRemote, asked for by the window's thread and done on the network's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.endpoint.loop.world import World
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.foreign import for_dialog
from avl_protocol.wire.registry import FILE_REASONS, CloseCode, FileReason
from avl_viewer.files import Folder
from avl_viewer.services.files import FilesService
from avl_viewer.transfers import Problems, Shown, Transfers, usable

if TYPE_CHECKING:
    from avl_viewer.present.presenter import Presenter


class BackgroundFiles:
    """Satisfies HostFiles."""

    def __init__(self, presenter: Presenter) -> None:
        self._presenter = presenter
        self._loop: asyncio.AbstractEventLoop | None = None
        self._service: FilesService | None = None
        self._transfers: Transfers | None = None
        self._faults = Faults()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, service: FilesService, world: World) -> None:
        """There is a client; called on the network's thread."""
        loop = asyncio.get_running_loop()
        self._transfers = Transfers(service, world.clock.monotonic, loop.call_later, self._tell)
        self._loop, self._service, self._faults = loop, service, world.faults

    def _tell(self, transfers: tuple[Shown, ...]) -> None:
        self._presenter.transfers(transfers)

    def put(self, paths: list[Path], to: str = "", problems: Problems = ()) -> None:
        """See HostFiles. What can't be sent is told with the rest, or alone where nothing is left."""

        async def put(transfers: Transfers) -> None:
            sources, unusable = await asyncio.to_thread(usable, paths)
            left_out = (*problems, *unusable)
            if sources:
                transfers.put(sources, to, left_out)
            elif left_out:
                self._presenter.remark(f"{for_dialog(left_out[0][0], 60)}: {left_out[0][1]}")
            else:
                self._presenter.remark("There is nothing to send.")

        self._do(lambda transfers: self._start(put(transfers)))

    def get(self, paths: tuple[str, ...], to: Path) -> None:
        """See HostFiles."""

        async def get(transfers: Transfers) -> None:
            try:
                await asyncio.to_thread(to.mkdir, parents=True, exist_ok=True)
            except OSError:
                self._presenter.remark(f"{for_dialog(str(to), 60)}: {FILE_REASONS[FileReason.NO_ACCESS]}")
            else:
                transfers.get(paths, to)

        self._do(lambda transfers: self._start(get(transfers)))

    def list(self, path: str, after: str, most: int) -> Future[Folder]:
        """See HostFiles."""
        loop, service = self._loop, self._service
        if loop is not None and service is not None and not loop.is_closed():
            listing = service.list(path, after, most)
            try:
                return asyncio.run_coroutine_threadsafe(listing, loop)
            except RuntimeError:
                listing.close()  # it closed in between
        failed: Future[Folder] = Future()
        failed.set_exception(Refused(CloseCode.SESSION_LOST))
        return failed

    def pause(self, number: int, paused: bool) -> None:
        """See HostFiles."""
        self._do(lambda transfers: transfers.pause(number, paused))

    def cancel(self, number: int) -> None:
        """See HostFiles."""
        self._do(lambda transfers: transfers.cancel(number))

    def again(self, number: int) -> None:
        """See HostFiles."""
        self._do(lambda transfers: transfers.again(number))

    def forget(self, number: int | None) -> None:
        """See HostFiles."""
        self._do(lambda transfers: transfers.forget(number))

    def decide(self, number: int, file: int, replace: bool, everything: bool) -> None:
        """See HostFiles."""
        self._do(lambda transfers: transfers.decide(number, file, replace, everything))

    def _do(self, action: Callable[[Transfers], None]) -> None:
        """Have it done on the network's thread, as long as there is one."""
        loop, transfers = self._loop, self._transfers
        if loop is not None and transfers is not None and not loop.is_closed():
            try:
                loop.call_soon_threadsafe(action, transfers)
            except RuntimeError:
                return  # it closed in between

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._faults.task_done)
