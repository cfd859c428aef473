"""DesktopClient in virtual time: what it survives, what it believes, and when it gives up."""

from __future__ import annotations

import asyncio
import zlib
from typing import Any

import pytest

from avl_host.presence.question import Decision, Question
from avl_protocol.crypto.identity import Identity
from avl_protocol.session.input.ledger import Dropped, Fate
from avl_protocol.session.viewerevents import Received
from avl_protocol.wire.endtoend import Clipboard, ClipboardSet, Cursor, Layout
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.messages import Recover
from avl_protocol.wire.registry import CLOSE_CODES, RETRYABLE, ClipboardState, CloseCode
from avl_viewer.client import DesktopClient
from avl_viewer.config import ClientSettings
from avl_viewer.decode.decoder import DecodeError
from avl_viewer.decode.video import VideoDecoder
from avl_viewer.decode.worker import InlineWorker
from avl_viewer.present.cursor import cursor_shape
from avl_viewer.present.headless import HeadlessPresenter
from avl_viewer.services.clipboard import ClipboardRequests
from avl_viewer.services.input import InputRequests
from tests.simulator.run import Simulation
from tests.simulator.world import CODE, RELAY, VIEWER, System, system
from tests.system.seen import behind, number, online, run, until
from tests.system.snow import Snow


def test_only_losses_are_dialled_again_and_every_answer_is_final() -> None:
    assert {code for code in RETRYABLE if CLOSE_CODES[code][1] == 3} == set()
    for code in (CloseCode.REFUSED, CloseCode.DENIED, CloseCode.WRONG_RELAY, CloseCode.EVICTED, CloseCode.ENDED):
        assert code not in RETRYABLE


@pytest.mark.parametrize(
    "message",
    [
        Cursor(serial=9, width=100_000, height=100_000, hot_x=0, hot_y=0, image=zlib.compress(bytes(100))),
        Cursor(serial=9, width=-4, height=-4, hot_x=0, hot_y=0, image=zlib.compress(bytes(64))),
        Cursor(serial=9, width=-4, height=4, hot_x=0, hot_y=0, image=zlib.compress(bytes(64))),
        Cursor(serial=9, width=1 << 62, height=1 << 62, hot_x=0, hot_y=0, image=b""),
        Cursor(serial=9, width=16, height=16, hot_x=0, hot_y=0, image=zlib.compress(bytes(50_000_000))),
        Cursor(serial=9, width=16, height=16, hot_x=0, hot_y=0, image=zlib.compress(bytes(16))),
        Cursor(serial=9, width=16, height=16, hot_x=0, hot_y=0, image=b"not zlib"),
        Cursor(serial=9, width=0, height=1 << 40, hot_x=0, hot_y=0, image=zlib.compress(b"")),
        Cursor(serial=9, width=1, height=513, hot_x=0, hot_y=0, image=zlib.compress(bytes(513 * 4))),
        Cursor(serial=9, width=513, height=1, hot_x=0, hot_y=0, image=zlib.compress(bytes(513 * 4))),
        Cursor(serial=9, width=16, height=16, hot_x=0, hot_y=0, image=zlib.compress(bytes(16 * 16 * 4)), scale=0),
        Cursor(serial=9, width=16, height=16, hot_x=0, hot_y=0, image=zlib.compress(bytes(16 * 16 * 4)), scale=2),
        Cursor(serial=9, width=16, height=16, hot_x=0, hot_y=0, image=zlib.compress(bytes(4)), scale=1 << 60),
        Layout(10, 10, ("a",), ((1,),)),
        Layout(10, 10, ("a", "b"), ((1, 2, 3, 4, 0),)),
        Layout(10, 10, (), ((1, 2, 3, 4, 5, 6),)),
        ClipboardSet(4711, True),
        Clipboard(1, "unasked"),
    ],
    ids=lambda message: type(message).__name__,
)
def test_whatever_a_host_says_about_its_desktop_raises_nothing(message: Any) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await number(desktop)
                client = desktop.client
                shape = desktop.presenter.cursor_shape
                client.session_event(Received(message), simulation.clock.monotonic())
                assert desktop.presenter.cursor_shape is shape
                assert not client.ended.done()

    run(main)


@pytest.mark.parametrize("code", [CloseCode.ENDED, CloseCode.DISPLAY_LOST, CloseCode.EVICTED])
def test_what_waits_when_the_session_ends_fails_whatever_the_code(code: CloseCode) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await number(desktop)
                loop = asyncio.get_running_loop()
                (subscriber,) = host.agent.subscribers.subscribers()
                loop.call_later(0.5, host.agent.subscribers.end, subscriber.session, code, simulation.clock.monotonic())
                begun = loop.time()
                with pytest.raises(Refused) as caught:
                    await desktop.watch(30.0)
                assert loop.time() - begun < 5 and caught.value.exit_status > 0
                for ask in (desktop.wait_for_change, desktop.clipboard.get, lambda: desktop.type("x")):
                    with pytest.raises(Refused):
                        await ask()
                with pytest.raises(Refused):
                    desktop.stats()

    run(main)


def test_a_first_picture_that_does_not_come_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                monkeypatch.setattr(desktop.presenter, "latest", lambda: None)
                begun = asyncio.get_running_loop().time()
                with pytest.raises(Refused, match="no picture") as caught:
                    await desktop.screenshot()
                assert caught.value.exit_status == 4
                assert asyncio.get_running_loop().time() - begun < 11

    run(main)


@pytest.mark.parametrize(("ran", "status"), [(True, 0), (False, 1)])
def test_a_window_s_session_that_ended_in_peace_succeeded_only_if_it_ran(ran: bool, status: int) -> None:
    async def main(simulation: Simulation) -> None:
        now = simulation.clock.monotonic
        asked = asyncio.Event()

        async def ask(question: Question) -> Decision | None:
            asked.set()
            if not ran:
                await asyncio.Event().wait()
            return Decision(question.wish)

        async with system(simulation) as s, s.host(ask=ask, ask_consent=True) as host:
            await online(host)
            world, presenter = s.world(VIEWER, "viewer"), HeadlessPresenter(now)
            settings = ClientSettings(
                target=s.target(host), code=CODE, identity=Identity(world.entropy(32)), name="viewer"
            )
            client = DesktopClient(
                world, settings, presenter, lambda decoded, failed: InlineWorker(VideoDecoder, decoded, failed, now)
            )
            coming = asyncio.ensure_future(client.connect())
            await asked.wait()
            if ran:
                await coming
            host.agent.subscribers.end_all(CloseCode.ENDED, now())
            assert (await client.ended).code is CloseCode.ENDED
            await asyncio.gather(coming, return_exceptions=True)
            await until(lambda: presenter.state is not None and presenter.state.stage == "ended", 3)
            assert presenter.state is not None and presenter.state.exit_status == status

    run(main)


@pytest.mark.parametrize(("hot_x", "hot_y"), [(0, 0), (-9, 99), (1 << 60, -1 << 60)])
def test_a_pointer_of_any_shape_is_small_and_points_into_itself(hot_x: int, hot_y: int) -> None:
    shape = cursor_shape(
        Cursor(serial=1, width=512, height=2, hot_x=hot_x, hot_y=hot_y, image=zlib.compress(bytes(512 * 2 * 4)))
    )
    assert shape is not None and 0 <= shape.hot_x < 512 and 0 <= shape.hot_y < 2
    hidden = cursor_shape(Cursor(serial=2, width=0, height=0, hot_x=hot_x, hot_y=hot_y, image=zlib.compress(b"")))
    assert hidden is not None and (hidden.width, hidden.hot_x, hidden.hot_y) == (0, 0, 0)


def test_a_desktop_too_large_for_a_viewer_is_said_to_be_and_not_waited_for() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                (subscriber,) = host.agent.subscribers.subscribers()
                subscriber.session.send(Layout(20_000, 20_000))
                with pytest.raises(Refused) as caught:
                    while True:
                        await desktop.wait_for_change()
                assert caught.value.code is CloseCode.TOO_LARGE and caught.value.exit_status == 1
                assert "8,192" in str(caught.value)

    run(main)


def test_a_picture_that_can_not_be_decoded_is_asked_for_again() -> None:
    async def main(simulation: Simulation) -> None:
        snow: Any = Snow(simulation.clock.monotonic, (320, 192))
        async with system(simulation) as s, s.host(shows=snow) as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await number(desktop)
                await asyncio.sleep(1)
                client = desktop.client
                sent: list[Any] = []
                assert client.paths is not None and client.paths.current is not None
                hop = client.paths.current.hop
                send = hop.send

                def keep(message: Any) -> None:
                    sent.append(message)
                    send(message)

                hop.send = keep  # type: ignore[method-assign]
                decode, failed = VideoDecoder.decode, list[bytes]()

                def fail_once(decoder: VideoDecoder, data: bytes) -> Any:
                    if not failed:
                        failed.append(data)
                        raise DecodeError("damaged")
                    return decode(decoder, data)

                with pytest.MonkeyPatch.context() as patched:
                    patched.setattr(VideoDecoder, "decode", fail_once)
                    await asyncio.sleep(1)
                assert failed
                assert any(isinstance(message, Recover) for message in sent)
                assert await behind(desktop, snow) <= 4

    run(main)


def test_requests_fail_when_the_session_does() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await number(desktop)
                host.source.set_still(True)
                simulation.network.change(RELAY, VIEWER, loss=1.0)
                waiting = [
                    asyncio.ensure_future(action)
                    for action in (desktop.type("x"), desktop.clipboard.get(), desktop.clipboard.set("y"))
                ]
                results = await asyncio.gather(*waiting, return_exceptions=True)
                assert all(isinstance(result, Refused) and result.exit_status == 4 for result in results), results

    run(main)


def test_a_silent_host_is_shown_as_stale_and_takes_no_input() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await number(desktop)
                presenter = desktop.presenter
                simulation.network.change(RELAY, VIEWER, loss=1.0)
                await until(lambda: presenter.state is not None and presenter.state.stage == "lost", 3)
                assert presenter.state is not None and "Nobody answers" in presenter.state.text
                await asyncio.sleep(3)  # no beacon for so long
                with pytest.raises(Refused):
                    await desktop.type("into the dark")
                simulation.network.change(RELAY, VIEWER, loss=0.0)
                await until(lambda: presenter.state is not None and presenter.state.stage == "running", 10)
                await desktop.type("again")
            assert host.sink.typed == "again"

    run(main)


async def attempts(simulation: Simulation, s: System, seconds: float, **world: Any) -> int:
    """Connections that a viewer opens to a relay in so many seconds."""
    before = simulation.network.link(VIEWER, RELAY).sent
    await asyncio.sleep(seconds)
    return simulation.network.link(VIEWER, RELAY).sent - before


def test_dialling_again_is_patient_and_ends_with_the_block() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host, reconnect=True) as desktop:
                await number(desktop)
                assert s.relay_instance is not None
                await s.relay_instance.close()
                await asyncio.sleep(5)
                assert await attempts(simulation, s, 60) < 240  # four packets a second
                assert desktop.status is not None and desktop.status.stage == "lost"
            assert await attempts(simulation, s, 60) <= 3
            await s.start_relay()

    run(main)


def test_a_code_that_was_changed_ends_the_dialling_with_that_answer() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(resume=0.0, code=None) as host:
            await online(host)
            code = host.agent.admission.codes[0]
            assert code is not None
            async with s.viewer(host, code, reconnect=True) as desktop:
                await number(desktop)
                for _ in range(3):  # wrong codes in a row: the host makes itself another
                    with pytest.raises(Refused):
                        async with s.viewer(host, "WRONG-CODE", "10.0.0.9", "guesses"):
                            pass
                await until(lambda: host.agent.admission.codes[0] != code, 3)
                assert s.relay_instance is not None
                await s.relay_instance.close()
                await s.start_relay()
                reason = await desktop.ended()
                assert reason.code is CloseCode.REFUSED and reason.exit_status == 3
                assert desktop.status is not None and desktop.status.exit_status == 3

    run(main)


async def test_clipboards_that_were_set_are_answered_by_number() -> None:
    requests = ClipboardRequests(asyncio.get_running_loop())
    first, one = requests.set()
    second, two = requests.set()
    assert first != second
    requests.was_set(second, False, ClipboardState.TOO_LARGE)
    requests.was_set(second, True, 0)
    requests.was_set(99, True, 0)
    assert two.result() is ClipboardState.TOO_LARGE and not one.done()
    for state in (0, 99):  # of a host that says no more
        third, three = requests.set()
        requests.was_set(third, False, state)
        assert three.result() is ClipboardState.NO_ANSWER
    requests.fail(Refused(CloseCode.SESSION_LOST))
    assert isinstance(one.exception(), Refused)


async def test_input_is_answered_by_batch() -> None:
    requests = InputRequests(asyncio.get_running_loop())
    early, late = requests.wait(range(2, 4)), requests.wait(range(4, 6))
    requests.applied(4)
    assert early.done() and not late.done()
    requests.dropped([Dropped(3, (), Fate.UNSENT), Dropped(6, (), Fate.UNSENT)])
    assert not late.done()
    parts = requests.wait(range(6, 9))
    requests.dropped([Dropped(7, (), Fate.DISCARDED)])
    assert isinstance(parts.exception(), Refused), "a part of it came to nothing"
    requests.fail(Refused(CloseCode.SESSION_LOST))
    assert isinstance(late.exception(), Refused)
