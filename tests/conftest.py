"""What all tests share: how hypothesis searches, and that state machines are held to one thread."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator

# Before anything of ours is imported: each program, and each that a test starts, guards its state machines.
os.environ["AVL_ONE_THREAD"] = "1"

import pytest
from hypothesis import HealthCheck, settings

# No deadline for one example: two cores shared with X servers and browsers make it a lottery. CI repeats the same
# examples, so that a red run can be repeated; at home every run looks elsewhere.
settings.register_profile("home", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
settings.register_profile("ci", settings.get_profile("home"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "home")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Half a million objects of modules and tests stay to the end: the collector of garbage neither looks for any among
    them while they are made nor goes through all of them ever after."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
