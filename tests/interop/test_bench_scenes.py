"""What the scenes of the latency bench are measured by: pictures and courses made by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from interop.bench import latency
from interop.bench.rig import carried, drag, exactness, glyph, scenes
from interop.bench.rig.distance import Way
from interop.bench.rig.exactness import Look
from interop.bench.rig.layout import CARRIED, DRAGGED, LINE, PANE, SIZE
from interop.bench.rig.measure import Result, equal
from interop.bench.rig.netns import Cable, LinkImpossible
from interop.bench.rig.peers import PEERS, Peer
from interop.bench.rig.pictures import SCROLLED_LINES, Scroll, text
from interop.bench.rig.wire import Loopback, counted
from tests.tools import without


def test_all_pixels_are_exact_only_where_none_differs_in_what_is_seen() -> None:
    one = text(320, 200, seed=1)
    other = one.copy()
    other[:, :, 3] = 255
    assert equal(one, other) == 100
    other[199, 319, 0] ^= 1
    assert equal(one, other) == 99.99
    other[:100] ^= 1
    assert equal(one, other) == pytest.approx(50, abs=0.01)
    assert exactness.compare(one, one) == 100
    assert exactness.compare(one, other) < 100


def test_a_page_is_told_by_the_first_moment_at_which_all_is_exact_and_the_bytes_until_then() -> None:
    looks = [
        Look(0.1, 0.0, 12.0, 1000),
        Look(0.4, 50.0, None, 80_000),
        Look(0.9, 99.99, 45.0, 250_000),
        Look(1.4, 100.0, 99.0, 260_000),
    ]
    told = exactness.course(looks)
    assert (told["exact_s"], told["kilobytes"], told["settled_s"]) == (1.4, 260.0, 0.9)
    assert (told["exact_500ms"], told["exact_1000ms"], told["exact_2000ms"]) == (50.0, 99.99, 100.0)
    assert told["psnr_db"] == 99.0
    never = exactness.course(looks[:3])
    assert (never["exact_s"], never["kilobytes"], never["exact_end"]) == (None, 250.0, 99.99)


def test_a_letter_is_legible_once_the_glass_is_nearer_to_it_and_exact_once_it_is_the_same() -> None:
    before = np.full((20, 60, 4), 20, np.uint8)
    after = before.copy()
    after[4:16, 10:18, :3] = 220
    blurred = after.copy()
    blurred[:, :, :3] = np.clip(after[:, :, :3].astype(int) - 30, 0, 255)
    half = before.copy()
    half[4:10, 10:18] = after[4:10, 10:18]
    host = [glyph.Look(1.001, half), glyph.Look(1.002, after)]
    viewer = [glyph.Look(1.010, half), glyph.Look(1.012, blurred), glyph.Look(1.020, after)]
    assert glyph.answer(before, host, viewer) == (1.002, 1.012, 1.020)
    assert glyph.answer(before, host, viewer[:1]) == (1.002, None, None)
    assert glyph.answer(before, [glyph.Look(1.0, before)], viewer) == (None, None, None)


def test_a_dragged_window_is_found_where_it_is_and_not_one_step_beside() -> None:
    screen = np.zeros((CARRIED.height, SIZE[0], 4), np.uint8)
    screen[:, :, :3] = text(SIZE[0], CARRIED.height, seed=3)[:, :, :3]
    known = drag.candidates()
    assert carried.locate(screen[carried.UPPER], known) is None
    place = int(known[37])
    screen[:, place : place + CARRIED.width] = carried.picture()
    for row in (carried.UPPER, carried.LOWER):
        noise = np.random.default_rng(1).normal(0, 18, screen[row].shape)
        assert carried.locate(np.clip(screen[row] + noise, 0, 255).astype(np.uint8), known) == place
    assert carried.locate(screen[carried.UPPER], known[known != place]) is None


def test_no_place_is_met_on_the_way_there_and_on_the_way_back() -> None:
    path = drag.places()
    seen = [next(path) for _ in range(2 * (DRAGGED[1] - DRAGGED[0]) // drag.STEP - 1)]
    assert len(set(seen)) == len(seen)
    assert set(seen) <= set(drag.candidates().tolist())
    moves = drag.Moves()
    moves.moved(132, 1.0)
    moves.moved(144, 2.0)
    moves.moved(132, 5.0)
    assert (moves.age(132, 5.5), moves.age(144, 5.5), moves.age(156, 5.5), moves.count) == (0.5, 3.5, None, 3)


def test_the_scrolling_page_moves_on_by_a_line_and_begins_again_without_a_seam() -> None:
    page = Scroll()
    one, two = page.frame(5), page.frame(6)
    assert one.shape == (PANE.height, PANE.width, 4)
    assert (one[LINE:] == two[:-LINE]).all()
    assert (page.frame(SCROLLED_LINES - 1)[LINE:] == page.frame(SCROLLED_LINES)[:-LINE]).all()
    assert (page.frame(0) == page.frame(SCROLLED_LINES)).all()


def test_of_several_rounds_each_figure_is_the_median_of_those_that_have_it() -> None:
    rounds: list[Result] = [
        {"p50": 10.0, "exact_s": None, "cores": {"host": 0.1}, "noisy": False, "course": [1]},
        {"p50": 30.0, "exact_s": None, "cores": {"host": 0.3}, "noisy": True, "course": [2]},
        {"p50": 20.0, "exact_s": 2.0, "cores": {"host": 0.2}, "noisy": False, "course": [3]},
    ]
    expected = {"p50": 20.0, "exact_s": None, "cores": {"host": 0.2}, "noisy": True, "course": [3]}
    assert scenes.merged(rounds) == expected
    assert scenes.merged([{"failure": "it ended"}, {"p50": 5.0}])["p50"] == 5.0


def test_scenes_are_asked_for_by_name() -> None:
    assert scenes.chosen("page,click") == ["click", "page"]
    with pytest.raises(ValueError, match="no scene is called klick"):
        scenes.chosen("klick")


def test_a_peer_that_is_not_here_is_skipped_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    absent = Peer(needs=("no-such-server", str(tmp_path / "page.js")), serve=lambda _: 0, view=lambda _: None)
    here = Peer(needs=("sh",), serve=lambda _: 0, view=lambda _: None)
    monkeypatch.setitem(PEERS, "absent", absent)
    monkeypatch.setitem(PEERS, "here", here)
    found, skipped = latency.beside("absent,here", Loopback())
    assert not found
    assert skipped["absent"] == f"not on this machine: no-such-server, {tmp_path / 'page.js'}"
    assert "a network of its own" in skipped["here"]
    with pytest.raises(ValueError, match="no peer is called other"):
        latency.beside("other", Loopback())


def test_a_packet_is_as_late_as_the_way_is_long_and_none_overtakes() -> None:
    way = Way(0.02)
    way.put(b"one", 1.0)
    way.put(b"two", 1.001)
    assert way.take(1.0199) is None
    assert way.due() == pytest.approx(1.02)
    assert (way.take(1.05), way.take(1.05), way.take(1.05)) == (b"one", b"two", None)


def test_bytes_of_a_device_are_those_of_both_directions(tmp_path: Path) -> None:
    table = tmp_path / "dev"
    heading = (
        "Inter-|   Receive      |  Transmit\n face |bytes packets errs drop fifo frame compressed multicast|bytes\n"
    )
    table.write_text(heading + "  near: 1000 2 0 0 0 0 0 0 234 5 0 0 0 0 0 0\n")
    assert (counted(table, "near"), counted(table, "far")) == (1234, 0)


LISTENS = """
import socket
with socket.create_server(("10.77.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    server.accept()
"""
CONNECTS = """
import socket, sys, time
began = time.monotonic()
socket.create_connection(("10.77.0.1", int(sys.argv[1])))
print(time.monotonic() - began)
"""


def test_a_cable_with_a_distance_carries_every_protocol_late() -> None:
    try:
        cable = Cable(40.0)
    except LinkImpossible as impossible:
        without(f"this machine allows no link of its own: {impossible}")
    with cable:
        assert cable.distance is not None
        listens = cable.near.command([sys.executable, "-c", LISTENS])
        with subprocess.Popen(listens, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            connects = cable.far.command([sys.executable, "-c", CONNECTS, server.stdout.readline().strip()])
            took = float(subprocess.run(connects, stdout=subprocess.PIPE, text=True, check=True).stdout)
        assert took >= 0.08
