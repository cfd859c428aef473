"""The attack bench: its figures, and a few seconds of attacks on a real relay with running sessions."""

from __future__ import annotations

import asyncio

import pytest

from interop.bench.attack.__main__ import attack
from interop.bench.attack.attacks import ATTACKS
from interop.bench.attack.figures import Figures, figures, markdown
from interop.stage import BIN


def test_figures_are_of_what_was_sent_in_peace_and_under_attack() -> None:
    events: list[dict[str, float | None]] = [{"at": 1.0 + 0.01 * n, "delay": 0.005} for n in range(100)]
    events += [{"at": 10.0 + 0.01 * n, "delay": 0.001 * n} for n in range(1, 101)]
    events += [{"at": 30.0, "delay": 0.5}, {"at": 5.0, "delay": 9.0}]
    events += [{"at": 10.5, "began": 10.2, "entered": 0.3}, {"at": 11.5, "began": 8.0, "entered": 2.5}]
    made = figures("one", [*events, {"at": 10.0, "lost": 1.0}], (5.0, 9.0, 20.0), 12.0, 40.0)
    assert made == Figures(
        name="one",
        memory=12.0,
        before_p95=5.0,
        p95=pytest.approx(96.0),  # type: ignore[arg-type]
        worst=100.0,
        enters=0.3,
        cpu=40.0,
        lost=1,
    )
    assert made.met == (True, False, True)
    gone = figures("two", [{"at": 15.0, "began": 10.0, "entered": None}], (5.0, 9.0, 20.0), 65.0, 40.0)
    assert gone.enters is None and gone.met == (False, True, False)
    assert "**never**" in markdown([gone]) and "**+65.0**" in markdown([gone])


@pytest.mark.parametrize("name", ["fragments", "hops", "handshakes"])
def test_a_relay_under_attack_goes_on(name: str) -> None:
    """Bounds for a machine on which much else runs: what they tell apart is an outage from a disturbance."""
    assert name in ATTACKS
    made = asyncio.run(attack(name, 2.0, 4, [str(BIN / "avl-relay")], before=1.0))
    assert made.lost == 0
    assert made.memory < 64
    assert made.enters is not None and made.enters < 8
    assert made.p95 < 10 * made.before_p95 + 1000
