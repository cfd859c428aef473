"""When coding a film is called heavy."""

from __future__ import annotations

from avl_host.encode.load import ENOUGH, HEAVY_PART, Load

LIMIT = HEAVY_PART / 60


def test_what_takes_too_long_on_the_mean_is_heavy_and_stays_so_until_the_film_ends() -> None:
    load = Load(60)
    for _ in range(ENOUGH - 1):
        load.coded(2 * LIMIT)
        assert not load.heavy, "too few to know"
    load.coded(2 * LIMIT)
    assert load.heavy
    for _ in range(100):
        load.coded(0.0)
    assert load.heavy
    load.forget()
    assert not load.heavy


def test_a_hiccup_is_not_heavy() -> None:
    load = Load(60)
    for number in range(300):
        load.coded(4 * LIMIT if number % 50 == 49 else 0.5 * LIMIT)
        assert not load.heavy
