"""Places: who gets one, who gives way, and that nobody is remembered who has none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.endpoint.accept.hits import MOST_NETWORKS, Hits, limits_hit, network
from avl_protocol.endpoint.accept.quota import Claim, Quota
from avl_protocol.rate.limits import Limits, Places

GRACE = 5.0


class Door:
    """A quota whose time is the test's, and who had to give way."""

    def __init__(self, places: Places, strangers: Places) -> None:
        self.quota = Quota(places, strangers, GRACE)
        self.now = 100.0
        self.gone: list[str] = []

    def enter(self, host: str, name: str = "") -> Claim | None:
        return self.quota.claim(host, self.now, lambda: self.gone.append(name or host))


def crowd(door: Door, hosts: list[str]) -> list[Claim]:
    """All of them come in."""
    claims = [door.enter(host) for host in hosts]
    found = [claim for claim in claims if claim is not None]
    assert len(found) == len(hosts)
    return found


WIDE = Places(100, 1000, 10_000)


def test_one_source_has_so_many_places_and_others_theirs() -> None:
    door = Door(WIDE, Places(2, 100, 1000))
    crowd(door, ["192.0.2.1"] * 2)
    assert door.enter("192.0.2.1") is None
    assert door.enter("192.0.2.2") is not None
    assert door.gone == []


def test_it_is_counted_how_often_somebody_got_no_place_or_gave_way() -> None:
    door = Door(WIDE, Places(2, 100, 1000))
    crowd(door, ["192.0.2.1"] * 2)
    assert door.quota.hits.total == 0
    assert door.enter("192.0.2.1") is None and door.quota.hits.total == 1
    door.now += GRACE
    assert door.enter("192.0.2.1") is not None and door.quota.hits.total == 2
    assert door.quota.shed(1.0) == 2 and door.quota.hits.total == 4
    assert door.quota.hits.networks == {"192.0.2.0/24": 4}


def test_a_full_house_is_laid_at_the_network_that_fills_it() -> None:
    door = Door(WIDE, Places(100, 1000, 3))
    crowd(door, ["192.0.2.1", "192.0.2.2", "192.0.2.3"])
    assert door.enter("198.51.100.1") is not None and door.quota.hits.networks == {"192.0.2.0/24": 1}


def test_networks_that_hit_a_limit_are_few_and_the_latest() -> None:
    hits = Hits()
    for number in range(MOST_NETWORKS + 5):
        hits.add(f"10.{number // 256}.{number % 256}.0/24")
    assert hits.total == MOST_NETWORKS + 5 and len(hits.networks) == MOST_NETWORKS
    assert "10.0.0.0/24" not in hits.networks
    _, by_network = limits_hit({"places": hits})
    assert by_network["places 10.0.9.0/24"] == 1


def test_a_stranger_that_stays_gives_way_to_a_newcomer_of_its_source() -> None:
    door = Door(WIDE, Places(2, 100, 1000))
    door.enter("192.0.2.1", "first")
    door.now += 1
    door.enter("192.0.2.1", "second")
    door.now += GRACE - 0.5
    assert door.enter("192.0.2.1") is not None and door.gone == ["first"]
    assert door.enter("192.0.2.1") is None, "the second came too late to have to go"


def test_who_is_trusted_never_gives_way_and_makes_room_for_a_stranger() -> None:
    door = Door(Places(3, 100, 1000), Places(1, 100, 1000))
    for _ in range(2):
        claim = door.enter("192.0.2.1")
        assert claim is not None
        claim.trust()
    door.now += 100
    assert door.enter("192.0.2.1") is not None and door.gone == []
    assert door.enter("192.0.2.1") is None, "the limit for all is no stranger's"


def test_many_sources_of_one_network_share_its_places() -> None:
    door = Door(WIDE, Places(10, 3, 1000))
    crowd(door, ["192.0.2.1", "192.0.2.2", "192.0.2.3"])
    assert door.enter("192.0.2.4") is None and door.enter("198.51.100.1") is not None
    crowd(door, ["2001:db8:0:1::1", "2001:db8:0:2::1", "2001:db8:0:3::1"])
    assert door.enter("2001:db8:0:4::1") is None and door.enter("2001:db8:1::1") is not None


def test_whoever_holds_most_makes_room_for_whoever_comes_from_elsewhere() -> None:
    door = Door(WIDE, Places(10, 10, 12))
    crowd(door, ["192.0.2.1"] * 8 + ["198.51.100.1"] * 4)
    assert door.enter("203.0.113.1") is not None
    assert door.gone == ["192.0.2.1"], "at once: whoever has none does not wait"
    door.gone.clear()
    assert door.enter("192.0.2.9") is None, "the largest gets no more"
    assert door.gone == []


def test_a_flood_from_everywhere_leaves_room_for_one_from_elsewhere() -> None:
    door = Door(Limits().connections, Limits().strangers)
    for number in range(3000):
        door.enter(f"10.{number // 50}.{number % 50}.{1 + number % 7}")
    assert door.quota.size <= Limits().strangers.total
    assert door.enter("192.0.2.1") is not None


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["enter", "trust", "release"])), max_size=80))
def test_the_places_are_never_exceeded_and_nothing_is_remembered(steps: list[tuple[int, str]]) -> None:
    door = Door(Places(4, 6, 9), Places(2, 4, 6))
    held: list[Claim] = []
    for number, what in steps:
        door.now += 1
        if what == "enter":
            claim = door.enter(f"10.0.{number % 3}.{number % 4}")
            if claim is not None:
                held.append(claim)
        elif held:
            claim = held[number % len(held)]
            claim.trust() if what == "trust" else claim.release()
        held = [claim for claim in held if claim.held]
        for host in {claim.groups[0] for claim in held}:
            mine = [claim for claim in held if claim.groups[0] == host]
            assert len(mine) <= 4 and sum(not claim.trusted for claim in mine) <= 2
        assert len(held) == door.quota.size <= 9 and sum(not claim.trusted for claim in held) <= 6
    for claim in held:
        claim.release()
        claim.release()
    assert door.quota.size == 0 and door.quota.sources == 0


@pytest.mark.parametrize(
    ("host", "wide"), [("192.0.2.7", "192.0.2.0/24"), ("2001:db8:0:1::7", "2001:db8::/48"), ("fe80::1%e", "fe80::/48")]
)
def test_a_network_is_no_source(host: str, wide: str) -> None:
    assert network(host) == wide
