"""Sources: the settings of a relay from all that says something of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from avl_protocol.endpoint.program.folders import default_folder
from avl_protocol.endpoint.settings.load import Layer, Loaded, file_of, from_flags, load
from avl_protocol.rate.limits import DEFAULT
from avl_relay.chosen import chosen
from avl_relay.settings.changed import changed
from avl_relay.settings.model import Configuration, divided_limits


def relay_settings(
    file: Path | None, state: Path | None, flags: Sequence[Layer] = (), variables: Mapping[str, str] = os.environ
) -> Loaded[Configuration]:
    """All of them. `file` and `state` as flags named them, if they did; `flags`: the highest first. Raises
    BadSettings."""
    folder = state or default_folder("relay")
    found = file_of(Configuration, file, folder, variables)
    given = [] if state is None else [from_flags({"state": state})]
    return load(Configuration, file=found, variables=variables, flags=[*given, *flags], changed=changed(folder))


def limit_layer(lines: Iterable[str], place: str) -> Layer:
    """What lines of NAME=VALUE say (chosen.py). Raises ValueError."""
    kept = [said for line in lines if (said := line.partition("#")[0].strip())]
    chosen(DEFAULT, kept)
    limits: dict[str, Any] = {}
    for line in kept:
        name, _, value = (part.strip() for part in line.partition("="))
        name, _, part = name.partition(".")
        if not part:
            limits |= divided_limits({name: value})
            continue
        parts = limits.setdefault(name, {})
        parts[part] = value
    return Layer(values={"limits": limits}, place=lambda key: place)
