"""The figures over the picture: what each row says, and that they fit beside each other whatever others say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)

from avl_protocol.rate.control import RateState, readable
from avl_viewer.present.panels import lines

#: Half of a small window, in its pixels.
WIDEST = 400
SHOWN = """
import json, sys
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from avl_viewer.present.panels import Figures
application = QApplication([])
window = QWidget()
window.resize(800, 600)
figures = Figures(window, lambda: json.loads(sys.argv[1]))
window.show()
figures.toggle()
text = figures.findChild(QLabel)
print(json.dumps({"size": figures.size().toTuple(), "text": text.text(), "format": text.textFormat().name}))
"""


def told(reason: str = "a queue stands", state: str = "yield", capacity: float = 5.2e6) -> dict[str, Any]:
    """What a hop's sender says, as it comes out of the wire."""
    thought = RateState(
        state=state,
        reason=reason,
        target=4e6,
        capacity=capacity,
        delivered=3.9e6,
        pacing=8e6,
        queue_delay=0.0084,
        loss=0.012,
        parity=0.0625,
    )
    return readable(thought.state, thought.reason, thought.figures(17))


def rows(stats: dict[str, Any]) -> list[tuple[str, str]]:
    """The rows that are about hops."""
    shown = lines(stats)
    names = [name for name, _ in shown]
    return shown[names.index("glass to glass") + 1 :]


def test_each_hop_says_its_rate_queue_losses_and_why_it_moved() -> None:
    shown = rows({"rate": {"download": told(capacity=0.0, state="start"), "upload": told()}})
    assert shown == [
        ("upload", "4.00 of 5.20 Mbit/s"),
        ("  queue", "8.4 ms"),
        ("  loss / parity", "1.2 / 6.2 %"),
        ("  skipped", "17 pictures"),
        ("  state", "yield: a queue stands"),
        ("download", "4.00 Mbit/s"),
        ("  queue", "8.4 ms"),
        ("  loss / parity", "1.2 / 6.2 %"),
        ("  skipped", "17 pictures"),
        ("  state", "start: a queue stands"),
    ]


def test_before_a_hop_has_spoken_there_is_nothing_of_it() -> None:
    assert rows({}) == rows({"rate": {}}) == []
    assert rows({"rate": {"download": told()}})[0][0] == "download"


def test_figures_that_an_older_program_does_not_tell_are_dashes() -> None:
    shown = dict(rows({"rate": {"upload": readable("grow", "there is room", (4_000_000,))}}))
    assert shown["upload"] == "4.00 Mbit/s" and shown["  queue"] == "–" and shown["  loss / parity"] == "– / –"
    assert dict(rows({"rate": {"upload": readable("", "", ())}}))["upload"] == "– Mbit/s"


def test_long_reasons_are_broken_and_endless_ones_cut() -> None:
    shown = rows({"rate": {"upload": told("nothing was acknowledged for long", "restart")}})
    assert shown[4:] == [("  state", "restart: nothing was"), ("", "acknowledged for long")]
    hostile = rows({"rate": {"upload": told("x\n\x1b[2J\u202e" * 9999)}})
    assert len(hostile) <= 8 and all(value.isprintable() and len(value) <= 26 for _, value in hostile)


@pytest.mark.parametrize("reason", ["another flow keeps the queue full", "<h1>wide</h1><img src=x>" + "W" * 500])
def test_the_panel_stays_narrow_and_takes_no_markup(reason: str) -> None:
    stats = {
        "path": "relay",
        "rtt_ms": 120.25,
        "fps": 59.8,
        "bitrate_bps": 64_000_000,
        "loss": 0.001,
        "input_to_photon_ms": {"p50": 140.2, "p95": 210.5},
        "glass_to_glass_ms": {"p50": 120.0, "p95": 155.0},
        "rate": {"upload": told(reason, capacity=98e6), "download": told(reason, capacity=98e6)},
        "stages_ms": {"grab": 1.2, "network": 0.9},
    }
    done = subprocess.run(
        [sys.executable, "-c", SHOWN, json.dumps(stats)],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    shown = json.loads(done.stdout)
    assert shown["format"] == "PlainText" and "upload           4.00 of 98.00 Mbit/s" in shown["text"].splitlines()
    assert shown["size"][0] <= WIDEST and shown["size"][1] < 560


def test_how_much_is_exact_and_what_codes_the_rest_stands_above_the_figures_of_time() -> None:
    video = {"codec": "avc1.64002A", "chroma": "YUV420", "width": 1280, "height": 720, "encoder": "libx264"}
    shown = lines({"exact": {"share": 0.9876, "since_s": None}, "video": {**video, "decoder": "vaapi"}})
    names = [name for name, _ in shown]
    assert names.index("exact") < names.index("video") < names.index("input to photon")
    told = dict(shown)
    assert (told["exact"], told["video"]) == ("98.8 %", "1280x720 YUV420")
    assert (told["  codec"], told["  coded, decoded"]) == ("avc1.64002A", "libx264 / vaapi")
    assert all(len(name) < 17 for name in names), "a name touches its value in the panel"
    odd = dict(lines({"video": {**video, "encoder": "\x1b[2J", "decoder": None}}))
    assert odd["  coded, decoded"].isprintable()
    assert dict(lines({"exact": {"share": 1.0, "since_s": 12.4}}))["exact"] == "all, for 12 s"
    assert not {"exact", "video"} & dict(lines({"video": None})).keys()


def test_the_last_change_of_way_says_when_and_why() -> None:
    switch = {"from": "direct", "to": "relay", "reason": "the direct way fell silent\x1b[2J", "ago_s": 65.2}
    shown = lines({"path": "relay", "switch": switch})
    assert shown[:3] == [("path", "relay"), ("  changed", "direct > relay"), ("", "1 min 5 s ago:")]
    assert shown[3][1].startswith("the direct way fell")
    assert all(letter.isprintable() for _, value in shown for letter in value)
    assert lines({"path": "relay", "switch": None})[1][0] == "round trip"


REMARKED = """
import json, sys
from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel
from avl_viewer.present.presenter import Status
from avl_viewer.present.window import Window

class Remote:
    permissions, files = 31, None
    def __init__(self): self.set = []
    def send_input(self, rows): pass
    def point(self, x, y, laser): pass
    def set_clipboard(self, text): self.set.append(text)
    def stats(self): return {}
    def close(self): pass

application = QApplication([])
window, remote = Window("test", False, None, lambda: 0.0), Remote()
window.bind(remote)
window.mailbox.status(Status("running"))
application.processEvents()
board, said = QGuiApplication.clipboard(), {}

def note(name):
    application.processEvents()
    shown, line = window.toast, window.toast.findChild(QLabel)
    inside = window.screen.rect().contains(shown.geometry())
    said[name] = [shown.isVisible(), line.text(), line.textFormat().name, inside]
    shown.hide()

window.mailbox.remark("What was copied <b>there</b> is not text.")
note("host")
board.clear()
window.screen.command.emit("send")
note("empty")
data = QMimeData()
data.setData("image/png", b"png")
board.setMimeData(data)
window.screen.command.emit("type")
note("picture")
board.setText("one\\r\\ntwo\\rthree")
window.screen.command.emit("send")
note("text")
window.toast.say_lost("2 keys did not reach the desktop.")
window.mailbox.remark("The host has no sound.")
application.processEvents()
said["both"] = [line.text() for line in window.toast.findChildren(QLabel) if line.isVisible()]
window.mailbox.clipboard("from there")
application.processEvents()
print(json.dumps({**said, "set": remote.set, "board": board.text()}))
"""


def test_a_person_is_told_what_a_clipboard_could_not_do() -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", REMARKED], env=environment, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    said = json.loads(done.stdout)
    assert said["host"] == [True, "What was copied <b>there</b> is not text.", "PlainText", True]
    assert said["both"] == ["The host has no sound.", "2 keys did not reach the desktop."], "no remark hides a loss"
    assert said["empty"][:2] == [True, "Your clipboard is empty."]
    assert said["picture"][:2] == [True, "What is on your clipboard is not text."]
    assert said["text"][0] is False and set(said["set"]) == {"one\ntwo\nthree"} and said["board"] == "from there"
