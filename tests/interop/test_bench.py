"""The bench's instruments measure what they say: known pictures, a display with nothing in between, known loads."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interop.bench.rig import drag, glyph, measure, strip
from interop.bench.rig.cast import Cast
from interop.bench.rig.figures import CORES, FIGURES, OURS, table_markdown, tables
from interop.bench.rig.layout import PANE, SIZE
from interop.bench.rig.load import Load
from interop.bench.rig.pictures import FILM_FRAMES, Film, text
from interop.bench.rig.scenes import SCENES, Effort
from interop.programs import Programs
from tests.tools import need


def pane() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.full((PANE.height, PANE.width, 4), 90, np.uint8)


def test_a_strip_says_which_frame_it_is_and_when_it_was_drawn() -> None:
    pixels = pane()
    strip.paint(pixels, 65_536 + 513, 987_654_321_012)
    for row in (strip.UPPER, strip.LOWER):
        assert strip.decode(pixels[row]) == strip.Reading(513, 987_654_321_012)
    assert strip.decode(pixels[PANE.height // 2]) is None


def test_a_strip_of_the_film_has_its_colours_and_says_the_same() -> None:
    pixels = Film().frame(3).copy()
    film = strip.under(pixels)
    strip.paint(pixels, 513, 987_654_321_012, film)
    for row in (strip.UPPER, strip.LOWER):
        assert strip.decode(pixels[row]) == strip.Reading(513, 987_654_321_012)
    assert len(np.unique(pixels[: strip.HEIGHT].reshape(-1, 4), axis=0)) > 256
    again = pixels.copy()
    strip.paint(again, 513, 987_654_321_012, film)
    assert (again == pixels).all()


def test_a_strip_survives_lossy_coding_but_not_a_change_of_a_block() -> None:
    pixels = pane()
    strip.paint(pixels, 77, 123_456)
    row = pixels[strip.UPPER].astype(np.int16)
    noise = np.random.default_rng(1).normal(0, 18, row.shape)
    assert strip.decode(np.clip(row + noise, 0, 255).astype(np.uint8)) == strip.Reading(77, 123_456)
    row[: strip.BLOCK] = 255 - row[: strip.BLOCK]
    assert strip.decode(row.astype(np.uint8)) is None


def test_half_of_one_frame_and_half_of_the_next_do_not_agree() -> None:
    one, two = pane(), pane()
    strip.paint(one, 1, 1000)
    strip.paint(two, 2, 17_667)
    torn = np.concatenate([two[: PANE.height // 2], one[PANE.height // 2 :]])
    assert strip.decode(torn[strip.UPPER]) != strip.decode(torn[strip.LOWER])


def test_the_film_moves_everywhere_and_begins_again() -> None:
    film = Film()
    first, second = film.frame(0), film.frame(1)
    assert (first == film.frame(FILM_FRAMES)).all()
    assert (first != second).mean() > 0.5
    assert 10 < measure.psnr(first, second) < 40


def test_the_page_is_full_of_coloured_text_and_always_the_same() -> None:
    page = text(480, 320, seed=5)
    assert (page == text(480, 320, seed=5)).all()
    assert len(np.unique(page.reshape(-1, 4), axis=0)) > 100
    assert all(page[:, left : left + 96].std() > 5 for left in range(0, 384, 96))


def test_work_is_seen_as_that_of_its_role_and_not_as_foreign() -> None:
    worker = multiprocessing.get_context("spawn").Process(target=burn)
    load = Load()
    worker.start()
    try:
        assert worker.pid is not None
        load.add("host", worker.pid)
        before = load.sample()
        time.sleep(1.0)
        usage = load.since(before)
    finally:
        worker.kill()
        worker.join()
        worker.close()
    assert usage.cores["host"] > 0.1
    assert usage.cores["bench"] < 0.1
    assert load.since(load.sample()).cores["host"] == 0.0


def burn() -> None:
    while True:
        pass


def report() -> dict[str, Any]:
    good = {"p50": 12.0, "p95": 20.0, "noisy": False, "stats": {"stages_ms": {"grab": 0.6}, "stages_p95_ms": {}}}
    bad = {"fps": 57.9, "p50": None, "bytes_per_second": 1e6, "noisy": True, "cores": {"host": 0.25, "foreign": 0.6}}
    return {
        "date": "2030-01-01T00:00:00+00:00",
        "commit": "0123456789ab",
        "machine": {"processor": "a", "cores": 2, "memory_gb": 8, "kernel": "6", "python": "3"},
        "network": "its own",
        "link": {"rate_mbps": 8, "delay_ms": 20},
        "viewers": {
            "native": {"click": good, "film": bad, "page": {"exact_s": 1.2}},
            "tigervnc": {"click": {"p50": 20.0, "p95": 22.0}, "film": {"fps": 60.0, "p50": 50.0}},
            "none": {"click": {"p50": 1.0, "p95": 1.0}},
        },
    }


def test_goals_are_judged_in_their_sense_and_noise_is_told() -> None:
    lines = {line.split(" | ")[0].strip("| "): line for line in table_markdown(report()).splitlines()}
    assert "12 (≤ 13: met) | 20 | 1 |" in lines["idle click to photon p50, ms"]
    assert "57.9 (≥ 58: missed) noisy" in lines["film, frames per second"]
    assert "none (≤ 40: missed) noisy" in lines["film glass to glass p50, ms"]
    assert "8 (≤ 7: missed) noisy" in lines["film, Mbit/s"]
    assert "1.2 (≤ 1: missed)" in lines["page of code, 100 % exact after, s"]
    assert "0.25 / – / – / – (0.6)" in lines["film"]
    assert "0.6 / –" in lines["grab"]
    assert "page of code, 40 dB after, s" not in lines
    titles = ["Latency bench", "CPU", "Pipeline at 1920x1080, native window"]
    assert [table.title for table in tables(report())] == titles


def test_a_goal_beside_a_peer_needs_the_peer_in_the_same_run() -> None:
    alone = report()
    del alone["viewers"]["tigervnc"]
    lines = {line.split(" | ")[0].strip("| "): line for line in table_markdown(alone).splitlines()}
    assert lines["idle click to photon p50, ms"] == "| idle click to photon p50, ms | 12 | 1 |"
    assert "8 (≤ 7: missed) noisy" in lines["film, Mbit/s"]


def test_every_figure_has_one_limit_for_each_viewer_or_none() -> None:
    assert all(set(figure.limits) in (set(), set(OURS)) for figure in FIGURES)
    assert len({figure.title for figure in FIGURES}) == len(FIGURES)
    assert {figure.measurement for figure in FIGURES} == set(SCENES) | {"start"}
    assert set(CORES) == set(SCENES)


@pytest.mark.display
async def test_without_remoting_every_press_and_every_frame_is_seen_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tool in ("Xvfb", "openbox"):
        need(tool)
    monkeypatch.setattr(measure, "SETTLES", 0.2)
    monkeypatch.setattr(measure, "RUNS", 0.2)
    monkeypatch.setattr(measure, "COMPARED", 1)
    programs = Programs(tmp_path)
    try:
        found = await Cast(programs=programs, load=Load()).open()
        bench = measure.Bench(found.host, found.host, found.content, found.load)
        pressed = measure.clicks(bench, 3, "desk")
        assert (pressed["count"], pressed["lost"]) == (3, 0)
        assert pressed["in_p50"] < pressed["p50"] < 1000
        monkeypatch.setattr(measure, "COMPARED_EVERY", 0.05)
        shown = measure.film(bench, 0.7)
        assert 0 < shown["fps"] <= 1.2 * shown["drawn_fps"]
        assert shown["psnr_db"] == 99.0
        found.content.show("page")
        assert measure.psnr(found.host.patch(0, 0, *SIZE).read(), text(*SIZE, seed=5)) == 99.0
        assert measure.psnr(found.viewer.patch(0, 0, *SIZE).read(), text(*SIZE, seed=5)) < 20
        scrolled = measure.scroll(bench, 0.7)
        assert 0 < scrolled["fps"] <= 1.2 * scrolled["drawn_fps"]
        assert scrolled["exact_percent"] == 100
        for glass in (found.host, found.viewer):
            glass.close()
        found.content.close()
    finally:
        programs.end()
    assert not programs.started


@pytest.mark.display
async def test_without_remoting_keys_and_a_dragged_window_are_seen_at_once_and_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tool in ("Xvfb", "openbox", "xterm"):
        need(tool)
    for module in (glyph, drag):
        monkeypatch.setattr(module, "SETTLES", 0.2)
    monkeypatch.setattr(drag, "COMPARED_EVERY", 0.05)
    programs = Programs(tmp_path)
    try:
        cast = Cast(programs=programs, load=Load())
        found = await cast.open()
        bench = measure.Bench(found.host, found.host, found.content, found.load)
        async with cast.guest("terminal"):
            written = SCENES["key"].run(bench, Effort(clicks=2, seconds=0.0))
        assert (written["count"], written["lost"], written["exact_percent"]) == (2, 0, 100)
        assert 0 < written["p50"] < 1000
        async with cast.guest("carried"):
            dragged = SCENES["drag"].run(bench, Effort(clicks=0, seconds=1.0))
        assert 0 < dragged["fps"] <= dragged["moves_per_second"] + 1
        assert dragged["p50"] < 1000
        assert dragged["exact_percent"] == 100
        for glass in (found.host, found.viewer):
            glass.close()
        found.content.close()
    finally:
        programs.end()
