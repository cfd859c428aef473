"""FixedController: a constant rate, to see what a control loop is worth.

With the right rate chosen beforehand it is an oracle on a steady link, and a disaster on any other.
"""

from __future__ import annotations

from interop.bench.rate.baselines.base import Baseline

#: Pictures leave somewhat faster than they come, so that one does not delay the next.
PACING_SHARE = 1.5


class FixedController(Baseline):
    """Target of `rstart` bit/s for ever, whatever is reported."""

    @property
    def pacing_rate(self) -> float | None:
        """Bytes per second at which packets leave."""
        return PACING_SHARE * self.rstart / 8
