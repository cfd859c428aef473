"""State machines are held to one thread in all tests, and to nothing where nobody asks for it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from avl_protocol.wire.onethread import SWITCH, Guard, WrongThread, any_thread, guard


class Counting:
    """Counts what it is told."""

    __slots__ = ()

    def tell(self: Any, much: int = 1) -> Any:
        """A method that calls another."""
        self.told += much
        return self.total

    @property
    def total(self: Any) -> Any:
        """A property."""
        return self.told

    @any_thread
    def published(self: Any) -> Any:
        """May be called by everybody."""
        return self.told


class Machine(Counting):
    """One with a dictionary of attributes."""

    def __init__(self) -> None:
        self.told = 0


class Slotted(Counting):
    """One without."""

    __slots__ = ("told",)

    def __init__(self) -> None:
        self.told = 0


def elsewhere(call: Callable[[], Any]) -> Any:
    """What a call on another thread returns, or the error that it raises."""
    out: list[Any] = []

    def run() -> None:
        try:
            out.append(call())
        except WrongThread as error:
            out.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return out[0]


@pytest.mark.parametrize("kind", [Machine, Slotted])
def test_a_machine_that_is_entered_from_a_second_thread_says_so(kind: type[Machine] | type[Slotted]) -> None:
    machine = guard(kind())
    assert isinstance(machine, kind) and type(machine).__name__ == kind.__name__
    assert machine.tell() == 1 and machine.tell(much=2) == 3
    error = elsewhere(machine.tell)
    assert isinstance(error, WrongThread) and f"{kind.__name__}.tell" in str(error)
    assert isinstance(elsewhere(lambda: machine.total), WrongThread)
    assert machine.total == 3, "nothing was changed"
    assert elsewhere(machine.published) == 3


def test_the_first_call_says_whose_a_machine_is_not_where_it_was_made() -> None:
    machine = guard(Machine())
    assert elsewhere(machine.tell) == 1
    with pytest.raises(WrongThread):
        machine.tell()
    other = guard(Machine())
    assert other.tell() == 1, "each machine has a thread of its own"
    assert guard(other) is other


def test_a_method_that_a_test_replaces_is_replaced_in_guarded_machines_too(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Guard().put_on(Machine())
    monkeypatch.setattr(Machine, "tell", lambda _self: 7)
    assert machine.tell() == 7
    monkeypatch.setattr(machine, "tell", lambda: 8)
    assert machine.tell() == 8


def test_without_the_switch_a_machine_is_returned_as_it_is() -> None:
    program = (
        "from avl_protocol.wire.onethread import guard\n"
        "class Machine: pass\n"
        "machine = Machine()\n"
        "assert guard(machine) is machine and type(machine) is Machine\n"
    )
    surroundings = {name: value for name, value in os.environ.items() if name != SWITCH}
    subprocess.run([sys.executable, "-c", program], env=surroundings, check=True)
