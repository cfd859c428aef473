"""The scenes of the latency bench: what happens on the host's screen, and how it is measured."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interop.bench.rig import drag, exactness, glyph, measure
from interop.bench.rig.measure import Bench, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long a scene is measured: presses of each kind, seconds of what goes on."""

    clicks: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One scene. `guest`: what is on the host's screen besides (`guests`); `floor`: whether it says something without
    any remoting."""

    title: str
    run: Callable[[Bench, Effort], Result]
    guest: str = "nothing"
    floor: bool = True


SCENES: Mapping[str, Scene] = {
    "click": Scene(title="a press at rest", run=lambda bench, most: measure.clicks(bench, most.clicks, "desk")),
    "key": Scene(
        title="a key in a terminal", run=lambda bench, most: glyph.keys(bench, most.clicks, "bare"), guest="terminal"
    ),
    "film": Scene(title="a film", run=lambda bench, most: measure.film(bench, most.seconds)),
    "click_under_film": Scene(
        title="a press under the film", run=lambda bench, most: measure.clicks(bench, most.clicks, "film")
    ),
    "mixed": Scene(
        title="a key beside the film",
        run=lambda bench, most: glyph.keys(bench, most.clicks, "mixed"),
        guest="terminal",
    ),
    "drag": Scene(title="a window is dragged", run=lambda bench, most: drag.drag(bench, most.seconds), guest="carried"),
    "scroll": Scene(title="text scrolls", run=lambda bench, most: measure.scroll(bench, most.seconds)),
    "page": Scene(title="a page of code", run=lambda bench, _: exactness.page(bench), floor=False),
    "still": Scene(title="a still screen", run=lambda bench, most: measure.still(bench, most.seconds), floor=False),
}


def chosen(names: str) -> list[str]:
    """Scenes by their names with commas between, in the order of SCENES. Raises ValueError for one that is none."""
    asked = [name for name in names.split(",") if name]
    for name in asked:
        if name not in SCENES:
            raise ValueError(f"no scene is called {name}; there are {', '.join(SCENES)}")
    return [name for name in SCENES if name in asked]


def merged(rounds: Sequence[Result]) -> Result:
    """One result of several of a scene: the median of each figure that at least half of them have, else None; whatever
    is no figure is the last one's."""
    return {name: _middle([found.get(name) for found in rounds]) for found in rounds for name in found}


def _middle(values: Sequence[Any]) -> Any:
    here = [value for value in values if value is not None]
    if not here or isinstance(here[-1], bool | str | list):
        return any(here) if here and isinstance(here[-1], bool) else here[-1] if here else None
    if isinstance(here[-1], Mapping):
        return merged([dict(value) for value in here])
    return round(statistics.median(here), 4) if 2 * len(here) >= len(values) else None
