"""Sources: the settings of a host from all that says something of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from avl_host.settings.model import Configuration
from avl_protocol.endpoint.program.folders import default_folder
from avl_protocol.endpoint.settings.load import Layer, Loaded, file_of, from_flags, load


def host_settings(
    file: Path | None, state: Path | None, flags: Sequence[Layer] = (), variables: Mapping[str, str] = os.environ
) -> Loaded[Configuration]:
    """All of them. `file` and `state` as flags named them, if they did; `flags`: the highest first. Raises
    BadSettings."""
    found = file_of(Configuration, file, state or default_folder("host"), variables)
    given = [] if state is None else [from_flags({"state": state})]
    return load(Configuration, file=found, variables=variables, flags=[*given, *flags])
