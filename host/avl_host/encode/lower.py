"""Lower: what moves, coded a second time with fewer bits, while there is somebody who cannot follow the pictures that
all others get (spec 05-media, 5.5).

It is given what the pipeline decided for the first coding, keeps to a budget of its own, and looks at nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from avl_host.capture.cells import Cells
from avl_host.capture.source import Picture
from avl_host.encode.budget import Budget
from avl_host.encode.coding import Coding
from avl_host.encode.encoder import Encoder, EncoderSettings
from avl_host.encode.moving import Moving, MovingSettings
from avl_protocol.media.frame import Chroma, EncodedFrame

#: Seconds for which it goes on when nobody needs it any more: who goes down again soon costs no key picture.
LINGERS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One look at the desktop: `moving` is all that pictures show, of which the audience has what is `showing` from
    pictures that were sent; `captured` stamps what is made of it."""

    picture: Picture
    moving: Cells
    showing: Cells
    echo: float
    captured: Callable[[float], float]


class Lower:
    """One desktop's pictures with fewer bits. Times are seconds of the caller's clock."""

    def __init__(
        self,
        open_encoder: Callable[[EncoderSettings], Encoder],
        settings: MovingSettings,
        coding: Coding[EncodedFrame],
    ) -> None:
        self._open_encoder = open_encoder
        self._settings = settings
        self._coding = coding
        self._moving: Moving | None = None
        self._budget: Budget | None = None
        self._unneeded_since: float | None = None
        #: What changed and has not been coded here yet.
        self._due: Cells = np.zeros((1, 1), np.bool_)
        self._earliest = float("-inf")
        #: Whether anything moved when it was looked last.
        self._moved = False
        #: Written from any thread.
        self._key_wanted = False

    @property
    def running(self) -> bool:
        """Whether pictures are made."""
        return self._moving is not None

    def request_key(self) -> None:
        """Begin a new group soon; on any thread."""
        self._key_wanted = True

    def follow(self, budget: Budget | None, now: float) -> None:
        """Somebody needs such pictures, within this budget; None: nobody does."""
        if budget is None:
            if self._moving is None:
                return
            if self._unneeded_since is None:
                self._unneeded_since = now
            if now >= self._unneeded_since + LINGERS and not self._coding.busy:
                self._moving.close()
                self._moving = None
            return
        self._unneeded_since = None
        if self._moving is None:
            self._moving = Moving(self._open_encoder, budget, self._settings)
            self._due = np.ones((1, 1), np.bool_)
        elif budget != self._budget:
            self._moving.set_budget(budget)
        self._budget = budget

    def changed(self, cells: Cells) -> None:
        """These cells changed; whether pictures show them is asked when one is made."""
        if self._moving is not None:
            self._moving.changed(cells)
            self._due = self._due | cells if self._due.shape == cells.shape else np.ones_like(cells)

    def spend(self, size: int) -> None:
        """Exact pixels took so many bytes of what its audience can take."""
        if self._moving is not None:
            self._moving.spend(size)

    def next_step(self) -> float | None:
        """When `step` is worth calling without anything having changed; None: never."""
        moving = self._moving
        if moving is None:
            return None
        times = [moving.due, None if self._unneeded_since is None else self._unneeded_since + LINGERS]
        if moving.place is not None and not self._coding.busy:
            if self._due.any():
                times.append(self._earliest)
            if self._moved and (self._key_wanted or moving.key_due):
                times.append(moving.key_earliest)
        return min((at for at in times if at is not None), default=None)

    def step(self, scene: Scene, chroma: Chroma, now: float) -> None:
        """Have a picture of what moves coded, if one is due."""
        moving = self._moving
        if moving is None:
            return
        shape = scene.moving.shape
        if self._due.shape != shape:
            self._due = np.ones(shape, np.bool_)
        self._due &= scene.moving
        self._moved = bool(scene.moving.any())
        moving.climb(now)
        moving.follow(scene.moving, scene.picture.size, chroma, now)
        if self._coding.busy:
            return
        if moving.idle:
            moving.close()
        if moving.place is None or not self._moved:
            self._key_wanted = False
            return
        key = (self._key_wanted or moving.key_due) and now >= moving.key_earliest
        if not key and not (self._due.any() and now >= self._earliest):
            return
        prepared = moving.prepare(
            scene.picture,
            self._due,
            scene.showing,
            key=key,
            echo=scene.echo,
            now=now,
            captured=scene.captured(scene.picture.captured),
        )
        if prepared.key:
            self._key_wanted = False
        self._earliest = max(self._earliest + 1.0 / moving.rung.fps, now)
        self._due = np.zeros(shape, np.bool_)
        self._coding.begin(partial(moving.code, prepared))

    def take(self, now: float) -> list[EncodedFrame]:
        """The pictures that have been coded."""
        frames = self._coding.take()
        for frame in frames:
            if self._moving is not None:
                self._moving.coded(frame, now)
        return [replace(frame, lower=True) for frame in frames]

    def close(self) -> None:
        """Let go of the encoder."""
        self._coding.close()
        if self._moving is not None:
            self._moving.close()
