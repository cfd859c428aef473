"""Where a session comes in, for tests of what must not depend on it."""

from __future__ import annotations

import pytest

from tests.simulator.world import ENTRANCES


@pytest.fixture(params=ENTRANCES)
def via(request: pytest.FixtureRequest) -> str:
    """Each way in: what a session does is the same whichever it took."""
    return str(request.param)
