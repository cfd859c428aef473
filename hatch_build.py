"""Build hook: what the page takes from npm is laid beside it, so that a wheel holds it and a clone can serve it.

Nothing of it lies in this repository. It comes from `node_modules`, which `npm ci` fills with exactly what
package-lock.json says; where that was not done, npm is asked. Without npm the build goes on and says so: hosts and
native viewers need none of it, and a relay, which serves the page, says at its start what the page lacks.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

#: Package -> its files that the page is served with; a licence goes where its program goes.
TAKEN = {
    "zstddec": ("dist/zstddec.mjs", "dist/zstddec.d.mts", "LICENSE"),
    "hash-wasm": ("dist/blake3.umd.min.js", "LICENSE"),
    "uqr": ("dist/index.mjs", "dist/index.d.mts", "LICENSE"),
}
PLACE = "viewer/avl_viewer/web/vendor"


class TakeFromNpm(BuildHookInterface[Any]):
    """Runs before wheels, editable installs and source distributions are put together."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fill the folder, unless it came filled, as in a source distribution."""
        root = Path(self.root)
        copies = {
            root / "node_modules" / package / name: root / PLACE / package / Path(name).name
            for package, names in TAKEN.items()
            for name in names
        }
        if not there(copies.keys()) and not there(copies.values()) and shutil.which("npm"):
            command = ["npm", "ci", "--omit=dev", "--ignore-scripts", "--silent"]
            subprocess.run(command, cwd=root, stdin=subprocess.DEVNULL, check=False)
        if there(copies.keys()):
            for source, copy in copies.items():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, copy)
        elif not there(copies.values()):
            self.app.display_warning(
                f"The browser client is left without {', '.join(TAKEN)}: that comes from npm, which is missing or "
                "failed. A relay of this build serves no page; install npm and build again."
            )


def there(files: Iterable[Path]) -> bool:
    """Whether all of these are files."""
    return all(path.is_file() for path in files)
