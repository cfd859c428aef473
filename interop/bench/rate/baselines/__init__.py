"""Controllers to compare with, each behind avl_protocol.rate.control.RateController, so that one flow runs them all."""

from __future__ import annotations

from avl_protocol.rate.control import RateController
from interop.bench.rate.baselines.classic import ClassicController
from interop.bench.rate.baselines.fixed import FixedController
from interop.bench.rate.baselines.gcc import GccController
from interop.bench.rate.baselines.nada import NadaController

NAMES = ("gcc", "nada", "reno", "cubic", "fixed")


def make(name: str, rmin: float, rstart: float, rmax: float, packet_size: int) -> RateController:
    """The controller called `name`, one of NAMES, else KeyError.

    `rmin`, `rstart` and `rmax` are bit/s (ValueError unless 0 < rmin <= rstart <= rmax); `packet_size` is bytes of a
    full datagram with all headers. "fixed" stays at `rstart`.
    """
    if name == "gcc":
        return GccController(rmin, rstart, rmax, packet_size)
    if name == "nada":
        return NadaController(rmin, rstart, rmax, packet_size)
    if name == "fixed":
        return FixedController(rmin, rstart, rmax, packet_size)
    return ClassicController(name=name, rmin=rmin, rstart=rstart, rmax=rmax, packet_size=packet_size)
