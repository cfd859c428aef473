"""Spare keycodes: none gets another meaning while a program may still have presses of the old one before it."""

from __future__ import annotations

from collections.abc import Callable

from avl_host.input.spares import REST, SpareKeys


class Server:
    """A keyboard map that can be changed, and the clock of a loop."""

    def __init__(self) -> None:
        self.core = self
        self.meanings: dict[int, list[int]] = {}
        self.timers: list[Callable[[], None]] = []

    def ChangeKeyboardMapping(self, count: int, first: int, levels: int, keysyms: list[int]) -> None:
        assert (count, levels) == (1, len(keysyms))
        self.meanings[first] = keysyms

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        assert seconds == REST
        self.timers.append(call)

    def pass_time(self) -> None:
        timers, self.timers = self.timers, []
        for call in timers:
            call()


def spares(server: Server, rested: Callable[[], None], *keycodes: int) -> SpareKeys:
    keys = SpareKeys(server, server.later, rested)
    keys.read(dict.fromkeys(keycodes, ""))
    return keys


def test_a_keycode_rests_after_its_last_use_and_not_after_that_of_another() -> None:
    server = Server()
    keys = spares(server, lambda: None, 250, 251)
    assert keys.keycode("漢") == 250
    # 251 is lent when the rest of 250 is nearly over: it has not rested when that ends.
    assert keys.keycode("字") == 251
    assert keys.keycode("か") is None
    server.pass_time()
    assert keys.keycode("か") is None
    server.pass_time()
    assert keys.keycode("か") == 250
    assert server.timers


def test_a_character_that_is_there_needs_no_rest() -> None:
    server = Server()
    keys = spares(server, lambda: None, 250)
    assert keys.keycode("漢") == keys.keycode("漢") == 250


def test_who_waits_is_told_and_timers_end() -> None:
    server, told = Server(), []
    keys = spares(server, lambda: told.append(True), 250)
    keys.keycode("漢")
    server.pass_time()
    server.pass_time()
    assert told and not server.timers


def test_a_meaning_is_one_group_with_two_levels_and_is_taken_back() -> None:
    server = Server()
    keys = spares(server, lambda: None, 250)
    keys.keycode("漢")
    assert server.meanings == {250: [0x01006F22, 0x01006F22]}
    keys.restore()
    assert server.meanings == {250: [0, 0]}
