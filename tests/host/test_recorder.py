"""The sink that remembers, and sinks by name."""

from __future__ import annotations

import pytest

from avl_host.input.recorder import InputRecorder
from avl_host.input.sink import InputSink, StoppedLoop
from avl_host.input.sinks import open_sink


def test_it_remembers_what_is_held_and_typed() -> None:
    recorder = InputRecorder()
    sink: InputSink = recorder
    sink.move(3, 4)
    sink.button(1, True)
    sink.key(4, True, 0, "a")
    sink.key(4, False, 0, "a")
    sink.key(5, True, 0, "b")
    sink.text("cd")
    assert (recorder.position, recorder.typed) == ((3, 4), "abcd")
    assert recorder.held == {("button", 1), ("key", 5)}
    sink.release_all()
    sink.release_all()
    sink.close()
    assert recorder.held == set()
    assert recorder.closed
    assert [event[0] for event in recorder.events].count("release_all") == 1


def test_a_key_that_stays_down_is_typed_again_as_a_desktop_does_it() -> None:
    now = 0.0
    recorder = InputRecorder(lambda: now)
    for usage, text, held in ((4, "a", 0.6), (5, "b", 0.75)):
        recorder.key(usage, True, 0, text)
        now += held
        recorder.key(usage, False, 0, "")
    recorder.key(6, True, 0, "c")
    now += 0.5
    recorder.key(7, True, 0, "d")  # it is the last one that is repeated
    now += 0.5
    recorder.key(6, False, 0, "")
    now += 0.18
    recorder.release_all()
    assert recorder.typed == "abbbbcdd"


def test_sinks_by_name() -> None:
    assert isinstance(open_sink("recorder", StoppedLoop()), InputRecorder)
    assert isinstance(open_sink("pattern:640x360", StoppedLoop()), InputRecorder)
    with pytest.raises(ValueError, match="no sink"):
        open_sink("nonsense", StoppedLoop())
