"""What `avl config` is about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from avl_commands.settings import Configured

if TYPE_CHECKING:
    from avl_protocol.endpoint.settings.load import Loaded
    from avl_viewer.settings.model import Configuration


def _load(file: Path | None, state: Path | None) -> Loaded[Configuration]:
    from avl_viewer.settings.sources import viewer_settings

    return viewer_settings(file, state)


def _model() -> type[Configuration]:
    from avl_viewer.settings.model import Configuration

    return Configuration


CONFIGURED = Configured(name="avl", folder="viewer", load=_load, model=_model)
