"""Where errors end that nobody foresaw: told in a line, what failed is ended, and too many end the program."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import Any, cast

import pytest

from avl_protocol.endpoint.loop.alarm import Alarm
from avl_protocol.endpoint.loop.driver import Driven
from avl_protocol.endpoint.loop.faults import MOST, WITHIN, Faults
from avl_protocol.wire.registry import CloseCode


class Program:
    """Faults that are watched, and what came of them."""

    def __init__(self) -> None:
        self.faults, self.now = Faults(), 0.0
        self.told: list[str] = []
        self.ends: list[str] = []
        self.unwatch = self.faults.watch(self.told.append, self.ends.append, lambda: self.now)


def fail(text: str = "on purpose") -> None:
    raise KeyError(text)


async def test_an_error_is_told_in_one_line_with_its_place_and_what_failed_is_ended() -> None:
    program, ended = Program(), []
    assert not program.faults.run(fail, "a\nb", broken=lambda: ended.append(1))
    assert program.faults.run(lambda: None)
    assert len(program.told) == 1 and "\n" not in program.told[0] and "Traceback" not in program.told[0]
    assert "KeyError" in program.told[0] and "test_endpoint_faults.py:" in program.told[0]
    assert ended == [1] and program.ends == []
    assert not program.faults.run(fail, broken=fail) and len(program.told) == 3
    program.unwatch()


async def test_what_escapes_to_the_loop_from_callbacks_and_tasks_ends_here_too() -> None:
    program, loop = Program(), asyncio.get_running_loop()
    loop.call_soon(fail)
    task = loop.create_task(asyncio.sleep(0))
    task.add_done_callback(lambda _: fail("callback"))
    failing = loop.create_task(program.faults.keep(lambda: asyncio.to_thread(fail, "in a thread"), 0.01))
    while len(program.told) < 4:  # the last begins anew after each error
        await asyncio.sleep(0.005)
    failing.cancel()
    await asyncio.gather(failing, return_exceptions=True)
    assert any("callback" in line for line in program.told) and any("in a thread" in line for line in program.told)
    program.unwatch()
    assert loop.get_exception_handler() is None


async def test_a_program_that_fails_again_and_again_ends_with_one_sentence() -> None:
    program = Program()
    for _ in range(5 * MOST):
        program.now += WITHIN / MOST * 1.1
        program.faults.run(fail)
    assert program.ends == [], "now and then is no reason to end"
    told = len(program.told)
    for _ in range(1000):
        program.faults.run(fail)
    assert len(program.ends) == 1 and "start it again" in program.ends[0]
    assert len(program.told) - told <= MOST
    program.unwatch()


async def test_a_machine_whose_timer_fails_is_ended_and_not_called_for_ever() -> None:
    program = Program()

    class Machine:
        at: float | None = 0.0

        def next_timeout(self) -> float | None:
            return self.at

        def handle_timer(self, now: float) -> None:
            fail()

        def end(self, now: float) -> None:
            self.at = None

    machine = Machine()
    alarm = Alarm(
        machine=machine,
        loop=asyncio.get_running_loop(),
        now=lambda: program.now,
        faults=program.faults,
        broken=machine.end,
    )
    alarm.reset()
    await asyncio.sleep(0.02)
    assert len(program.told) == 1 and machine.at is None
    program.unwatch()


async def test_the_end_of_a_machine_is_heard_though_more_of_what_it_says_fails() -> None:
    program, said, heard, closed = Program(), deque(["first", "second"]), [], []

    def after() -> None:
        while said:
            heard.append(said.popleft())
            if heard[-1] != "lost":
                fail(heard[-1])

    class Machine:
        """Of what a receiver is told it minds its end alone."""

        def carrier_ready(self, now: float) -> None:
            return

        def carrier_lost(self, code: int, text: str, now: float) -> None:
            said.append("lost")

    driven = Driven(cast(Any, Machine()), after, program.faults, lambda code, text: closed.append(code))
    driven.carrier_ready(1.0)
    assert heard == ["first", "second", "lost"] and closed == [CloseCode.INTERNAL] and len(program.told) == 2
    driven.carrier_ready(2.0)
    assert heard[-1] == "lost" and len(program.told) == 2, "nothing more is asked of it"
    program.unwatch()


async def test_errors_of_threads_are_taken() -> None:
    program, ended = Program(), threading.Event()
    thread = threading.Thread(target=program.faults.run, args=(fail,), kwargs={"broken": ended.set})
    thread.start()
    thread.join()
    assert ended.is_set() and len(program.told) == 1
    program.unwatch()


def test_without_a_program_errors_are_raised_as_a_test_wants_them() -> None:
    with pytest.raises(KeyError):
        Faults().run(fail)
