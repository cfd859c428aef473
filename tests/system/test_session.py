"""One desktop, seen and driven, in virtual time: relay, host and viewer as they are, over a simulated network."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from avl_host.presence.question import Decision, Question
from avl_protocol.session.host import HostSession
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.wire.endtoend import ControlMessage, Decoder, NeedKeys
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.messages import Detach, Recover, Subscribe
from avl_protocol.wire.registry import MAX_CLIPBOARD_TEXT, Channel, ClipboardState, CloseCode, Permission
from avl_protocol.wire.target import RelayAddress, Target
from avl_viewer.clipboard import ClipboardError
from tests.simulator.run import Simulation
from tests.simulator.world import CODE, PORT, RELAY, RunningHost, System, system
from tests.system.seen import Sealed, behind, number, online, run, sealed, until
from tests.system.snow import Snow

VIEW_CODE = "LOOK-ONLY"
#: The numbers of a host's tracks.
FIRST, EXACT = 1, 2


async def refusal(system: System, host: RunningHost, **changes: object) -> Refused:
    """Why a viewer does not come in."""
    with pytest.raises(Refused) as caught:
        async with system.viewer(host, **changes):  # type: ignore[arg-type]
            raise AssertionError("came in")
    return caught.value


def test_the_picture_arrives_and_keeps_moving(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                for _ in range(4):
                    shown = await number(desktop)
                    assert shown is not None and 0 <= host.source.number - shown <= 3
                    await asyncio.sleep(0.5)
                assert desktop.size == (320, 192)
                stats = desktop.stats()
                assert stats["fps"] == pytest.approx(30, abs=2)
                assert stats["loss"] == 0.0 and stats["path"] == ("relay" if via == "relay" else "lan")
                hops = 2 if via == "relay" else 1
                assert 10 * hops <= stats["glass_to_glass_ms"]["p50"] <= 10 * hops + 20

    run(main)


def test_typed_text_clicks_and_chords_arrive_exactly(via: str) -> None:
    text = 'Grüße, "quotes" & 漢字 😀\tTab\nsecond line\r\nthird'

    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await desktop.type(text)
                assert host.sink.typed == 'Grüße, "quotes" & 漢字 😀Tabsecond linethird'
                pressed = [event[1] for event in host.sink.events if event[0] == "key" and event[2]]
                assert pressed == [0x2B, 0x28, 0x28]
                host.sink.events.clear()
                await desktop.click(5, 6, "right", 2)
                await desktop.press("ctrl+alt+t")
                await desktop.scroll(0, -1.5)
                await desktop.drag(1, 1, 100, 50)
                assert host.sink.events[:5] == [
                    ("move", 5, 6),
                    *[("button", 3, True), ("button", 3, False)] * 2,
                ]
                assert ("scroll", 0, -180) in host.sink.events
                assert host.sink.events[-1] == ("button", 1, False) and host.sink.events[-2] == ("move", 100, 50)
                assert host.sink.held == set()

    run(main)


def test_who_only_acts_costs_no_picture_until_it_asks_for_one() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host, pictures=False) as desktop:
                await desktop.type("quiet")
                await asyncio.sleep(5.0)
                assert host.sink.typed == "quiet" and host.source.number < 0, "not one was taken"
                assert desktop.stats()["bitrate_bps"] == 0
                assert await number(desktop) >= 0
                await asyncio.sleep(1.0)
                assert desktop.stats()["fps"] == pytest.approx(30, abs=2)

    run(main)


def test_a_second_viewer_comes_in_with_one_key_object_and_no_question() -> None:
    """What is left of the first one's pictures in the relay it could not open: it would ask for keys that nobody gives
    it."""
    asked: list[ControlMessage] = []

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            for at in range(4):
                async with s.viewer(host, name=f"viewer {at}") as desktop:
                    await number(desktop)
                    await asyncio.sleep(0.05 * at)

    told = ViewerSession.send

    def noted(session: ViewerSession, message: ControlMessage) -> None:
        asked.append(message)
        told(session, message)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ViewerSession, "send", noted)
        run(main)
    assert any(isinstance(message, Decoder) for message in asked)
    assert not any(isinstance(message, NeedKeys) for message in asked)


def test_a_long_text_arrives_whole(via: str) -> None:
    text = "".join(chr(97 + at * 7 % 26) for at in range(100_000))

    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host() as host:
            await online(host)
            host.source.set_still(True)
            async with s.viewer(host) as desktop:
                await desktop.type(text)
                assert host.sink.typed == text

    run(main)


def test_input_to_photon_is_known(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await asyncio.sleep(1)
                for at in range(20):
                    await desktop.move(at, at)
                    await asyncio.sleep(0.1)
                photon = desktop.stats()["input_to_photon_ms"]
                hops = 2 if via == "relay" else 1
                assert 20 * hops <= photon["p50"] <= 20 * hops + 50  # there, up to a frame, back

    run(main)


def test_the_clipboard_travels_both_ways(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await desktop.clipboard.set("from the viewer: ü")
                assert await host.clipboard.get() == "from the viewer: ü"
                host.clipboard.set("from the host")
                assert await desktop.clipboard.get() == "from the host"
                large = "x€" * 250_000
                await desktop.clipboard.set(large)
                assert await desktop.clipboard.get() == large
                with pytest.raises(Refused, match="too large"):
                    await desktop.clipboard.set("x" * 1_100_000)
                assert await desktop.clipboard.get() == large

    run(main)


def test_a_clipboard_without_text_says_why_and_one_with_it_has_the_desktops_line_ends(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                assert await desktop.clipboard.get() == ""
                for held, state in (
                    ("a\0b", ClipboardState.NOT_TEXT),
                    ("x" * (MAX_CLIPBOARD_TEXT + 1), ClipboardState.TOO_LARGE),
                    (ClipboardState.NO_ANSWER, ClipboardState.NO_ANSWER),
                ):
                    host.clipboard.copy(held)
                    await until(lambda: desktop.presenter.remarked is not None)
                    desktop.presenter.remarked = None
                    with pytest.raises(ClipboardError) as caught:
                        await desktop.clipboard.get()
                    assert caught.value.state is state and desktop.presenter.remarked is None
                await desktop.clipboard.set("one\r\ntwo\rthree\n")
                assert await host.clipboard.get() == await desktop.clipboard.get() == "one\ntwo\nthree\n"
                for wrong in ("\0", "\ud83d"):
                    with pytest.raises(ClipboardError) as caught:
                        await desktop.clipboard.set(wrong)
                    assert caught.value.state is ClipboardState.NOT_TEXT
                await desktop.clipboard.set("")
                assert await desktop.clipboard.get() == ""

    run(main)


def test_a_copy_at_the_host_is_told_to_a_viewer_that_has_not_used_the_clipboard(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                host.clipboard.copy("one")  # at the moment of admission: its channel is not open yet
                await until(lambda: desktop.presenter.clipboard_text == "one")
                host.clipboard.copy("two")
                await until(lambda: desktop.presenter.clipboard_text == "two")

    run(main)


def test_what_a_viewer_asks_of_its_hop_is_done(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        snow: Any = Snow(simulation.clock.monotonic, (320, 192))
        async with system(simulation, via=via) as s, s.host(shows=snow) as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await number(desktop)
                await until(lambda: "upload" in desktop.stats()["rate"])
                assert ("download" in desktop.stats()["rate"]) == (via == "relay"), "a hop of its own"
                paths, session = desktop.client.paths, desktop.client.session
                assert paths is not None and paths.current is not None and session is not None
                hop, handle = paths.current.hop, session.attachment.handle

                def subscribe(handle: int, wish: int) -> None:
                    for track in (FIRST, EXACT):
                        hop.send(Subscribe(handle, track, wish))

                subscribe(handle, 0)
                await until(lambda: not host.agent.publisher.ready())
                await asyncio.sleep(0.5)
                last = snow.number
                await asyncio.sleep(1)
                assert snow.number == last, "nobody looks, so that nothing is captured"
                subscribe(handle + 1, 1)
                await asyncio.sleep(0.5)
                assert not host.agent.publisher.ready(), "that is not this session"
                subscribe(handle, 1)
                assert await desktop.wait_for_change(2)
                await asyncio.sleep(1)
                assert await behind(desktop, snow) <= 4
                await asyncio.sleep(1)
                keys = kept(host)
                hop.send(Recover(handle, FIRST, 0))
                await asyncio.sleep(0.5)
                assert len(keys) == 1, "a key object, once"
                hop.send(Detach(handle, CloseCode.ENDED))
                await asyncio.sleep(0.5)
                assert not host.agent.publisher.ready(), "pictures end at once"

    run(main)


def kept(host: RunningHost) -> list[int]:
    """The key objects that a host seals from now on, as they come."""
    keys: list[int] = []

    def keep(one: Sealed) -> None:
        if one.key:
            keys.append(one.number)

    sealed(host, keep)
    return keys


def test_a_still_picture_settles(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await desktop.screenshot()
                host.source.set_still(True)
                await asyncio.sleep(0.5)  # what it shows now has come
                shot = await desktop.screenshot(settle=4)
                assert shot.exact
                card = host.source.grab(whole=True)
                assert card is not None
                assert np.array_equal(shot.pixels, card.pixels[:, :, 2::-1])

    run(main)


# -- who comes in ------------------------------------------------------------------------------------------------------


def test_a_wrong_code_is_refused_with_exit_code_3(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host() as host:
            await online(host)
            refused = await refusal(s, host, code="WRONG-ONE")
            assert refused.code is CloseCode.REFUSED and refused.exit_status == 3
            async with s.viewer(host) as desktop:
                await desktop.screenshot()

    run(main)


def test_a_printed_code_is_replaced_after_three_wrong_tries(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host(code=None) as host:
            await online(host)
            first = host.agent.admission.codes[0]
            for at in range(3):
                await refusal(s, host, code="WRONG-ONE", address=f"10.0.1.{at}", name=f"stranger{at}")
                await asyncio.sleep(0.1)
            second = host.agent.admission.codes[0]
            assert first is not None and second is not None and first != second
            assert "the code was replaced" in host.said
            assert "  why     somebody tried three wrong codes in a row" in host.said
            assert (await refusal(s, host, code=first)).code is CloseCode.REFUSED
            async with s.viewer(host, code=second):
                pass

    run(main)


def test_a_one_use_code_lets_one_viewer_in(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host(code_once=True) as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await desktop.screenshot()
                assert (await refusal(s, host, address="10.0.0.9", name="late")).code is CloseCode.REFUSED
                await desktop.type("still here")
            assert host.sink.typed == "still here"

    run(main)


def test_the_view_code_shows_and_takes_nothing(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host(view_code=VIEW_CODE) as host:
            await online(host)
            host.clipboard.set("secret")
            async with s.viewer(host, code=VIEW_CODE) as desktop:
                assert await number(desktop) is not None
                for attempt in (
                    desktop.type("rm"),
                    desktop.click(1, 1),
                    desktop.clipboard.get(),
                    desktop.clipboard.set("x"),
                ):
                    with pytest.raises(Refused) as caught:
                        await attempt
                    assert caught.value.code is CloseCode.NOT_PERMITTED and caught.value.exit_status == 3
                # A viewer that lies to itself is stopped on the way.
                session = desktop.client.session
                assert session is not None
                session.permissions = Permission(sum(Permission))
                session._pipes.open(1)
                session.send_input([(5, "rm -rf")], simulation.clock.monotonic())
                await asyncio.sleep(1)
            assert host.sink.events == []
            assert await host.clipboard.get() == "secret"

    run(main)


def test_a_clipboard_that_is_never_answered_is_not_waited_for_for_ever() -> None:
    """Whatever became of the question: a relay may drop it."""

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            host.source.set_still(True)
            async with s.viewer(host) as desktop:
                with pytest.MonkeyPatch.context() as patched:
                    patched.setattr(HostSession, "send", lambda *arguments: False)
                    with pytest.raises(ClipboardError) as asked:
                        await desktop.clipboard.get()
                    with pytest.raises(ClipboardError) as told:
                        await desktop.clipboard.set("x")
                assert asked.value.state is told.value.state is ClipboardState.NO_ANSWER
                assert asked.value.exit_status == 4

    run(main)


@pytest.mark.parametrize(
    ("answer", "code"), [(True, None), (False, CloseCode.DENIED), (None, CloseCode.NO_CONSENT)], ids=str
)
def test_a_person_is_asked(answer: bool | None, code: CloseCode | None, via: str) -> None:
    asked: list[Question] = []

    async def ask(question: Question) -> Decision | None:
        asked.append(question)
        await asyncio.sleep(20)
        return None if answer is None else Decision(question.wish if answer else Permission(0))

    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host(ask=ask, ask_consent=True) as host:
            await online(host)
            if code is None:
                async with s.viewer(host) as desktop:
                    await desktop.screenshot()
            else:
                refused = await refusal(s, host)
                assert refused.code is code and refused.exit_status == 3
                assert not any("has left" in said for said in host.said)
            assert len(asked) == 1 and asked[0].claimed == "viewer" and not asked[0].verified

    run(main)


def test_an_unknown_device_and_an_offline_one_are_one_answer() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s:
            async with s.host() as host:
                await online(host)
            offline = await refusal(s, host)
            host.agent.identity = type(host.agent.identity)(bytes(32))
            unknown = await refusal(s, host)
            assert str(offline) == str(unknown)
            assert offline.code is unknown.code is CloseCode.UNAVAILABLE
            assert offline.exit_status == 4

    run(main)


def test_a_wrong_pin_is_refused_and_an_absent_relay_does_not_answer() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            refused = await refusal(s, host, at=RelayAddress(RELAY, PORT, bytes(32)))
            assert refused.code is CloseCode.WRONG_RELAY and refused.exit_status == 3
            refused = await refusal(s, host, timeout=3.0, at=RelayAddress("10.9.9.9", PORT, bytes(32)))
            assert refused.code is CloseCode.TIMEOUT and refused.exit_status == 4
            assert simulation.clock.monotonic() < 10
            assert s.target(host) == Target(s.relay, host.agent.identity.number)

    run(main)


def test_versions_without_anything_in_common_are_refused_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avl_protocol.session.viewer.SESSION_VERSIONS", (9,))

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            refused = await refusal(s, host)
            assert refused.code is CloseCode.SESSION_VERSION and refused.exit_status == 3

    run(main)


def test_codes_are_compared_in_any_spelling(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host() as host:
            await online(host)
            async with s.viewer(host, code=CODE.lower().replace("-", " ")):
                pass

    run(main)


def test_a_relay_says_how_each_session_is_carried() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(view_code=VIEW_CODE) as host:
            await online(host)
            relay = s.relay_instance
            assert relay is not None and relay.figures() == {}
            async with s.viewer(host) as desktop, s.viewer(host, code=VIEW_CODE) as looking:
                for one in (desktop, looking):
                    assert await number(one) is not None
                await asyncio.sleep(2)
                acts, looks = sorted(relay.figures().values(), key=lambda one: -len(one.channels))
                assert Channel.INPUT in acts.channels and Channel.INPUT not in looks.channels
                for carried in (acts, looks):
                    assert (carried.way, carried.host_way) == ("quic", "quic") and carried.loss == 0
                    for trip in (carried.rtt_ms, carried.host_rtt_ms):  # 20 ms, and what acknowledgements wait
                        assert trip is not None and 20 <= trip <= 60
                    assert carried.target_bps >= carried.delivered_bps > 0 and carried.queue_ms >= 0
            await until(lambda: relay.figures() == {})

    run(main)
