"""Sound of Windows and macOS, whose calls are doubled here: another output, none, the end, and pieces of any length."""

from __future__ import annotations

import ctypes
import queue
import threading
from collections.abc import Callable

import pytest

from avl_host.sound.blocks import FRAME, Blocks
from avl_host.sound.screencapturekit import NOT_PERMITTED, ScreenCaptureSource
from avl_host.sound.source import SoundListener
from avl_host.sound.wasapi import NO_OUTPUT, EndpointLost, WasapiSource
from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.wire.registry import SoundState

BLOCK = 480 * FRAME
PATIENCE = 10.0


@pytest.mark.parametrize("size", (1, 441, 480, 1056))
def test_pieces_of_any_length_are_blocks_of_ten_milliseconds(size: int) -> None:
    whole = bytes(range(256)) * (BLOCK * 8 // 256)
    blocks, made = Blocks(), []
    for at in range(0, len(whole), size * FRAME):
        made += blocks.put(whole[at : at + size * FRAME], 5.0 + at / FRAME / 48_000)
    assert b"".join(samples for samples, _ in made) == whole[: len(made) * BLOCK] and len(made) >= 7
    assert [round(heard, 6) for _, heard in made] == [round(5.0 + n * 0.01, 6) for n in range(len(made))]


def test_what_waits_at_a_gap_is_let_go_of() -> None:
    blocks = Blocks()
    assert list(blocks.put(bytes(BLOCK // 2), 0.0)) == []
    assert [heard for _, heard in blocks.put(b"\1" * BLOCK, 1.0)] == [1.0]


class Windows:
    """Outputs that are played by hand: what is put is what happens next, an EndpointLost too."""

    def __init__(self) -> None:
        self.happens: queue.SimpleQueue[bytes | EndpointLost | None] = queue.SimpleQueue()
        self.there = [True]
        self.opened = self.closed = 0
        self.ended = threading.Event()
        self._change = threading.Event()

    def open(self) -> Windows.Loop:
        if not self.there.pop(0):
            raise EndpointLost(NO_OUTPUT)
        self.opened += 1
        return Windows.Loop(self)

    def wait(self) -> None:
        self._change.wait(PATIENCE)

    def wake(self) -> None:
        self._change.set()
        self.happens.put(b"")

    def close(self) -> None:
        self.ended.set()

    class Loop:
        """One output's."""

        def __init__(self, of: Windows) -> None:
            self._of = of

        def read(self) -> bytes | None:
            what = self._of.happens.get(timeout=PATIENCE)
            if isinstance(what, EndpointLost):
                raise what
            return what

        def close(self) -> None:
            self._of.closed += 1


class Told:
    """What a source tells."""

    def __init__(self) -> None:
        self.blocks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.states: queue.SimpleQueue[tuple[SoundState, str]] = queue.SimpleQueue()
        self.listener = SoundListener(
            heard=lambda samples, at: self.blocks.put(samples), state=lambda *told: self.states.put(told)
        )

    def state(self) -> tuple[SoundState, str]:
        return self.states.get(timeout=PATIENCE)


def test_windows_another_output_is_another_stream_and_none_is_waited_for() -> None:
    windows, told = Windows(), Told()
    windows.there = [True, True, False, True]
    source = WasapiSource(lambda: 0.0, Faults(), lambda: windows)
    source.start(told.listener)
    source.start(told.listener)  # it runs
    assert told.state() == (SoundState.HEARD, "")
    windows.happens.put(b"\1" * BLOCK)
    assert told.blocks.get(timeout=PATIENCE) == b"\1" * BLOCK
    windows.happens.put(None)
    assert told.state() == (SoundState.HEARD, "")
    windows.happens.put(EndpointLost("The output is gone."))
    assert told.state() == (SoundState.FAILED, "The output is gone.")
    windows._change.set()
    assert told.state() == (SoundState.FAILED, NO_OUTPUT)
    assert told.state() == (SoundState.HEARD, "")
    source.stop()
    assert windows.ended.wait(PATIENCE)
    assert windows.opened == windows.closed == 3 and told.states.empty()


def test_windows_without_any_sound_says_so() -> None:
    def none() -> Windows:
        raise EndpointLost(NO_OUTPUT)

    told = Told()
    source = WasapiSource(lambda: 0.0, Faults(), none)
    source.start(told.listener)
    assert told.state() == (SoundState.FAILED, NO_OUTPUT)
    source.stop()


def test_windows_numbers_are_those_of_its_headers() -> None:
    from avl_host.sound.wasapicalls import _CAPTURE, _Format

    assert ctypes.sizeof(_Format) == 18
    assert _CAPTURE.raw.hex() == "64bdadc81ee7a048a4de185c395cd317"


class Mac:
    """ScreenCaptureKit, played by hand."""

    def __init__(self) -> None:
        self.stopped = 0

    def open(self, heard: Callable[[bytes], None], began: Callable[[], None], failed: Callable[[str], None]) -> Mac:
        self.heard, self.began, self.failed = heard, began, failed
        return self

    def stop(self) -> None:
        self.stopped += 1


def test_a_mac_is_heard_until_it_is_stopped() -> None:
    mac, told = Mac(), Told()
    source = ScreenCaptureSource(lambda: 0.0, Faults(), mac.open)
    source.start(told.listener)
    mac.began()
    assert told.state() == (SoundState.HEARD, "")
    mac.heard(b"\1" * BLOCK)
    assert told.blocks.get(timeout=PATIENCE) == b"\1" * BLOCK
    mac.failed(NOT_PERMITTED)
    assert told.state() == (SoundState.FAILED, NOT_PERMITTED)
    source.stop()
    mac.heard(b"\1" * BLOCK)
    mac.failed("once more")
    assert mac.stopped == 1 and told.blocks.empty() and told.states.empty()
