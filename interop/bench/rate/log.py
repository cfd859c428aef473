"""FlowLog: what a flow says about itself while it runs. Figures are made of it afterwards."""

from __future__ import annotations

from array import array

#: What bytes are sent for.
KINDS = ("media", "parity", "repair", "probe", "feedback")


class FlowLog:
    """One flow's frames, skipped pictures, bytes by kind, and target over time."""

    __slots__ = (
        "bytes",
        "capture_number",
        "capture_size",
        "capture_time",
        "show_number",
        "show_time",
        "skips",
        "target_rate",
        "target_time",
    )

    def __init__(self) -> None:
        self.capture_number = array("q")
        self.capture_time = array("d")
        self.capture_size = array("q")
        self.show_number = array("q")
        self.show_time = array("d")
        self.skips = array("d")
        self.target_time = array("d")
        self.target_rate = array("d")
        self.bytes = dict.fromkeys(KINDS, 0)

    def captured(self, number: int, now: float, size: int) -> None:
        """Frame `number`, counted up by one each, of `size` bytes was made."""
        self.capture_number.append(number)
        self.capture_time.append(now)
        self.capture_size.append(size)

    def shown(self, number: int, now: float) -> None:
        """Frame `number` could be displayed: complete, decodable, in order."""
        self.show_number.append(number)
        self.show_time.append(now)

    def skipped(self, now: float) -> None:
        """A picture was not taken because an earlier one still waits."""
        self.skips.append(now)

    def sent(self, kind: str, size: int) -> None:
        """`size` bytes, headers included, left for one of KINDS."""
        self.bytes[kind] += size

    def target(self, now: float, rate: float) -> None:
        """The encoder's target is `rate` bit/s from now on."""
        self.target_time.append(now)
        self.target_rate.append(rate)
