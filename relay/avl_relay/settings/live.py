"""Live: the settings of one process of a relay while it runs: read anew when asked to, and changed from the console."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from pydantic import ValidationError

from avl_protocol.endpoint.settings.faults import BadSettings, Fault
from avl_protocol.endpoint.settings.load import Loaded
from avl_protocol.endpoint.settings.reload import Change, Current
from avl_protocol.endpoint.settings.report import as_json
from avl_relay.settings.changed import LAYER, TABLE, changed, keep, with_changed
from avl_relay.settings.model import Configuration


class SetElsewhere(Exception):
    """A setting that the console can't change; the text says where it is set."""


class LiveSettings:
    """`again()` reads all of them anew, and raises BadSettings. Who `listen`s is given them after each change.
    `worker`: which of several processes this is; None: the only one, or the one that starts the others."""

    def __init__(
        self, loaded: Loaded[Configuration], again: Callable[[], Loaded[Configuration]], *, worker: int | None = None
    ) -> None:
        self._current, self._again, self._worker = Current(loaded, again), again, worker
        log = structlog.get_logger("relay")
        self._log = log if worker is None else log.bind(worker=worker)
        self._listeners: list[Callable[[Configuration], None]] = []

    def of_worker(self, number: int) -> LiveSettings:
        """Those of a worker that begins now, with what holds here."""
        return LiveSettings(self._current.loaded, self._again, worker=number)

    @property
    def settings(self) -> Configuration:
        """What holds now."""
        return self._current.settings

    def listen(self, listener: Callable[[Configuration], None]) -> None:
        """Give somebody the settings, whenever some are others."""
        self._listeners.append(listener)

    def read_anew(self) -> bool:
        """Read them anew, as SIGHUP asks for, and say what came of it; whether they could be read."""
        try:
            change = self._current.reload()
        except BadSettings as error:
            self._refused(error)
            return False
        self._log.info("settings read anew", changed=", ".join(change.live) or "none")
        self._told(change)
        if change.later and self._worker is None:
            self._log.warning("settings need a restart", settings=", ".join(change.later))
        return True

    def catch_up(self) -> None:
        """Read them anew where that may have been asked for before anybody heard; nothing is said unless some are
        others."""
        try:
            change = self._current.reload()
        except BadSettings as error:
            self._refused(error)
            return
        if change.live:
            self._log.info("settings read anew", changed=", ".join(change.live))
        self._told(change)

    # the console's (api/settings.py)

    def shown(self) -> list[dict[str, Any]]:
        """All of them, for people who administer the relay: no secrets."""
        return as_json(self._current.loaded)

    def turn(self, features: Mapping[str, bool]) -> dict[str, bool]:
        """Turn features off or on, for good, at every process that then calls `look`; those that are others now. Raises
        SetElsewhere, BadSettings, StateError."""
        loaded, before = self._current.loaded, self.settings.features
        for name in features:
            key = (TABLE, name)
            above = next((layer for layer in loaded.layers if layer.has(key)), None)
            if above is not None and loaded.layers.index(above) < self._own_layer():
                raise SetElsewhere(f"{TABLE}.{name} is set by {above.place(key)}: change it there")
        others = {name: value for name, value in features.items() if getattr(before, name) != value}
        if others:
            keep(self.settings.folder, others)
        return others

    def look(self) -> None:
        """Another process, or this one, has turned features off or on."""
        try:
            change = self._current.take(with_changed(self._current.loaded, changed(self.settings.folder)))
        except BadSettings as error:
            self._refused(error)
            return
        except ValidationError as error:
            self._refused(BadSettings([Fault("", str(found["msg"])) for found in error.errors()]))
            return
        if change.live:
            self._log.info("settings changed from the console", changed=", ".join(change.live))
        self._told(change)

    # within

    def _own_layer(self) -> int:
        return next(at for at, layer in enumerate(self._current.loaded.layers) if layer.name == LAYER)

    def _refused(self, error: BadSettings) -> None:
        for fault in error.faults:
            self._log.error("settings stay as they are", why=str(fault))

    def _told(self, change: Change) -> None:
        if change.live:
            for listener in self._listeners:
                listener(self.settings)
