"""The presenter without a screen: the newest picture, and word of everything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from avl_protocol.media.frame import Monitor
from avl_viewer.present.headless import HeadlessPresenter
from avl_viewer.present.presenter import CursorShape, Presenter, Status
from tests.viewer import pictures


def test_the_newest_picture_is_kept_and_counts_as_presented_at_once() -> None:
    seen: list[tuple[int, int, float]] = []
    presenter = HeadlessPresenter(lambda: 12.5)
    presenter.attach(lambda track, number, at: seen.append((track, number, at)))
    assert presenter.latest() is None
    with pytest.raises(LookupError):
        presenter.screenshot()
    for number in (1, 2):
        presenter.picture(pictures.picture(number, pictures.card(320, 200, number)))
    newest = presenter.latest()
    assert newest is not None and newest.number == 2
    assert seen == [(1, 1, 12.5), (1, 2, 12.5)]


def test_a_screenshot_has_the_hosts_colours_and_belongs_to_the_caller() -> None:
    card = pictures.card(320, 200)
    presenter = HeadlessPresenter(lambda: 0.0)
    presenter.picture(pictures.picture(1, card))
    first = presenter.screenshot()
    assert first.shape == (200, 320, 3) and pictures.psnr(first, card) > 50
    first[:] = 0
    assert pictures.psnr(presenter.screenshot(), card) > 50
    presenter.picture(pictures.picture(2, pictures.flat(64, 64, (9, 9, 9))))
    assert np.unique(presenter.screenshot()).max() < 12


def test_everything_is_remembered_and_told() -> None:
    told: list[tuple[str, Any]] = []

    def hook(name: str) -> Any:
        return lambda *what: told.append((name, what))

    names = ("picture", "layout", "cursor", "clipboard", "remark", "exact", "status")
    headless = HeadlessPresenter(lambda: 0.0, **{f"on_{name}": hook(name) for name in names})
    presenter: Presenter = headless
    monitors = (Monitor("one", 0, 0, 64, 64, True),)
    cursor = CursorShape(serial=1, width=0, height=0, hot_x=0, hot_y=0, rgba=b"")
    status = Status("running")
    presenter.layout(64, 64, monitors)
    presenter.cursor(cursor)
    presenter.clipboard("text")
    presenter.remark("A sentence.")
    presenter.picture(picture := pictures.picture(3, pictures.card(64, 64)))
    presenter.exact(1, True)
    presenter.status(status)
    assert dict(told) == {
        "layout": (64, 64, monitors),
        "cursor": (cursor,),
        "clipboard": ("text",),
        "remark": ("A sentence.",),
        "picture": (picture,),
        "exact": (1, True),
        "status": (status,),
    }
    assert (headless.size, headless.monitors, headless.cursor_shape) == ((64, 64), monitors, cursor)
    assert headless.remarked == "A sentence."
    assert (headless.clipboard_text, headless.is_exact, headless.state) == ("text", True, status)
    presenter.exact(1, False)
    assert not headless.is_exact
    presenter.exact(1, True)
    presenter.tracks((1,))
    assert not headless.is_exact and headless.latest() is None, "a new session shows nothing of the one before"
