"""BackgroundRemote: a DesktopClient on a thread and loop of its own, for a window whose toolkit owns the main
thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.endpoint.loop.runtime import run
from avl_protocol.endpoint.loop.world import system_world
from avl_protocol.session.fetching import Fetched
from avl_protocol.session.input.ledger import Dropped, Fate
from avl_protocol.wire import clipfiles
from avl_protocol.wire.clipformats import FILES, Copy
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import ClipboardState, CloseCode, ControlAct
from avl_viewer.api import thread_decoder
from avl_viewer.backgroundfiles import BackgroundFiles
from avl_viewer.client import DesktopClient
from avl_viewer.clipboard import ClipboardError
from avl_viewer.config import ClientSettings
from avl_viewer.files import FilesError
from avl_viewer.pasting import PastedFiles, fresh_folder
from avl_viewer.present.presenter import Presenter
from avl_viewer.services.clipboard import ClipboardService
from avl_viewer.sound.output import open_output
from avl_viewer.sound.player import ThreadPlayer

if TYPE_CHECKING:  # the decoder is loaded when the first picture comes
    from avl_viewer.decode.hardware import Hardware

#: Seconds for which a window may wait for figures.
PATIENCE = 0.1
#: How the settings are made once there is a loop and its world's entropy.
MakeSettings = Callable[[], ClientSettings]


class BackgroundRemote:
    """Satisfies Remote. Connecting begins at once; the presenter is told how it goes."""

    def __init__(self, settings: ClientSettings, presenter: Presenter) -> None:
        self._settings = settings
        self._presenter = presenter
        self._client: DesktopClient | None = None
        self._pasted: PastedFiles | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = False
        self._figures: dict[str, Any] = {}
        self._player: ThreadPlayer | None = None
        self._files = BackgroundFiles(presenter)
        self._muted, self._volume, self._playing = False, 1.0, False
        self._clock: Callable[[], float] = lambda: 0.0
        self._faults = Faults()
        self._thread = threading.Thread(target=lambda: run(self._main()), name="avl-network", daemon=True)
        self._thread.start()

    async def _main(self) -> None:
        world = system_world()
        world.priority.first()
        self._loop = asyncio.get_running_loop()
        client = DesktopClient(
            world,
            self._settings,
            self._presenter,
            thread_decoder(world.clock.monotonic, world.faults, _hardware),
        )
        self._client = client
        self._pasted = PastedFiles(
            client.features.clipboard,
            client.features.files,
            self._presenter.remark,
            lambda: asyncio.to_thread(fresh_folder, world.clock.wall()),
        )
        self._clock, self._faults = world.clock.monotonic, world.faults
        self._files.begin(client.features.files, world)
        self._listen(client)
        if self._closing:
            await client.close()
        try:
            await client.connect()
        except Refused:
            return  # the presenter has been told
        await client.ended

    def on_loop(self, action: Callable[[DesktopClient], object]) -> None:
        """Have this done on the network's thread, as long as there is one."""
        loop, client = self._loop, self._client
        if loop is not None and client is not None and not loop.is_closed():
            try:
                loop.call_soon_threadsafe(action, client)
            except RuntimeError:
                return  # it closed in between

    @property
    def permissions(self) -> int:
        """See Remote."""
        return int(self._client.permissions) if self._client is not None else 0

    @property
    def files(self) -> BackgroundFiles:
        """See Remote."""
        return self._files

    def send_input(self, events: list[tuple[Any, ...]]) -> None:
        """See Remote. Input that can't be sent now is dropped, and the presenter is told of it."""

        def send(client: DesktopClient) -> None:
            try:
                client.send_input(events)
            except Refused:
                self._presenter.dropped([Dropped(0, tuple(events), Fate.UNSENT)])

        self.on_loop(send)

    def point(self, x: int, y: int, laser: bool) -> None:
        """See Remote."""
        self.on_loop(lambda client: client.point(x, y, laser))

    def draw(self, points: list[tuple[int, int]], begins: bool) -> None:
        """See Remote."""
        self._unless_refused(lambda client: client.draw(points, begins))

    def wipe(self, everybody: bool) -> None:
        """See Remote."""
        self._unless_refused(lambda client: client.wipe(everybody))

    def control(self, act: int, to: int = 0) -> None:
        """See Remote."""
        self._unless_refused(lambda client: client.control(ControlAct(act), to))

    def fit(self, width: int, height: int, scale: int) -> None:
        """See Remote."""
        self._unless_refused(lambda client: client.fit(width, height, scale))

    def watch_monitors(self, names: tuple[str, ...]) -> None:
        """See Remote. What is not there any more is not seen."""

        def watch(client: DesktopClient) -> None:
            try:
                client.watch_monitors(names)
            except LookupError as error:
                self._presenter.remark(f"That can't be shown: {error}.")

        self.on_loop(watch)

    def _unless_refused(self, action: Callable[[DesktopClient], object]) -> None:
        """Have it done; a person is told why not."""

        def attempt(client: DesktopClient) -> None:
            try:
                action(client)
            except Refused as refused:
                self._presenter.remark(str(refused))

        self.on_loop(attempt)

    def set_clipboard(self, text: str) -> None:
        """See Remote."""
        self._on_clipboard(lambda clipboard: clipboard.set(text))

    def offer_copy(self, copy: Copy, read: Callable[[str], Future[Fetched]]) -> None:
        """See Remote."""
        give: Callable[[], Awaitable[Fetched]] | None = None

        async def reading(format: str) -> Fetched:
            nonlocal give
            if format == FILES and give is not None:
                return await give()
            result = await asyncio.wrap_future(read(format))
            if format == FILES and isinstance(result, bytes) and self._pasted is not None:
                give = self._pasted.giving(clipfiles.paths_of(result))
                return await give()
            return result

        self._on_clipboard(lambda clipboard: clipboard.offer(copy, reading))

    def fetch_copy(self, stamp: int, format: str) -> Future[bytes]:
        """See Remote."""
        loop, client = self._loop, self._client
        if loop is not None and client is not None and not loop.is_closed():
            if format == FILES and self._pasted is not None:
                fetching = self._bring(self._pasted, stamp)
            else:
                fetching = client.features.clipboard.fetch(stamp, format)
            try:
                return asyncio.run_coroutine_threadsafe(fetching, loop)
            except RuntimeError:
                fetching.close()  # it closed in between
        failed: Future[bytes] = Future()
        failed.set_exception(Refused(CloseCode.SESSION_LOST))
        return failed

    async def _bring(self, pasted: PastedFiles, stamp: int) -> bytes:
        try:
            return await pasted.bring(stamp)
        except (FilesError, OSError) as error:
            raise ClipboardError(ClipboardState.NO_ANSWER, str(error)) from None

    def _on_clipboard(self, action: Callable[[ClipboardService], Coroutine[Any, Any, None]]) -> None:
        """Have something done with the host's clipboard; a person is told why it was not."""

        async def attempt(client: DesktopClient) -> None:
            try:
                await action(client.features.clipboard)
            except ClipboardError as error:
                self._presenter.remark(str(error))
            except Refused:
                return  # the status says why

        self.on_loop(lambda client: asyncio.ensure_future(attempt(client)))

    def listen(self, muted: bool, volume: float) -> None:
        """See Remote."""
        self._muted, self._volume = muted, volume
        self.on_loop(self._listen)

    def _listen(self, client: DesktopClient) -> None:
        """On the network's thread."""
        if self._player is None:
            now, faults = self._clock, self._faults
            self._player = ThreadPlayer(open_output, now=now, faults=faults, trouble=self._presenter.remark)
        self._player.volume = self._volume
        if self._muted == self._playing:
            self._playing = not self._muted
            client.listen(self._player if self._playing else None)

    def speak(self, on: bool) -> None:
        """See Remote."""
        self._unless_refused(lambda client: client.speak(on))

    def stats(self) -> dict[str, Any]:
        """See Remote. They are counted on the network's thread, so they are made there; while it has no time, those of
        before are good enough."""
        if self._client is not None and self._thread.is_alive():
            made: Future[dict[str, Any]] = Future()
            self.on_loop(lambda client: made.set_result(client.stats()))
            try:
                self._figures = made.result(PATIENCE)
            except TimeoutError:
                pass
        return self._figures

    def close(self) -> None:
        """See Remote."""
        self._closing = True
        self.on_loop(lambda client: asyncio.ensure_future(client.close()))

    @property
    def alive(self) -> bool:
        """Whether the network thread runs."""
        return self._thread.is_alive()

    def join(self, timeout: float) -> None:
        """Wait until the network thread has ended."""
        self._thread.join(timeout)


def _hardware() -> Hardware:
    """What of this machine decodes."""
    from avl_viewer.decode.hardware import Hardware

    return Hardware()
