"""Three viewers at one host, in virtual time: who has control, where the others point, what they draw."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from avl_protocol.session.viewer import ViewerSession
from avl_protocol.wire.endtoend import ChannelMessage, Point
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import T_CONTROL_IDLE, CloseCode, ControlMode, InputKind, Permission
from avl_viewer.api import Desktop
from avl_viewer.present.marks import Mark
from tests.simulator.run import Simulation
from tests.simulator.world import CODE, RunningHost, System, system
from tests.system.seen import online, run, until

VIEW_CODE = "LOOK-ONLY"
KEY = int(InputKind.KEY)


async def three(stack: AsyncExitStack, s: System, host: RunningHost) -> tuple[Desktop, Desktop, Desktop]:
    """Ada and Bo with the code, and Cy with the view code."""
    codes = {"Ada": CODE, "Bo": CODE, "Cy": VIEW_CODE}
    ada, bo, cy = [
        await stack.enter_async_context(s.viewer(host, code, name=name, address=f"10.0.0.{20 + at}"))
        for at, (name, code) in enumerate(codes.items())
    ]
    await until(lambda: all(len(one.control.company.people) >= 2 for one in (ada, bo, cy)))
    return ada, bo, cy


def test_one_viewer_at_a_time_has_control_and_passes_it_on(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with (
            system(simulation, via=via) as s,
            s.host(control=ControlMode.ONE, view_code=VIEW_CODE) as host,
            AsyncExitStack() as stack,
        ):
            await online(host)
            ada, bo, cy = await three(stack, s, host)
            assert [one.control.holder for one in (ada, bo, cy)] == ["Ada"] * 3 and ada.control.mine
            await ada.type("a")
            with pytest.raises(Refused, match="Ada has control") as refused:
                await bo.type("b")
            assert refused.value.code is CloseCode.NOT_PERMITTED and host.sink.typed == "a"
            await ada.client.send_input([(KEY, 0xE1, True, 2, "")])
            assert host.sink.held == {("key", 0xE1)}
            assert await ada.control.give("Bo")
            assert host.sink.held == set(), "what Ada held was let go of"
            await until(lambda: bo.control.mine)
            await bo.type("b")
            assert host.sink.typed == "ab" and not ada.control.mine
            assert await ada.control.request(), "it was hers to give"
            assert not await bo.control.request(timeout=T_CONTROL_IDLE - 3), "Ada has just done something"
            assert await bo.control.request(timeout=T_CONTROL_IDLE + 3), "and then nothing any more"
            await bo.control.release()
            await until(lambda: cy.control.holder is None)
            assert await ada.control.request(1.0)
            with pytest.raises(ValueError, match="nobody"):
                await ada.control.give("Cy")
            with pytest.raises(Refused):
                await cy.control.request()
            await ada.client.close()
            await until(lambda: bo.control.mine, 15)
            await bo.type("c")
            assert host.sink.typed == "abc"

    run(main)


def test_input_of_who_has_not_heard_that_control_has_passed_is_discarded_and_told() -> None:
    async def main(simulation: Simulation) -> None:
        async with (
            system(simulation) as s,
            s.host(control=ControlMode.ONE, view_code=VIEW_CODE) as host,
            AsyncExitStack() as stack,
        ):
            await online(host)
            ada, bo, _ = await three(stack, s, host)
            waiting = asyncio.ensure_future(ada.control.give("Bo"))
            await asyncio.sleep(0)
            with pytest.raises(Refused, match="somebody else has control"):
                await ada.type("late")
            assert await waiting and host.sink.typed == ""
            await until(lambda: bo.control.mine)

    run(main)


def test_pointers_and_drawings_reach_the_others_and_never_the_desktop() -> None:
    told: list[tuple[ViewerSession, ChannelMessage]] = []

    async def main(simulation: Simulation) -> None:
        async with (
            system(simulation) as s,
            s.host(view_code=VIEW_CODE, view_annotate=True) as host,
            AsyncExitStack() as stack,
        ):
            await online(host)
            ada, bo, cy = await three(stack, s, host)
            number = ada.control.company.you
            for at in range(100):
                ada.client.point(at, 2 * at)
                await asyncio.sleep(0.01)
            await until(lambda: bool(bo.presenter.marks.pointers(simulation.clock.monotonic())))
            await asyncio.sleep(0.3)
            for one in (bo, cy):
                [seen] = one.presenter.marks.pointers(simulation.clock.monotonic())
                assert (seen.person, seen.x, seen.y, seen.laser) == (number, 99, 198, False)
            assert ada.presenter.marks.pointers(simulation.clock.monotonic()) == [], "not one's own"
            sent = [message for session, message in told if isinstance(message, Point)]
            assert 15 <= len(sent) <= 22, "a second of movement"
            cy.annotate([(at, at) for at in range(190)])
            cy.point(7, 7)
            await asyncio.sleep(0.3)
            for one in (ada, bo, cy):
                [line] = one.presenter.marks.strokes(simulation.clock.monotonic())
                assert line.points == tuple((at, at) for at in range(190)), "its own, too"
            assert any(seen.laser for seen in ada.presenter.marks.pointers(simulation.clock.monotonic()))
            async with s.viewer(host, name="Di", address="10.0.0.30") as late:
                await until(lambda: bool(late.presenter.marks.strokes(simulation.clock.monotonic())))
                late.annotate([(9, 9), (10, 10)])  # and leaves at once
            await asyncio.sleep(0.3)
            assert ((9, 9), (10, 10)) in [
                line.points for line in ada.presenter.marks.strokes(simulation.clock.monotonic())
            ]
            bo.wipe(everybody=True)
            await asyncio.sleep(0.3)
            assert not any(one.presenter.marks.strokes(simulation.clock.monotonic()) for one in (ada, bo, cy))
            assert host.sink.events == []

    says = ViewerSession.send

    def noted(session: ViewerSession, message: ChannelMessage) -> None:
        told.append((session, message))
        says(session, message)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ViewerSession, "send", noted)
        run(main)


def test_who_is_alone_tells_nobody_where_it_points_and_who_only_looks_never_does() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(view_code=VIEW_CODE) as host:
            await online(host)
            async with s.viewer(host, name="Ada") as ada:
                ada.client.point(1, 1)
                await asyncio.sleep(1.0)
                async with s.viewer(host, VIEW_CODE, name="Cy", address="10.0.0.21") as cy:
                    await until(lambda: ada.control.company.viewers == 2)
                    cy.client.point(2, 2)
                    with pytest.raises(Refused):
                        cy.annotate([(1, 1)])
                    assert cy.client.session is not None
                    cy.client.session.send(Point(3, 3))
                    await asyncio.sleep(1.0)
                    assert ada.presenter.marks.pointers(simulation.clock.monotonic()) == []
                    assert cy.presenter.marks.pointers(simulation.clock.monotonic()) == []

    run(main)


def test_a_view_only_viewer_that_opens_an_input_stream_is_refused_and_the_others_go_on(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host(view_code=VIEW_CODE) as host, AsyncExitStack() as stack:
            await online(host)
            ada, _, cy = await three(stack, s, host)
            session = cy.client.session
            assert session is not None and session.permissions == Permission.VIEW
            # As a viewer would that takes what it was not given: its stream of channel 1, with a key on it.
            session.permissions = Permission.VIEW | Permission.POINTER | Permission.KEYBOARD
            session.send_input([(KEY, 4, True, 0, "x")], simulation.clock.monotonic())
            cy.client.point(0, 0)
            await asyncio.sleep(1.0)
            assert host.sink.events == []
            await ada.type("on")
            assert host.sink.typed == "on"

    run(main)


def test_everything_that_is_told_is_small() -> None:
    """One viewer's pointer costs another one twenty small messages a second, and nothing while it is still."""
    heard: list[Mark] = []

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(view_code=VIEW_CODE) as host, AsyncExitStack() as stack:
            await online(host)
            ada, bo, _ = await three(stack, s, host)
            take = bo.presenter.mark

            def noted(mark: Mark) -> None:
                heard.append(mark)
                take(mark)

            bo.presenter.mark = noted  # type: ignore[method-assign]
            for at in range(200):
                ada.client.point(at % 50, 7)
                await asyncio.sleep(0.005)
            await asyncio.sleep(1.0)
            assert 15 <= len(heard) <= 22
            before = len(heard)
            await asyncio.sleep(5.0)
            assert len(heard) == before

    run(main)
