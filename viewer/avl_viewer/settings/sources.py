"""Sources: the settings of a viewer from its file and the environment, as defaults of its commands' flags.

They are loaded where something is set, and only there: a command that finds nothing to read is as quick as before.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avl_protocol.endpoint.program.folders import default_folder

if TYPE_CHECKING:
    from avl_protocol.endpoint.settings.load import Loaded
    from avl_viewer.settings.model import Configuration

PREFIX, NAME = "AVL_VIEWER_", "avl.toml"
ETC = Path("/etc/avl")


def is_anything_set(file: Path | None, variables: Mapping[str, str] = os.environ) -> bool:
    """Whether there is a file, or a variable beside the one that names the state folder."""
    names = (name for name, value in variables.items() if name.startswith(PREFIX) and value)
    return (
        file is not None
        or any(name != f"{PREFIX}STATE" for name in names)
        or any((folder / NAME).exists() for folder in (default_folder("viewer"), ETC))
    )


def viewer_settings(
    file: Path | None, state: Path | None = None, variables: Mapping[str, str] = os.environ
) -> Loaded[Configuration]:
    """All of them. Raises BadSettings."""
    from avl_protocol.endpoint.settings.load import file_of, from_flags, load
    from avl_viewer.settings.model import Configuration

    found = file_of(Configuration, file, state or default_folder("viewer"), variables)
    flags = [] if state is None else [from_flags({"state": state})]
    return load(Configuration, file=found, variables=variables, flags=flags)


def defaults(loaded: Loaded[Configuration], commands: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Any]]:
    """For each command, by its name with the names of its flags: what is set of those."""
    from avl_protocol.endpoint.settings.load import DEFAULT

    said = {
        name: loaded.settings.written((name,))
        for name in type(loaded.settings).model_fields
        if name != "state" and loaded.place((name,)) != DEFAULT
    }
    return {
        command: {name: value for name, value in said.items() if name in flags} for command, flags in commands.items()
    }
