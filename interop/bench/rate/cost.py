"""What rate control costs: microseconds of CPU for each packet, both ends together.

    python -m interop.bench.rate.cost

A hop at 7.7 Mbit/s in 60 frames a second, without transport and media around it: ledger, pacer, controller, collector
and feedback of all the packets of ten seconds, the median of five runs.
"""

from __future__ import annotations

from statistics import median
from time import process_time

from avl_protocol.media.packetizer import packetize
from avl_protocol.rate.controller import Controller
from avl_protocol.rate.hop import OVERHEAD, HopRate
from avl_protocol.rate.pacer import Pacer
from avl_protocol.rate.settings import RateSettings
from avl_protocol.wire.registry import MAX_DATAGRAM_PAYLOAD

FRAMES, SIZE, RUNS = 600, 16_000, 5
PACKET = MAX_DATAGRAM_PAYLOAD + OVERHEAD


def once() -> dict[str, float]:
    """One run: microseconds a packet by what they went into."""
    near, far, pacer = HopRate(Controller(RateSettings())), HopRate(Controller(RateSettings())), Pacer(PACKET)
    spent = dict.fromkeys(("send", "pace", "receive", "feedback", "control"), 0.0)
    packets, now = 0, 100.0
    for number in range(FRAMES):
        frame = packetize(bytes(SIZE), 1, 1, number, 0)
        times = [process_time()]
        for place, data in enumerate(frame):
            near.datagram_sent(data, number, now + place * 0.0005)
            near.controller.on_sent(now + place * 0.0005, PACKET, 20_000)
        times.append(process_time())
        for _ in frame:
            pacer.rate = near.pacing_rate
            pacer.next_send_time(now)
            pacer.sent(now, PACKET)
        times.append(process_time())
        for place, data in enumerate(frame):
            far.datagram_received(data, now + 0.020 + place * 0.0006)
        times.append(process_time())
        answer = far.take_feedback(now + 0.045)
        times.append(process_time())
        if answer is not None:
            near.datagram_received(answer, now + 0.050)
            near.take_fates()
        times.append(process_time())
        for name, began, ended in zip(spent, times, times[1:], strict=False):
            spent[name] += ended - began
        packets += len(frame)
        now += 1 / 60
    return {name: 1e6 * seconds / packets for name, seconds in spent.items()}


def main() -> None:
    """Print the medians."""
    runs = [once() for _ in range(RUNS)]
    by_part = {name: median(run[name] for run in runs) for name in runs[0]}
    total = median(sum(run.values()) for run in runs)
    print(", ".join(f"{name} {value:.1f}" for name, value in by_part.items()), f"- {total:.1f} us a packet")


if __name__ == "__main__":
    main()
