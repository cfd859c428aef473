"""Bottleneck: whether others use the bottleneck too, judged by the gaps between our trains (spec 10.2).

A train whose first packet waited found the bottleneck busy all that time, or since our train before it was through.
Alone, that is no longer than between two packets of a train, for nothing but our own train before it was served; else
it is longer by what others had queued, as are some of the gaps within the train. The median gap is one packet's own.
Single long waits are the path's own, as of a radio channel: what counts is what most trains say.
"""

from __future__ import annotations

from collections.abc import Sequence

from avl_protocol.rate.trains import Train

#: Least wait that shows a busy bottleneck, in seconds, and in multiples of the delays' noise.
WAITED, NOISES = 0.003, 2.0
#: Above this share of the bottleneck a train was alone, and above this part of such trains the flow is.
TRAIN_ALONE, ALONE = 0.8, 0.5
#: Weight of one train, and seconds in which what was seen is forgotten while no queue tells anything.
WEIGHT, FORGET = 0.06, 20.0

#: Gaps whose median is a train's own service time, and the step of the median of all, seconds for a byte.
ENOUGH, SERVICE_STEP = 4, 1.02


class Bottleneck:
    """A flow's share of its bottleneck."""

    def __init__(self, packet_size: int) -> None:
        self._packet = packet_size
        self._part = 1.0
        self._service = 1e-6
        #: Mean share of the bottleneck that was ours while it was busy.
        self.share = 1.0

    @property
    def alone(self) -> bool:
        """Whether nobody else used the bottleneck lately."""
        return self._part > ALONE

    def update(self, ended: Sequence[Train], base: float, noise: float, step: float) -> None:
        """Take trains that have ended, `base` being the least delay; `step`: seconds since the last time."""
        told = False
        for train in ended:
            waited = train.first - train.sent_first - base
            if waited < max(WAITED, NOISES * noise):
                continue
            for gap in train.gaps:
                self._service *= SERVICE_STEP if gap > self._service else 1 / SERVICE_STEP
            gaps = sorted(train.gaps)
            service = gaps[len(gaps) // 2] if len(gaps) >= ENOUGH else self._service
            busy = min(waited, train.pause) + train.last - train.first
            if busy <= 0.0:
                continue
            share = min(1.0, service * (train.size + self._packet) / busy)
            self.share += WEIGHT * (share - self.share)
            self._part += WEIGHT * ((1.0 if share > TRAIN_ALONE else 0.0) - self._part)
            told = True
        if not told:
            self.share += (1.0 - self.share) * min(1.0, step / FORGET)
            self._part += (1.0 - self._part) * min(1.0, step / FORGET)
