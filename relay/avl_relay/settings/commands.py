"""What `avl-relay config` is about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from avl_commands.settings import Configured

if TYPE_CHECKING:
    from avl_protocol.endpoint.settings.load import Loaded
    from avl_relay.settings.model import Configuration


def _load(file: Path | None, state: Path | None) -> Loaded[Configuration]:
    from avl_relay.settings.sources import relay_settings

    return relay_settings(file, state)


def _model() -> type[Configuration]:
    from avl_relay.settings.model import Configuration

    return Configuration


CONFIGURED = Configured(name="avl-relay", folder="relay", load=_load, model=_model)
