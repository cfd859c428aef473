"""The automation API: drive a desktop from a program.

    async with avl_viewer.connect(target, code="...") as desktop:
        await desktop.click(100, 200)
        await desktop.type("hello\n")
        (await desktop.screenshot(settle=5)).save("desktop.png")

Actions return when the host has applied them. Failures raise Refused, whose text says what happened.
"""

from __future__ import annotations

import asyncio
import platform
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.endpoint.loop.world import World, system_world
from avl_protocol.endpoint.program.folders import default_folder
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.media.frame import Monitor
from avl_protocol.session.fetching import Fetched
from avl_protocol.wire import clipfiles, clipformats
from avl_protocol.wire.clipformats import FILES, HTML, PLAIN, RTF, Copy, Format
from avl_protocol.wire.cliptext import Content, content_of
from avl_protocol.wire.errors import Refused, not_permitted
from avl_protocol.wire.keys import modifiers_of, parse_chord
from avl_protocol.wire.registry import (
    MAX_CLIPBOARD_TEXT,
    MAX_PICTURE_SIDE,
    T_RESUME,
    ClipboardState,
    CloseCode,
    ControlAct,
    ControlMode,
    FileOverwrite,
    InputKind,
    Permission,
    VideoCodec,
)
from avl_protocol.wire.target import Target, parse_target
from avl_protocol.wire.typable import KEY_CHARACTERS, typed_lines
from avl_viewer.client import DesktopClient
from avl_viewer.clipboard import format_not_given
from avl_viewer.config import ClientSettings
from avl_viewer.decode.decoder import DecodeError, Decoder
from avl_viewer.decode.pipeline import MakeDecoder
from avl_viewer.decode.worker import Decoded, DecodeWorker, ThreadWorker
from avl_viewer.files import Asks, Copied, FilesError, Listed, Transfer
from avl_viewer.present.company import Company
from avl_viewer.present.headless import HeadlessPresenter
from avl_viewer.present.presenter import Picture, Status
from avl_viewer.services.fit import size_of
from avl_viewer.sound.playback import Block
from avl_viewer.sound.player import LoopPlayer
from avl_viewer.tickets import TicketFile, TicketMemory
from avl_viewer.way import NoWay, Way, is_name

if TYPE_CHECKING:  # who only types loads neither numpy nor a decoder
    import numpy as np
    from numpy.typing import NDArray

    from avl_viewer.decode.hardware import Hardware

__all__ = ["Copied", "Desktop", "FileOverwrite", "FilesError", "Listed", "NoWay", "Screenshot", "Way", "connect"]

BUTTONS = {"left": 1, "middle": 2, "right": 3, "back": 8, "forward": 9}
#: Characters that are typed at a time.
PIECE = 8192
#: Blocks of sound that wait for a program, 5 s of them.
WAITING_BLOCKS = 500
#: Points of a drag between its ends, so that applications see it as one.
DRAG_STEPS = 12


@dataclass(frozen=True, slots=True)
class Screenshot:
    """A picture of the desktop: RGB, uint8, shape (height, width, 3). `exact`: every pixel equals the host's."""

    pixels: NDArray[np.uint8]
    exact: bool

    def save(self, file: str | Path) -> None:
        """Write it as PNG."""
        import av
        import numpy as np

        height, width = self.pixels.shape[:2]
        codec = av.CodecContext.create("png", "w")
        codec.width, codec.height, codec.pix_fmt = width, height, "rgb24"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(self.pixels), format="rgb24")
        packets = [*codec.encode(frame), *codec.encode(None)]
        Path(file).write_bytes(b"".join(bytes(packet) for packet in packets))


class Clipboard:
    """The host's clipboard: its text, and the other formats of what was copied."""

    def __init__(self, client: DesktopClient) -> None:
        self._client = client

    async def get(self) -> str:
        """Its text; "" where it is empty. Raises ClipboardError, whose `state` says why there is none to be had:
        NOT_TEXT, TOO_LARGE or NO_ANSWER."""
        return await self._client.features.clipboard.get()

    async def set(self, text: str) -> None:
        """Set its text; "" empties it. Raises ClipboardError when the host did not take it, with the same states and
        NOT_PERMITTED."""
        await self._client.features.clipboard.set(text)

    async def types(self) -> tuple[str, ...]:
        """The formats that it is to be had in, such as "text/plain;charset=utf-8", "text/html" or "image/png"; none
        where it is empty."""
        copy = await self._client.features.clipboard.look()
        text = (PLAIN,) if isinstance(copy.content, str) else ()
        return (*text, *(each.name for each in copy.formats if each.name not in text))

    async def read(self, type: str = PLAIN) -> bytes:
        """It in one of these formats, byte for byte. Raises ClipboardError, whose `state` says why it is not to be had:
        TOO_LARGE, NO_ANSWER, NOT_PERMITTED, or GONE where it has no such format."""
        clipboard = self._client.features.clipboard
        copy = await clipboard.look()
        if type == PLAIN and isinstance(copy.content, str):
            return copy.content.encode()
        if not copy.has(type):
            raise format_not_given(ClipboardState.GONE)
        return await clipboard.fetch(copy.stamp, type)

    async def write(self, formats: Mapping[str, bytes], *, keep: bool = True) -> None:
        """Set it to one copy in these formats; "text/plain;charset=utf-8" is its text. They stay there when the session
        ends, unless `keep` is False: then each crosses when a program of the host pastes it. Raises ClipboardError when
        the host did not take it, ValueError for what is no format that travels."""
        for name in formats:
            if not clipformats.is_name(name) or not clipformats.kind_of(name):
                raise ValueError(
                    f"{name!r} is not a format that travels: {PLAIN}, {HTML}, {RTF}, {FILES} or image/... are"
                )
        data = dict(formats)
        content: Content = ClipboardState.NOT_TEXT
        if PLAIN in data and len(data[PLAIN]) <= MAX_CLIPBOARD_TEXT:
            content = content_of(data.pop(PLAIN).decode())

        async def read(format: str) -> Fetched:
            return data[format]

        named = tuple(Format(name, len(each)) for name, each in data.items())
        await self._client.features.clipboard.offer(Copy(content, named), read, keep=keep)

    async def files(self) -> tuple[str, ...]:
        """Paths at the host of files that were copied there, for `desktop.files.get`; none where none were, or the host
        does not share them."""
        if FILES not in await self.types():
            return ()
        return clipfiles.listed(await self.read(FILES))

    async def write_files(self, sources: str | Path | Sequence[str | Path], to: str = "") -> Copied:
        """Push files and folders into a folder of the host, and set its clipboard to them, so that a file manager there
        pastes them. Raises what `desktop.files.put` and `write` do."""
        paths = [Path(one) for one in ([sources] if isinstance(sources, (str, Path)) else sources)]
        copied = await self._client.features.files.put(paths, to, overwrite=FileOverwrite.NEVER).done()
        left = {path for path, _ in copied.left}
        folder = f"{to.rstrip('/')}/" if to else ""
        await self.write({FILES: clipfiles.told(f"{folder}{path.name}" for path in paths if path.name not in left)})
        return copied


class DesktopSound:
    """The host's sound, for a program: 48,000 samples a second, stereo, in blocks of 10 ms."""

    def __init__(self, client: DesktopClient) -> None:
        self._client = client
        self._waiting: list[asyncio.Queue[Block]] = []
        self._player: LoopPlayer | None = None

    @property
    def trouble(self) -> str:
        """Why there is none at the host; "" where there is."""
        return self._client.features.sound.host.trouble

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[AsyncIterator[Block]]:
        """Let it come, for as long as the block lasts. Each `Block` is given when it is due: `samples` are 480 floats
        of 32 bits for each of two channels, interleaved, and `captured` is when the first was heard at the host, in
        seconds of this program's clock. Silence gives none. Raises Refused where we may not hear."""
        if not self._client.permissions & Permission.AUDIO_OUT:
            raise not_permitted(Permission.AUDIO_OUT)
        self._client.watch()
        mine: asyncio.Queue[Block] = asyncio.Queue(maxsize=WAITING_BLOCKS)
        self._waiting.append(mine)
        if self._player is None:
            self._player = self._client.loop_player(self._play)
            self._client.listen(self._player)

        async def blocks() -> AsyncIterator[Block]:
            while True:
                yield await mine.get()

        try:
            yield blocks()
        finally:
            self._waiting.remove(mine)
            if not self._waiting:
                self._player = None
                self._client.listen(None)

    def _play(self, block: Block) -> None:
        """A program that does not keep up loses the oldest."""
        for waiting in self._waiting:
            if waiting.full():
                waiting.get_nowait()
            waiting.put_nowait(block)


class Files:
    """Files of the host. Paths there are whole (`/home/me/x`, `~/x`) or begin in the first folder that it shares."""

    def __init__(self, client: DesktopClient) -> None:
        self._client = client

    async def put(
        self,
        sources: str | Path | Sequence[str | Path],
        to: str = "",
        *,
        folders: bool = True,
        overwrite: FileOverwrite = FileOverwrite.NEVER,
        asks: Asks | None = None,
        progress: Callable[[Transfer], None] | None = None,
    ) -> Copied:
        """Push files and folders into a folder of the host; one of them may take a name there. `overwrite` decides
        about what is there, with ASK `asks(question)`. `progress` is called with the transfer as it goes on. Raises
        FilesError where nothing could be copied, Refused, FileNotFoundError; what was left out alone is told in what it
        returns."""
        paths = [Path(one) for one in ([sources] if isinstance(sources, (str, Path)) else sources)]
        transfer = self._client.features.files.put(paths, to, folders=folders, overwrite=overwrite, asks=asks)
        return await self._done(transfer, progress)

    async def get(
        self,
        paths: str | Sequence[str],
        to: str | Path = ".",
        *,
        folders: bool = True,
        overwrite: FileOverwrite = FileOverwrite.NEVER,
        asks: Asks | None = None,
        progress: Callable[[Transfer], None] | None = None,
    ) -> Copied:
        """Fetch files and folders of the host into a folder here; one of them may take a name here. The rest is as in
        `put`."""
        wanted = [paths] if isinstance(paths, str) else list(paths)
        transfer = self._client.features.files.get(wanted, str(to), folders=folders, overwrite=overwrite, asks=asks)
        return await self._done(transfer, progress)

    async def list(self, path: str = "") -> list[Listed]:
        """What is in a folder of the host, in the order of names; without a path the folders that it shares. Raises
        FilesError, Refused."""
        return list((await self._client.features.files.list(path)).rows)

    async def _done(self, transfer: Transfer, progress: Callable[[Transfer], None] | None) -> Copied:
        if progress is not None:
            transfer.changed = progress
            progress(transfer)
        return await transfer.done()


class Control:
    """Who of several viewers acts on the desktop."""

    def __init__(self, client: DesktopClient, patience: float) -> None:
        self._client = client
        self._patience = patience

    @property
    def company(self) -> Company:
        """Who may act or draw, by which rule, and who has control, as the host said last."""
        return self._client.features.control.company

    @property
    def holder(self) -> str | None:
        """The name of who alone has control; None where nobody has, or everybody."""
        company = self.company
        return company.name(company.holder) if company.holder else None

    @property
    def mine(self) -> bool:
        """Whether our input is let through, as far as control goes."""
        return self.company.mine

    async def known(self) -> Company:
        """The same, once the host has said it. Raises Refused when it does not in time, or the session ends."""
        if not await self._until(lambda _company: True, self._patience):
            raise Refused(CloseCode.TIMEOUT, "The host does not say who is here: it is of an older version.")
        return self.company

    async def request(self, timeout: float | None = None) -> bool:
        """Ask for control and wait until we have it; False, and no longer asked for, when that took more than `timeout`
        seconds. Raises Refused where we may not act, or when the session ends."""
        self._client.control(ControlAct.REQUEST)
        if await self._until(lambda company: company.mine, timeout):
            return True
        self._client.control(ControlAct.RELEASE)
        return False

    async def release(self) -> None:
        """Let go of control, or of asking for it."""
        self._client.control(ControlAct.RELEASE)
        await self._until(
            lambda company: company.mode is not ControlMode.ONE or not (company.mine or company.asking), self._patience
        )

    async def give(self, who: str | int) -> bool:
        """Give control to a person, by name or number; whether the host says that they have it. Raises ValueError for
        nobody's name and for that of several, Refused."""
        named = [one.number for one in self.company.people if who in (one.number, one.name) and one.acts]
        if len(named) != 1:
            raise ValueError(f"{'nobody who may act' if not named else 'more than one'} is called {who!r}")
        self._client.control(ControlAct.GIVE, named[0])
        return await self._until(lambda company: company.holder == named[0], self._patience)

    async def _until(self, condition: Callable[[Company], bool], timeout: float | None) -> bool:
        try:
            async with asyncio.timeout(timeout):
                await self._client.features.control.until(condition)
        except TimeoutError:
            return False
        return True


class Desktop:
    """A desktop that is being seen. Coordinates are desktop pixels from the top left."""

    def __init__(self, client: DesktopClient, presenter: HeadlessPresenter, patience: float = 10.0) -> None:
        self._client = client
        self._presenter = presenter
        self._patience = patience
        self._changed = asyncio.Event()
        self._rearranged = asyncio.Event()
        self._became_exact = asyncio.Event()
        self.clipboard = Clipboard(client)
        self.files = Files(client)
        self.control = Control(client, patience)
        self.sound = DesktopSound(client)
        #: Called with each picture of any desktop, on the thread that decoded it.
        self.on_picture: Callable[[Picture], None] | None = None
        #: Called with what a person is told while the session goes on, such as that it will end.
        self.on_remark: Callable[[str], None] | None = None

    @property
    def permissions(self) -> Permission:
        """What this session may now: the host may change it while it runs."""
        return self._client.permissions

    @property
    def time_left(self) -> float | None:
        """Seconds until the host ends the session; None where it says of no end."""
        return self._client.features.rights.left()

    @property
    def client(self) -> DesktopClient:
        """The connection below, for what this interface doesn't tell."""
        return self._client

    @property
    def presenter(self) -> HeadlessPresenter:
        """What keeps the last that the host showed and told."""
        return self._presenter

    def picture_came(self) -> None:
        """A picture is here (called on the event loop)."""
        self._changed.set()

    def exact_came(self, exact: bool) -> None:
        """The desktop is exact, or no longer is (called on the event loop)."""
        if exact:
            self._became_exact.set()
        else:
            self._became_exact.clear()

    def subscribe(self, track: int, wanted: bool) -> None:
        """Let a track of the host come, or not: its numbers are those of pictures. All come at first."""
        self._client.subscribe(track, wanted)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height; (0, 0) before the host has told."""
        return self._presenter.size or (0, 0)

    @property
    def monitors(self) -> tuple[Monitor, ...]:
        """The monitors of the host, by their places in the desktop; empty before it has told."""
        return self._presenter.monitors

    async def choose(self, *monitors: str) -> None:
        """See these monitors by themselves, by their names or their places in `monitors` from 1 on; without any the
        whole desktop. The first is what `screenshot` shows, and where coordinates begin. Raises LookupError for one
        that is not there, Refused."""
        try:
            async with asyncio.timeout(self._patience):
                while not self._presenter.monitors:
                    await self._until_rearranged()
                self._client.watch_monitors(monitors)
                wanted = self._client.features.monitors.chosen
                while tuple(self._presenter.watching.values()) != wanted and (self._presenter.watching or any(wanted)):
                    await self._until_rearranged()
        except TimeoutError:
            raise Refused(CloseCode.TIMEOUT, "The host does not show monitors by themselves.") from None

    async def _until_rearranged(self) -> None:
        self._rearranged.clear()
        await self._or_ended(self._rearranged.wait())

    def rearranged(self) -> None:
        """The host has told of monitors (called on the event loop)."""
        self._rearranged.set()

    def _placed(self, x: int, y: int) -> tuple[int, int]:
        """The desktop pixel of a place in what is seen."""
        monitor = self._presenter.monitor
        return (x, y) if monitor is None else (monitor.x + x, monitor.y + y)

    async def _do(self, *events: tuple[Any, ...]) -> None:
        if events:
            placed = [(one[0], *self._placed(one[1], one[2])) if one[0] == InputKind.MOVE else one for one in events]
            await self._client.send_input(placed)

    async def fit(self, width: int = 0, height: int = 0, scale: float = 1.0) -> tuple[int, int]:
        """Have the desktop take this size in pixels, with things drawn so many times as large as usual; without a size
        it has its own again. The size that it took: the nearest where its display has no such one. Raises Refused where
        it takes none for us."""
        if not (width and height):
            self._client.fit(0, 0)
            return self.size
        answer = self._client.features.fit.answer()
        self._client.fit(width, height, round(scale * 100))
        try:
            async with asyncio.timeout(self._patience):
                return size_of(await answer)
        except TimeoutError:
            raise Refused(CloseCode.TIMEOUT, "The host does not answer: it is of an older version.") from None

    async def move(self, x: int, y: int) -> None:
        """Put the pointer somewhere."""
        await self._do((int(InputKind.MOVE), x, y))

    async def move_by(self, dx: int, dy: int) -> None:
        """Move the pointer by so many pixels, right and down, as a mouse does: for programs that have caught it, and
        hide it. Raises Refused where the host knows no such movement."""
        await self._do((int(InputKind.MOVE_BY), dx, dy))

    async def click(self, x: int, y: int, button: str = "left", count: int = 1) -> None:
        """Click `count` times."""
        number = _button(button)
        down, up = (int(InputKind.BUTTON), number, True), (int(InputKind.BUTTON), number, False)
        await self._do((int(InputKind.MOVE), x, y), *([down, up] * count))

    async def drag(self, x: int, y: int, to_x: int, to_y: int, button: str = "left") -> None:
        """Press at one point, move, release at another."""
        number = _button(button)
        await self._do((int(InputKind.MOVE), x, y), (int(InputKind.BUTTON), number, True))
        for step in range(1, DRAG_STEPS + 1):
            at = (x + (to_x - x) * step // DRAG_STEPS, y + (to_y - y) * step // DRAG_STEPS)
            await self._do((int(InputKind.MOVE), *at))
        await self._do((int(InputKind.BUTTON), number, False))

    async def scroll(self, dx: float, dy: float) -> None:
        """Turn the wheel by notches, right and down; fractions add up."""
        await self._do((int(InputKind.WHEEL), round(dx * 120), round(dy * 120)))

    async def type(self, text: str) -> None:
        """Type text; a newline presses Enter, a tab Tab.

        Raises ValueError, before anything is typed, for a character that can't be: it names it.
        """
        events: list[tuple[Any, ...]] = []
        run = ""
        for character in typed_lines(text):
            if character in KEY_CHARACTERS:
                if run:
                    events.append((int(InputKind.TEXT), run))
                    run = ""
                events += _chord("enter" if character == "\n" else "tab")
            else:
                run += character
        if run:
            events.append((int(InputKind.TEXT), run))
        for event in events:
            # Long text goes in pieces, each applied before the next is sent: what waits for too long is never sent.
            text = event[1] if event[0] == InputKind.TEXT else ""
            for at in range(0, max(1, len(text)), PIECE):
                await self._do((event[0], text[at : at + PIECE]) if text else event)

    async def press(self, chord: str, *, place: bool = False) -> None:
        """Press keys together: `ctrl+alt+t`, `enter`, `f5`. Raises ValueError for an unknown name.

        A letter, digit or sign means the key that has it on the host's keyboard; with `place`, the key that lies where
        a US keyboard has it, which is what games go by.
        """
        await self._do(*_chord(chord, place))

    def annotate(self, points: Iterable[tuple[int, int]]) -> None:
        """Draw a line through these points over the picture: all viewers see it for some seconds, the desktop never
        does. Raises ValueError for points that no desktop has, Refused where we may not draw."""
        places = [(int(x), int(y)) for x, y in points]
        if not places or not all(0 <= value < MAX_PICTURE_SIDE for place in places for value in place):
            raise ValueError("a line goes through points of a desktop")
        self._client.draw([self._placed(*place) for place in places])

    def point(self, x: int, y: int) -> None:
        """Point at something, for all viewers to see."""
        self._client.point(*self._placed(x, y), laser=True)

    def wipe(self, everybody: bool = False) -> None:
        """Wipe away what we drew, or what all did. Raises Refused where we may not draw."""
        self._client.wipe(everybody)

    async def screenshot(self, settle: float = 0.0) -> Screenshot:
        """The desktop as it is now; waits until all of it is here, then up to `settle` seconds until it is exact.

        Raises Refused when the session ends, and when the first picture does not come in the `timeout` of `connect`.
        """
        self._client.watch()
        try:
            async with asyncio.timeout(self._patience):
                while not self._presenter.shown:
                    self._changed.clear()
                    await self._or_ended(self._changed.wait())
        except TimeoutError:
            raise Refused(CloseCode.TIMEOUT, "The host let us in, but sent no picture in time.") from None
        if settle > 0:
            await self.wait_until_exact(settle)
        return Screenshot(self._presenter.screenshot(), self._presenter.is_exact)

    async def wait_until_exact(self, timeout: float | None = None) -> bool:
        """Wait until every pixel equals the host's; False when that did not happen in `timeout` seconds, as where
        something moves all the time. Raises Refused when the session ends."""
        self._client.watch()
        try:
            async with asyncio.timeout(timeout):
                await self._or_ended(self._became_exact.wait())
        except TimeoutError:
            return False
        return True

    async def wait_for_change(self, timeout: float | None = None) -> bool:
        """Wait for the next picture; False when none came in `timeout` seconds."""
        self._client.watch()
        self._changed.clear()
        try:
            async with asyncio.timeout(timeout):
                await self._or_ended(self._changed.wait())
        except TimeoutError:
            return False
        return True

    async def watch(self, seconds: float) -> None:
        """Let pictures come, where the connection was made without, and stay for so long. Raises Refused when the
        session ends before."""
        self._client.watch()
        try:
            async with asyncio.timeout(seconds):
                await self._or_ended(asyncio.Event().wait())
        except TimeoutError:
            return

    @property
    def status(self) -> Status | None:
        """What a person would be told of the connection now; None before there is anything to tell."""
        return self._presenter.state

    async def ended(self) -> Refused:
        """Wait until the session is over; why it is."""
        return await asyncio.shield(self._client.ended)

    def stats(self) -> dict[str, Any]:
        """Figures of the session (see the README). Raises Refused when it is over."""
        if self._client.ended.done():
            raise self._client.ended.result()
        return self._client.stats()

    async def _or_ended(self, waiting: Any) -> None:
        """Wait, but not for a session that is over. Raises Refused."""
        task = asyncio.ensure_future(waiting)
        try:
            await asyncio.wait([task, self._client.ended], return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise self._client.ended.result()
        finally:
            task.cancel()


def _button(name: str) -> int:
    if name not in BUTTONS:
        raise ValueError(f"{name!r} is no button: {', '.join(BUTTONS)}")
    return BUTTONS[name]


def _chord(text: str, place: bool = False) -> list[tuple[Any, ...]]:
    chord = parse_chord(text)
    bits = int(modifiers_of(chord.held))
    key = int(InputKind.KEY)
    return [
        *((key, modifier, True, bits, "") for modifier in chord.held),
        (key, chord.usage, True, bits, "" if place else chord.text),
        (key, chord.usage, False, bits, ""),
        *((key, modifier, False, 0, "") for modifier in reversed(chord.held)),
    ]


def thread_decoder(
    now: Callable[[], float], faults: Faults, find_hardware: Callable[[], Hardware] | None = None
) -> MakeDecoder:
    """Decode on a thread of its own, whose unforeseen errors go to `faults`; by software alone where nothing finds
    hardware, which takes a while to open and is for who watches for long."""

    found: list[Hardware] = []

    def open_decoder(codec: VideoCodec) -> Decoder:
        from avl_viewer.decode.video import VideoDecoder

        if find_hardware is not None and not found:
            found.append(find_hardware())
        return VideoDecoder(codec, hardware=found[0] if found else None)

    def make(decoded: Callable[[Decoded], None], failed: Callable[[Any, DecodeError], None]) -> DecodeWorker:
        return ThreadWorker(open_decoder=open_decoder, decoded=decoded, failed=failed, now=now, faults=faults)

    return make


def load_identity(state: Path | None, entropy: Callable[[int], bytes]) -> Identity:
    """This viewer's identity, from its state folder. Raises StateError."""
    return StateFolder(state or default_folder("viewer")).identity(entropy)


async def _way(target: str | Target | Way, world: World, folder: StateFolder, name: str) -> Way:
    """What a target or a name leads to. Raises ValueError, NoWay, Refused, StateError, OSError."""
    if isinstance(target, Way):
        return target
    if isinstance(target, Target):
        return Way(target)
    if not is_name(target):
        return Way(parse_target(target))
    from avl_viewer.account.reach import way_to  # with what reads statements, which who has a code does without

    return await way_to(world, folder, target, name)


@asynccontextmanager
async def connect(
    target: str | Target | Way,
    *,
    code: str = "",
    chain: Sequence[str] = (),
    identity: Identity | None = None,
    state: str | Path | None = None,
    timeout: float = 10.0,
    name: str | None = None,
    reconnect: bool = False,
    direct: bool = True,
    pictures: bool = True,
    monitor: str | None = None,
    world: World | None = None,
    make_decoder: MakeDecoder | None = None,
) -> AsyncIterator[Desktop]:
    """See a desktop for as long as the block lasts. `target`: avl://..., or the name of a device of the account that
    this program is signed in to (`avl login`), which needs no code.

    `chain`: statements that stand for a code (spec 11), given to this viewer's identity or, where it is another, to
    `identity`; `state`: folder of this viewer's identity; `timeout` in seconds, for coming in; `reconnect`: a session
    that is lost is kept for ten minutes, instead of `timeout`, and begun anew where that helps; `direct`: look for a
    direct path to the host, which tells it our addresses; `pictures` False: the host sends none before `screenshot`,
    `wait_for_change` or `watch`, so that a program which only acts costs neither side any; `monitor`: see this one by
    itself (`Desktop.choose`). Raises Refused, ValueError, StateError, LookupError for a monitor that is not there, and
    NoWay for a name that leads nowhere.
    """
    world = world or system_world()
    loop = asyncio.get_running_loop()
    now = world.clock.monotonic
    folder = StateFolder(Path(state) if state else default_folder("viewer"))
    way = await _way(target, world, folder, name or platform.node())

    def picture_came(picture: Picture) -> None:
        if desktop.on_picture is not None:
            desktop.on_picture(picture)
        if picture.desktop == presenter.first:
            loop.call_soon_threadsafe(desktop.picture_came)

    def exact_came(track: int, exact: bool) -> None:
        if track == presenter.first:
            loop.call_soon_threadsafe(desktop.exact_came, exact)

    def remarked(text: str) -> None:
        if desktop.on_remark is not None:
            desktop.on_remark(text)

    presenter = HeadlessPresenter(
        now,
        on_picture=picture_came,
        on_remark=remarked,
        on_exact=exact_came,
        on_layout=lambda *layout: desktop.rearranged(),
        on_watched=lambda: desktop.rearranged(),
    )
    settings = ClientSettings(
        target=way.target,
        code=code,
        chain=tuple(chain) or way.chain,
        access_pass=way.access_pass,
        again=way.again,
        identity=identity or folder.identity(world.entropy),
        name=name or platform.node(),
        patience=T_RESUME if reconnect else timeout,
        timeout=timeout,
        direct=direct,
        pictures=pictures,
        heads=folder,
        tickets=TicketFile(folder, way.target.device, world.clock.wall) if reconnect else TicketMemory(),
    )
    client = DesktopClient(world, settings, presenter, make_decoder or thread_decoder(now, world.faults))
    desktop = Desktop(client, presenter, timeout)
    await client.connect()
    try:
        if monitor is not None:
            await desktop.choose(monitor)
        yield desktop
    finally:
        await client.close()
