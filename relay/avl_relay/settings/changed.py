"""Changed: features that were turned off or on from the console, while the relay ran. They are kept in the state
folder, and stand above the file of settings and below environment and flags."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from avl_protocol.endpoint.program.state import StateError, write_whole
from avl_protocol.endpoint.settings.faults import BadSettings, Fault
from avl_protocol.endpoint.settings.load import Layer, Loaded
from avl_protocol.endpoint.settings.report import toml
from avl_protocol.endpoint.settings.tomlfile import read
from avl_relay.settings.model import Configuration

FILE = "features.toml"
#: The layer of this, among those that settings are made of, and its only table.
LAYER, TABLE = "changed", "features"
_FIRST = "# What was changed from the console. 'avl-relay config show' says what holds.\n"


def changed(folder: Path) -> Layer:
    """What is kept in a state folder. Raises BadSettings."""
    path = folder / FILE
    if not path.exists():
        return Layer(values={}, place=lambda key: str(path), name=LAYER)
    file = read(path)
    if (other := next((name for name in file.values if name != TABLE), None)) is not None:
        raise BadSettings([Fault(file.place((other,)), f"{other}: only features are kept here")])
    return Layer(values=file.values, place=file.place, name=LAYER)


def keep(folder: Path, features: Mapping[str, bool]) -> None:
    """Change some of them, and keep the others; one process at a time. Raises BadSettings, StateError."""
    try:
        import fcntl

        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise StateError(f"can't read {folder}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        kept = {**changed(folder).values.get(TABLE, {}), **features}
        lines = [f"[{TABLE}]", *(f"{name} = {toml(value)}" for name, value in sorted(kept.items()))]
        write_whole(folder / FILE, (_FIRST + "\n".join(lines) + "\n").encode())
    finally:
        os.close(descriptor)


def with_changed(loaded: Loaded[Configuration], layer: Layer) -> Loaded[Configuration]:
    """The same settings with another such layer: nothing else is read anew. Raises pydantic.ValidationError."""
    layers = tuple(layer if one.name == LAYER else one for one in loaded.layers)
    return replace(loaded, layers=layers, settings=Configuration(*(one.values for one in layers)))
