"""What `avl-host config` is about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from avl_commands.settings import Configured

if TYPE_CHECKING:
    from avl_host.settings.model import Configuration
    from avl_protocol.endpoint.settings.load import Loaded


def _load(file: Path | None, state: Path | None) -> Loaded[Configuration]:
    from avl_host.settings.sources import host_settings

    return host_settings(file, state)


def _model() -> type[Configuration]:
    from avl_host.settings.model import Configuration

    return Configuration


CONFIGURED = Configured(name="avl-host", folder="host", load=_load, model=_model)
