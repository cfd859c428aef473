"""What all tests share: how hypothesis searches, and that state machines are held to one thread."""

from __future__ import annotations

import os

# Before anything of ours is imported: each program, and each that a test starts, guards its state machines.
os.environ["AVL_ONE_THREAD"] = "1"

from hypothesis import HealthCheck, settings

# No deadline for one example: two cores shared with X servers and browsers make it a lottery. CI repeats the same
# examples, so that a red run can be repeated; at home every run looks elsewhere.
settings.register_profile("home", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
settings.register_profile("ci", settings.get_profile("home"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "home")
