"""Model: what can be set of all commands of `avl`; each setting's flag, its line in a file and its variable have one
name. It is for every command that has such a flag."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from avl_protocol.endpoint.program.folders import default_folder
from avl_protocol.endpoint.settings.model import Number, ProgramSettings, setting
from avl_protocol.endpoint.settings.tomlfile import Key


class Configuration(ProgramSettings):
    """All settings of avl."""

    program: ClassVar[str] = "avl"
    prefix: ClassVar[str] = "AVL_VIEWER_"

    state: Path | None = setting(
        None, "The folder of this viewer's identity and account: by default below your home folder.", filed=False
    )
    timeout: Number = setting(10.0, "Seconds to come in: a slow path needs a few, and nobody waits longer.", ge=0.1)
    direct: bool = setting(
        True, "Look for a direct way, which is quicker than a relay; it tells the host our addresses."
    )
    settle: Number = setting(
        5.0, "Seconds that a screenshot waits until every pixel is exact; 0: not at all. A page needs less.", ge=0
    )
    fullscreen: bool = setting(False, "Begin in full screen.")
    fit: Literal["host", "viewer"] = setting(
        "viewer",
        "What follows a window's size: the host's desktop, or the viewer's picture of it, since others may look, too.",
    )
    stats_file: Path | None = setting(
        None, "A file that a window writes its figures to, once a second.", example='"/tmp/avl-stats.json"'
    )
    qlog: Path | None = setting(
        None,
        "A folder for a qlog file of each connection: to find a fault, since it costs time and space.",
        example='"/var/tmp/qlog"',
    )

    def written(self, key: Key) -> Any:
        """See ProgramSettings: the state folder that is used."""
        if key == ("state",):
            return str(self.state or default_folder("viewer"))
        value = super().written(key)
        return str(value) if isinstance(value, Path) else value
