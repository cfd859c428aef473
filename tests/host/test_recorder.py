"""The sink that remembers, and sinks by name."""

from __future__ import annotations

import pytest

from avl_host.input.recorder import InputRecorder
from avl_host.input.sink import InputSink
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


def test_sinks_by_name() -> None:
    assert isinstance(open_sink("recorder", lambda s, c: None), InputRecorder)
    assert isinstance(open_sink("pattern:640x360", lambda s, c: None), InputRecorder)
    with pytest.raises(ValueError, match="no sink"):
        open_sink("nonsense", lambda s, c: None)
