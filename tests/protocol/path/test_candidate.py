"""Candidates: what a peer may name, and what of it may be sent anything."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from avl_protocol.path.candidate import (
    Candidate,
    Site,
    from_rows,
    is_lan,
    observed_address,
    reachable,
    to_rows,
)
from avl_protocol.wire.registry import MAX_CANDIDATES, CandidateKind

LOCAL, OBSERVED, MAPPED = CandidateKind.LOCAL, CandidateKind.OBSERVED, CandidateKind.MAPPED
SITE = Site(("192.168.1.7/24", "fd00:1::7/64", "2001:db8:7::9/64", "10.0.0.6/31"), ("203.0.113.5",))


def named(*hosts: str, kind: CandidateKind = LOCAL) -> list[Candidate]:
    return [Candidate(kind, host, 4433) for host in hosts]


def sent_to(*hosts: str, site: Site = SITE, kind: CandidateKind = LOCAL) -> list[str]:
    return [candidate.host for candidate in reachable(named(*hosts, kind=kind), site)]


# -- rows --------------------------------------------------------------------------------------------------------------


def test_candidates_travel_as_rows_and_back() -> None:
    candidates = [Candidate(LOCAL, "192.168.1.9", 1), Candidate(OBSERVED, "2001:db8::1", 65535)]
    assert to_rows(candidates) == ((1, "192.168.1.9", 1), (2, "2001:db8::1", 65535))
    assert from_rows(to_rows(candidates)) == candidates
    assert candidates[0].address == ("192.168.1.9", 1)


@pytest.mark.parametrize(
    "row",
    [
        (),
        (1,),
        (1, "192.0.2.1"),
        (1, "192.0.2.1", 4433, 0),
        (0, "192.0.2.1", 4433),
        (4, "192.0.2.1", 4433),
        (True, "192.0.2.1", 4433),
        ([], "192.0.2.1", 4433),
        ("1", "192.0.2.1", 4433),
        (1, b"\xc0\x00\x02\x01", 4433),
        (1, None, 4433),
        (1, "", 4433),
        (1, "localhost", 4433),
        (1, "192.0.2.1:5", 4433),
        (1, "192.0.2.01", 4433),
        (1, " 192.0.2.1", 4433),
        (1, "[2001:db8::1]", 4433),
        (1, "2001:db8::1%eth0", 4433),
        (1, "0xc0000201", 4433),
        (1, "192.0.2.1", 0),
        (1, "192.0.2.1", 65536),
        (1, "192.0.2.1", -1),
        (1, "192.0.2.1", 1 << 63),
        (1, "192.0.2.1", "4433"),
        (1, "192.0.2.1", None),
        (1, "192.0.2.1", True),
        (1, "1" * 70000, 4433),
    ],
)
def test_a_row_that_is_no_address_is_left_out_and_the_others_count(row: tuple[Any, ...]) -> None:
    assert from_rows([row, (1, "192.0.2.9", 7)]) == [Candidate(LOCAL, "192.0.2.9", 7)]


def test_no_more_rows_count_than_a_message_may_have() -> None:
    many = [Candidate(LOCAL, f"192.0.2.{at}", 4433) for at in range(100)]
    assert len(to_rows(many)) == MAX_CANDIDATES
    rows: list[tuple[Any, ...]] = [(1, candidate.host, candidate.port) for candidate in many]
    assert from_rows(rows) == many[:MAX_CANDIDATES]
    assert from_rows([(9,)] * MAX_CANDIDATES + rows) == []


def test_an_address_named_twice_or_in_two_spellings_counts_once() -> None:
    rows = [(2, "2001:DB8:0::1", 5), (1, "2001:db8::1", 5), (1, "::ffff:192.0.2.1", 6), (1, "192.0.2.1", 6)]
    assert from_rows(rows) == [Candidate(OBSERVED, "2001:db8::1", 5), Candidate(LOCAL, "192.0.2.1", 6)]


@given(st.lists(st.tuples(st.integers(), st.text(max_size=40), st.integers()) | st.tuples(st.none(), st.binary())))
def test_whatever_rows_say_they_are_read_without_an_error(rows: list[Any]) -> None:
    for candidate in from_rows(rows):
        ipaddress.ip_address(candidate.host)
        assert 0 < candidate.port < 65536


# -- where anything may be sent ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "224.0.0.251",
        "239.1.2.3",
        "ff02::fb",
        "ff0e::1",  # groups
        "255.255.255.255",
        "192.168.1.255",
        "192.168.1.0",
        "240.0.0.1",  # broadcast, ours too, and reserved
        "127.0.0.1",
        "127.8.8.8",
        "::1",
        "0.0.0.0",
        "::",  # this machine, or none
        "192.168.1.7",
        "fd00:1::7",
        "2001:db8:7::9",  # our own addresses
        "::ffff:127.0.0.1",
        "::ffff:192.168.1.7",
        "::ffff:224.0.0.1",
        "::ffff:255.255.255.255",  # all of it mapped
        "fe80::1",
        "fe80::1%1",
        "::1%1",
        "fd00:1::7%2",  # without its interface it names nobody
        "no address",
        "",
    ],
)
def test_what_is_not_another_single_machine_is_never_sent_anything(host: str) -> None:
    beside = Candidate(OBSERVED, SITE.observed[0], 1)
    assert reachable([Candidate(LOCAL, host, 4433), beside], SITE, near=True) == [beside]


@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.1",
        "10.0.0.8",
        "172.16.0.1",
        "172.31.255.254",
        "192.168.2.1",
        "100.64.0.1",
        "169.254.1.1",
        "fd00:2::1",
        "::ffff:10.1.1.1",
    ],
)
def test_a_private_address_needs_our_own_network_or_a_relay_that_sees_both_ends_at_one(host: str) -> None:
    assert sent_to(host) == []
    elsewhere = Candidate(OBSERVED, "198.51.100.1", 9)
    assert [c.host for c in reachable([*named(host), elsewhere], SITE)] == ["198.51.100.1"]
    claimed = Candidate(OBSERVED, "203.0.113.5", 9)  # our own address outside: anybody who knows it can say so
    assert [c.host for c in reachable([*named(host), claimed], SITE)] == ["203.0.113.5"]
    assert [c.host for c in reachable(named(host), SITE, near=True)] == [host]


@pytest.mark.parametrize("host", ["192.168.1.8", "fd00:1::8", "10.0.0.7", "8.8.8.8", "172.32.0.1", "2a00::1"])
def test_our_own_networks_and_public_addresses_are_sent_to(host: str) -> None:
    assert sent_to(host) == [host]


def test_the_nearest_come_first_and_else_the_peers_order_holds() -> None:
    candidates = [
        Candidate(OBSERVED, "8.8.8.8", 1),
        Candidate(MAPPED, "8.8.4.4", 2),
        Candidate(LOCAL, "9.9.9.9", 3),
        Candidate(OBSERVED, "192.168.1.50", 4),
        Candidate(LOCAL, "192.168.1.51", 5),
    ]
    assert [c.port for c in reachable(candidates, SITE)] == [5, 4, 3, 1, 2]


def test_without_networks_of_our_own_only_public_addresses_are_left() -> None:
    assert sent_to("192.168.1.8", "8.8.8.8", site=Site()) == ["8.8.8.8"]


ADDRESSES = (
    st.ip_addresses(v=4).map(str)
    | st.ip_addresses(v=6).map(str)
    | st.ip_addresses(v=4).map(lambda ip: f"::ffff:{ip}")
    | st.sampled_from(["10.0.0.0/8", "192.168.1.0/24", "127.0.0.0/8", "224.0.0.0/4", "169.254.0.0/16"]).flatmap(
        lambda network: st.ip_addresses(network=network).map(str)
    )
    | st.sampled_from(["fd00:1::/64", "fe80::/10", "ff00::/8", "2001:db8:7::/64"]).flatmap(
        lambda network: st.ip_addresses(network=network).map(str)
    )
    | st.text(max_size=20)
)
ROWS = st.lists(st.tuples(st.integers(0, 4), ADDRESSES, st.integers(-1, 65536)), max_size=20)


def _forbidden(text: str, nearby: bool) -> bool:
    """R-PATH-4 in other words than the code's."""
    ip = ipaddress.ip_address(text)
    assert not (ip.version == 6 and ip.ipv4_mapped), "it goes out as the IPv4 address that it is"
    own = [ipaddress.ip_interface(network) for network in SITE.networks]
    if ip.is_multicast or ip.is_loopback or int(ip) == 0 or (int(ip) == 0xFFFFFFFF and ip.version == 4):
        return True
    if any(ip == interface.ip for interface in own) or str(ip) == "192.168.1.255":
        return True
    inside = any(ip in interface.network for interface in own)
    return (ip.is_link_local or (ip.is_private and str(ip).startswith(("10.", "192.168.", "fd")))) and not (
        inside or (nearby and not (ip.version == 6 and ip.is_link_local))
    )


@given(ROWS, st.booleans())
@example([(1, "::ffff:127.0.0.1", 5), (1, "192.168.1.255", 5), (2, "203.0.113.5", 5), (1, "fe80::1", 5)], True)
@example([(1, "10.9.9.9", 5), (2, "203.0.113.5", 5)], False)
def test_whatever_a_peer_names_nothing_forbidden_comes_out(rows: list[Any], near: bool) -> None:
    candidates = from_rows(rows)
    chosen = reachable(candidates, SITE, near=near)
    assert set(chosen) <= set(candidates) and len(chosen) <= MAX_CANDIDATES
    assert [c.host for c in chosen if _forbidden(c.host, near)] == []


# -- neighbours and what relays say ------------------------------------------------------------------------------------


def test_the_local_network_is_ours_or_at_least_private() -> None:
    assert is_lan("192.168.1.9", SITE) and is_lan("2001:db8:7::1", SITE) and is_lan("10.9.9.9", SITE)
    assert not is_lan("8.8.8.8", SITE) and not is_lan("2a00::1", SITE) and not is_lan("a name", SITE)


def test_what_a_relay_observed_is_read_as_an_address() -> None:
    assert observed_address("203.0.113.5 4433") == ("203.0.113.5", 4433)
    assert observed_address("::ffff:203.0.113.5 1") == ("203.0.113.5", 1)
    assert observed_address("2001:db8::1 65535") == ("2001:db8::1", 65535)


@pytest.mark.parametrize(
    "text", ["", " ", "203.0.113.5", "203.0.113.5 0", "203.0.113.5 65536", "203.0.113.5 -1", "203.0.113.5 ٣", "h 5"]
)
def test_what_a_relay_says_that_is_no_address_is_none(text: str) -> None:
    assert observed_address(text) is None
