"""Programs that some tests start: what happens where one is missing.

On a laptop a test that needs a browser or an X server is skipped, and the reason names the program. Where `CI=true` the
machine was supposed to have everything, so that the same test fails: a gate that quietly skips is no gate.
"""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def need(tool: str) -> str:
    """The path of `tool` on this machine; skips the calling test where it is missing, or fails it where CI=true."""
    path = shutil.which(tool)
    if path is not None:
        return path
    without(f"{tool} is not installed on this machine (./dev test names the package)")


def without(reason: str) -> NoReturn:
    """Skip the calling test because of what this machine can't do, or fail it where CI=true."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
