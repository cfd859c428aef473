"""Copies of more than text between whole programs: offered, fetched when somebody pastes, and never older than the
newest."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from avl_host.desktop.copypolicy import CopyPolicy
from avl_protocol.files.memory import MemoryTree
from avl_protocol.session.fetching import Fetched
from avl_protocol.wire import clipfiles
from avl_protocol.wire.clipformats import FILES, HTML, PLAIN, PNG, RTF, Copy, Format
from avl_protocol.wire.endtoend import ClipboardPart
from avl_protocol.wire.registry import MAX_CLIPBOARD_TEXT, ClipboardState, Permission
from avl_viewer.api import Desktop
from avl_viewer.clipboard import ClipboardError
from avl_viewer.pasting import HERE, ON_THEIR_WAY, PastedFiles
from tests.simulator.network import LinkShape
from tests.simulator.run import Simulation
from tests.simulator.world import VIEWER, system
from tests.system.seen import online, run, until

PICTURE = random.Random(1).randbytes(400_000)
FORMATS = {PNG: PICTURE, HTML: "<b>gr\u00fcn</b>".encode(), RTF: b"{\\rtf1 x}"}


@pytest.mark.parametrize("via", ["relay", "direct"])
def test_all_formats_of_a_copy_cross_both_ways_byte_for_byte(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host() as host:
            await online(host)
            async with s.viewer(host, pictures=False) as desktop:
                host.clipboard.copy("gr\u00fcn", FORMATS)
                await until(lambda: desktop.presenter.host_copy is not None)
                assert desktop.presenter.clipboard_text == "gr\u00fcn", "the text is here at once"
                assert set(await desktop.clipboard.types()) == {PLAIN, *FORMATS}
                for name, data in FORMATS.items():
                    assert await desktop.clipboard.read(name) == data
                assert await desktop.clipboard.read() == "gr\u00fcn".encode()
                for keep in (False, True):
                    copy = {PLAIN: b"back", **FORMATS, PNG: PICTURE[::-1] + bytes([keep])}
                    await desktop.clipboard.write(copy, keep=keep)
                    assert await host.clipboard.get() == "back"
                    for name, data in copy.items():
                        assert name == PLAIN or await host.clipboard.paste(name) == data
            await asyncio.sleep(5)
            assert await host.clipboard.paste(PNG) == copy[PNG], "it was to stay"

    run(main)


def test_nothing_of_a_copy_crosses_before_somebody_pastes() -> None:
    parts: list[ClipboardPart] = []

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host, pictures=False) as desktop:
                service = desktop.client.features.clipboard
                take = service._taker.part
                service._taker.part = lambda part, now: (parts.append(part), take(part, now))[1]  # type: ignore
                host.clipboard.copy(ClipboardState.NOT_TEXT, {PNG: PICTURE})
                await until(lambda: desktop.presenter.host_copy is not None)
                await asyncio.sleep(5)
                assert parts == [] and desktop.presenter.remarked is None
                assert await desktop.clipboard.read(PNG) == PICTURE and parts

    run(main)


def test_a_text_longer_than_crosses_at_once_is_fetched() -> None:
    long = "\u20ac" * (MAX_CLIPBOARD_TEXT // 3 + 1)

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host, pictures=False) as desktop:
                host.clipboard.copy(ClipboardState.TOO_LARGE, {PLAIN: long.encode()})
                await until(lambda: desktop.presenter.host_copy is not None)
                assert await desktop.clipboard.read() == long.encode()
                await desktop.clipboard.write({PLAIN: long.encode()})
                assert await host.clipboard.paste(PLAIN) == long.encode()

    run(main)


def test_two_viewers_of_one_host_paste_what_the_other_copied_and_nothing_echoes() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with (
                s.viewer(host, pictures=False) as one,
                s.viewer(host, pictures=False, address="10.0.0.4", name="other") as other,
            ):
                await until(lambda: None not in (one.presenter.state, other.presenter.state))
                await one.clipboard.write({PLAIN: b"both", PNG: PICTURE}, keep=False)
                await until(lambda: other.presenter.host_copy is not None)
                copy = other.presenter.host_copy
                assert copy is not None and copy.content == "both"
                assert await other.clipboard.read(PNG) == PICTURE
                stamp = (await host.clipboard.look()).stamp

                async def read(format: str) -> Fetched:
                    raise AssertionError("nobody asks for what is there")

                # As a window does whose system says that its clipboard has changed.
                await other.client.features.clipboard.offer(Copy(copy.content, copy.formats, copy.origin), read)
                await asyncio.sleep(1)
                assert (await host.clipboard.look()).stamp == stamp and one.presenter.host_copy is None
                host.clipboard.copy("put back", {PNG: PICTURE}, copy.origin)
                await asyncio.sleep(1)
                assert other.presenter.clipboard_text == "both", "a viewer on the host's own display has put it back"

    run(main)


def test_a_viewer_that_offers_and_never_delivers_holds_no_program_up() -> None:
    async def main(simulation: Simulation) -> None:
        now = simulation.clock.monotonic
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host, pictures=False) as desktop:

                async def never(format: str) -> Fetched:
                    await asyncio.sleep(1e6)
                    raise AssertionError

                offer = desktop.client.features.clipboard.offer
                await offer(Copy("text", (Format(PNG), Format(HTML))), never)
                began = now()
                results = await asyncio.gather(*(host.clipboard.paste(PNG) for _ in range(50)))
                assert set(results) == {ClipboardState.NO_ANSWER} and now() - began < 11
                assert await host.clipboard.get() == "text"
                with pytest.raises(ClipboardError):
                    await offer(Copy(ClipboardState.NOT_TEXT, (Format(PNG),)), never, keep=True)
                pasting = asyncio.ensure_future(host.clipboard.paste(HTML))
                await asyncio.sleep(0.1)
            began = now()
            assert not isinstance(await pasting, bytes) and now() - began < 1
            await asyncio.sleep(1)
            assert (await host.clipboard.look()).formats == (), "what nobody has is not offered"
            assert await host.clipboard.get() == "text"

    run(main)


def test_a_program_of_the_host_that_never_delivers_is_named() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host, pictures=False) as desktop:

                async def never(format: str) -> Fetched:
                    await asyncio.sleep(1e6)
                    raise AssertionError

                host.clipboard.copy("text", {PNG: b""})
                host.clipboard._give = never
                await until(lambda: desktop.presenter.host_copy is not None)
                with pytest.raises(ClipboardError) as caught:
                    await desktop.clipboard.read(PNG)
                assert caught.value.state is ClipboardState.NO_ANSWER

    run(main)


def test_what_the_owner_keeps_neither_leaves_nor_comes() -> None:
    policy = CopyPolicy(leaves=frozenset({"html"}), comes=frozenset({"text", "image"}), most=1000)

    async def refused(desktop: Desktop, formats: dict[str, bytes], keep: bool = True) -> ClipboardState:
        with pytest.raises(ClipboardError) as caught:
            await desktop.clipboard.write(formats, keep=keep)
        return caught.value.state

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(copies=policy) as host:
            await online(host)
            async with s.viewer(host, pictures=False) as desktop:
                host.clipboard.copy("secret", FORMATS)
                await until(lambda: desktop.presenter.host_copy is not None)
                assert await desktop.clipboard.types() == (HTML,) and desktop.presenter.clipboard_text is None
                with pytest.raises(ClipboardError, match="keeps texts"):
                    await desktop.clipboard.get()
                service = desktop.client.features.clipboard
                stamp = (await service.look()).stamp
                for name, state in ((PNG, ClipboardState.NOT_PERMITTED), ("image/gif", ClipboardState.NOT_PERMITTED)):
                    with pytest.raises(ClipboardError) as caught:
                        await service.fetch(stamp, name)
                    assert caught.value.state is state
                host.clipboard.copy("secret", {HTML: bytes(1001)})
                await asyncio.sleep(1)
                with pytest.raises(ClipboardError) as caught:
                    await desktop.clipboard.read(HTML)
                assert caught.value.state is ClipboardState.TOO_LARGE
                assert await refused(desktop, {HTML: b"x"}) is ClipboardState.NOT_PERMITTED
                assert await refused(desktop, {PNG: bytes(1001)}, keep=False) is ClipboardState.TOO_LARGE
                await desktop.clipboard.write({PNG: bytes(1000), HTML: b"x"}, keep=False)
                assert [each.name for each in (await host.clipboard.look()).formats] == [PNG]

    run(main)


def uris(*paths: str) -> bytes:
    return "".join(f"file://{path}\r\n" for path in paths).encode()


def pasted_files(desktop: Desktop, folder: Path, said: list[str]) -> PastedFiles:
    """As a window has them: what comes lies in `folder`."""
    features = desktop.client.features
    folder.mkdir(exist_ok=True)

    async def make() -> Path:
        return folder

    return PastedFiles(features.clipboard, features.files, said.append, make)


def test_files_that_were_copied_become_a_transfer_when_somebody_pastes(tmp_path: Path) -> None:
    shared = MemoryTree()
    shared.put("gr\u00fcn.txt", b"of the host")
    shared.put("folder/deep", b"deep")
    (tmp_path / "ours").write_bytes(PICTURE)
    (tmp_path / "Ordner").mkdir()
    (tmp_path / "Ordner" / "tief").write_bytes(b"of the viewer")
    said: list[str] = []

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(files=shared) as host:
            await online(host)
            async with s.viewer(host, pictures=False) as desktop:
                listed = uris("/shared/gr%C3%BCn.txt", "/shared/folder", "/shared/gone", "/etc/passwd")
                host.clipboard.copy(ClipboardState.NOT_TEXT, {FILES: listed})
                await until(lambda: desktop.presenter.host_copy is not None)
                assert await desktop.clipboard.files() == ("/shared/gr\u00fcn.txt", "/shared/folder")
                pasted = pasted_files(desktop, tmp_path / "here", said)
                stamp = (await desktop.client.features.clipboard.look()).stamp
                brought = await asyncio.gather(pasted.bring(stamp), pasted.bring(stamp))
                found = [Path(path) for path in clipfiles.paths_of(brought[0])]
                assert brought[0] == brought[1] and [path.name for path in found] == ["folder", "gr\u00fcn.txt"]
                assert found[1].read_bytes() == b"of the host" and (found[0] / "deep").read_bytes() == b"deep"

                give = pasted.giving((str(tmp_path / "ours"), str(tmp_path / "Ordner"), str(tmp_path / "ours") + "/"))
                offered = Copy(ClipboardState.NOT_TEXT, (Format(FILES),))
                await desktop.client.features.clipboard.offer(offered, lambda format: give())
                await asyncio.sleep(5)
                assert "ours" not in shared.files, "nothing crosses before somebody pastes"
                assert await host.clipboard.paste(FILES) == uris("/shared/ours", "/shared/Ordner")
                assert shared.files["ours"] == PICTURE and shared.files["Ordner/tief"] == b"of the viewer"

                (tmp_path / "ours").write_bytes(b"another")
                again = pasted.giving((str(tmp_path / "ours"), str(tmp_path / "no such file")))
                assert await again() is ClipboardState.NO_ANSWER and "no such file" in said[-1]
                assert await pasted.giving((str(tmp_path / "ours"),))() is ClipboardState.NO_ANSWER
                assert said[-1].startswith("ours: "), "what is there is not replaced"
                assert shared.files["ours"] == PICTURE
                (tmp_path / "new").write_bytes(b"new")
                await desktop.clipboard.write_files(tmp_path / "new")
                assert await host.clipboard.paste(FILES) == uris("/shared/new")
                await desktop.clipboard.write({FILES: b"/etc/passwd\n/shared/gone\n/shared/../etc/passwd"})
                assert await host.clipboard.paste(FILES) is ClipboardState.NOT_PERMITTED

    run(main)


def test_files_that_take_longer_than_a_program_waits_are_pasted_the_next_time(tmp_path: Path) -> None:
    shared = MemoryTree()
    shared.put("large", PICTURE)
    (tmp_path / "ours").write_bytes(PICTURE)
    said: list[str] = []

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(files=shared) as host:
            await online(host)
            async with s.viewer(host, pictures=False) as desktop:
                pasted = pasted_files(desktop, tmp_path / "here", said)
                host.clipboard.copy(ClipboardState.NOT_TEXT, {FILES: uris("/shared/large")})
                await until(lambda: desktop.presenter.host_copy is not None)
                stamp = (await desktop.client.features.clipboard.look()).stamp
                with pytest.raises(ClipboardError, match="on their way"):
                    await pasted.bring(stamp)
                await until(lambda: said == [HERE])
                (path,) = clipfiles.paths_of(await pasted.bring(stamp))
                assert Path(path).read_bytes() == PICTURE
                give = pasted.giving((str(tmp_path / "ours"),))
                offered = Copy(ClipboardState.NOT_TEXT, (Format(FILES),))
                await desktop.client.features.clipboard.offer(offered, lambda format: give())
                assert await host.clipboard.paste(FILES) is ClipboardState.NO_ANSWER
                await until(lambda: said == [HERE, ON_THEIR_WAY, HERE])
                assert await host.clipboard.paste(FILES) == uris("/shared/ours")
                assert shared.files["ours"] == PICTURE

    run(main, shape=LinkShape(rate=250_000.0))


@pytest.mark.parametrize("forbid", [Permission.FILES_OUT | Permission.FILES_IN, Permission(0)])
def test_files_are_no_format_of_a_session_that_may_not_have_them(forbid: Permission) -> None:
    async def main(simulation: Simulation) -> None:
        copies = CopyPolicy() if forbid else CopyPolicy(leaves=frozenset({"text"}), comes=frozenset({"text"}))
        async with system(simulation) as s, s.host(forbid=forbid, copies=copies) as host:
            await online(host)
            host.files.put("there", b"there")
            async with s.viewer(host, pictures=False) as desktop:
                host.clipboard.copy(ClipboardState.NOT_TEXT, {FILES: uris("/shared/there")})
                await asyncio.sleep(1)
                assert desktop.presenter.host_copy is None and await desktop.clipboard.files() == ()
                service = desktop.client.features.clipboard
                with pytest.raises(ClipboardError) as caught:
                    await service.fetch((await service.look()).stamp, FILES)
                assert caught.value.state is ClipboardState.NOT_PERMITTED
                with pytest.raises(ClipboardError) as caught:
                    await desktop.clipboard.write({FILES: b"/shared/there"})
                assert caught.value.state is ClipboardState.NOT_PERMITTED

    run(main)


def test_who_may_not_is_told_so_at_each_message() -> None:
    async def main(simulation: Simulation) -> None:
        forbid = Permission.CLIPBOARD_IN
        async with system(simulation) as s, s.host(forbid=forbid) as host:
            await online(host)
            async with s.viewer(host, pictures=False) as desktop:
                session = desktop.client._session
                assert session is not None
                answers: list[tuple[bool, int]] = []
                service = desktop.client.features.clipboard
                service._requests.was_set = lambda serial, taken, state: answers.append((taken, state))  # type: ignore
                from avl_protocol.wire.endtoend import ClipboardOffer

                session.send(ClipboardOffer(1, ((PNG, 1),)))
                await until(lambda: bool(answers))
                assert answers == [(False, ClipboardState.NOT_PERMITTED)]
                assert await host.clipboard.get() is ClipboardState.EMPTY

    run(main)


def test_a_fetch_goes_on_over_a_loss_and_answers_by_the_copy_that_it_asked_for() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host, pictures=False, reconnect=True) as desktop:
                host.clipboard.copy("one", {PNG: PICTURE})
                await until(lambda: desktop.presenter.host_copy is not None)
                reading = asyncio.ensure_future(desktop.clipboard.read(PNG))
                await asyncio.sleep(0.2)
                machine = simulation.network.at(VIEWER)
                machine.asleep = True
                await asyncio.sleep(3)
                machine.asleep = False
                assert await reading == PICTURE
                stamp = (await desktop.client.features.clipboard.look()).stamp
                host.clipboard.copy("two", {PNG: b"newer"})
                with pytest.raises(ClipboardError) as caught:
                    await desktop.client.features.clipboard.fetch(stamp, PNG)
                assert caught.value.state is ClipboardState.GONE

    run(main)


def test_what_the_host_told_before_it_took_ours_is_older() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host, pictures=False) as desktop:
                await desktop.clipboard.set("begun")
                setting = asyncio.ensure_future(desktop.clipboard.set("ours"))
                await asyncio.sleep(0)
                host.clipboard.copy("the host's", {PNG: b"x"})  # they cross; the host meets ours last
                await setting
                await asyncio.sleep(1)
                assert await host.clipboard.get() == "ours"
                assert desktop.presenter.clipboard_text is None and desktop.presenter.host_copy is None
                host.clipboard.takes = False
                setting = asyncio.ensure_future(desktop.clipboard.set("refused"))
                await asyncio.sleep(0)
                host.clipboard.takes = True
                host.clipboard.copy("newest", {PNG: b"x"})
                host.clipboard.takes = False
                with pytest.raises(ClipboardError):
                    await setting
                await until(lambda: desktop.presenter.clipboard_text == "newest")

    run(main)


def test_a_copy_that_waited_for_a_path_does_not_replace_a_newer_one() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host, pictures=False, reconnect=True) as desktop:
                await desktop.clipboard.set("begun")
                machine = simulation.network.at(VIEWER)
                for newest in ("here", "there"):
                    machine.asleep = True
                    await asyncio.sleep(1)
                    if newest == "here":
                        host.clipboard.copy("older there", {PNG: b"x"})
                    setting = asyncio.ensure_future(desktop.clipboard.set("here"))
                    await asyncio.sleep(2)
                    if newest == "there":
                        host.clipboard.copy("there", {PNG: b"x"})
                    await asyncio.sleep(2)
                    machine.asleep = False
                    if newest == "here":
                        await setting
                    else:
                        with pytest.raises(ClipboardError) as caught:
                            await setting
                        assert caught.value.state is ClipboardState.GONE
                    await asyncio.sleep(1)
                    assert await host.clipboard.get() == newest
                    told = desktop.presenter.clipboard_text
                    assert told == (None if newest == "here" else "there")

    run(main)


def test_a_large_copy_leaves_room_for_texts_and_pictures() -> None:
    """On 20 Mbit/s: the newest picture is young, and a text is there before a quarter of a second."""
    large = random.Random(2).randbytes(3 << 20)

    async def main(simulation: Simulation) -> None:
        now = simulation.clock.monotonic
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host, pictures=True) as desktop:
                await asyncio.sleep(2)
                host.clipboard.copy("x", {PNG: large})
                await until(lambda: desktop.presenter.host_copy is not None)
                copy = desktop.presenter.host_copy
                assert copy is not None
                reading = asyncio.ensure_future(desktop.client.features.clipboard.fetch(copy.stamp, PNG))
                await asyncio.sleep(1)
                assert not reading.done()
                asked = now()
                assert await desktop.clipboard.get() == "x"
                assert now() - asked < 0.25
                latest = desktop.presenter.latest()
                assert latest is not None and now() - latest.captured < 0.25
                assert await reading == large

    run(main, shape=LinkShape(rate=20e6))
