"""What is concluded from a network's facts, one test for each verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from avl_protocol.endpoint.addresses.interfaces import LocalAddress
from avl_protocol.endpoint.diagnosis.finding import Finding, report
from avl_protocol.endpoint.diagnosis.netcheck import NatKind, NetFacts, Reach, classify, verdicts

INSIDE, OUTSIDE = LocalAddress("192.168.1.7", 24, "eth0"), "203.0.113.9"
SIX = LocalAddress("2a01:4f8::7", 64, "eth0")
#: A home behind a usual router.
HOME = NetFacts(
    relay=("relay.example", 4433),
    udp=Reach(True, 0.0234),
    tcp=Reach(True, 0.024),
    observed=((OUTSIDE, 50000), (OUTSIDE, 50000)),
    local=(INSIDE,),
    mapping=True,
    filtering=False,
    largest=1472,
)


def finding(facts: NetFacts, subject: str, *, host: bool = True) -> Finding:
    """The one finding about a subject."""
    (found,) = [one for one in verdicts(facts, host=host) if one.subject == subject]
    assert found.ok or found.mend, "what is wrong says what to do next"
    assert not (found.ok and found.mend)
    return found


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        (HOME, NatKind.RESTRICTED),
        (replace(HOME, filtering=True), NatKind.OPEN),
        (replace(HOME, filtering=None), NatKind.RESTRICTED),
        (replace(HOME, mapping=False), NatKind.SYMMETRIC),
        (replace(HOME, mapping=None), NatKind.RESTRICTED),
        (replace(HOME, mapping=None, observed=((OUTSIDE, 1), (OUTSIDE, 2))), NatKind.SYMMETRIC),
        (replace(HOME, mapping=None, observed=((OUTSIDE, 1), (OUTSIDE, 1), (SIX.ip, 9))), NatKind.RESTRICTED),
        (replace(HOME, mapping=None, observed=((OUTSIDE, 1),)), NatKind.UNKNOWN),
        (replace(HOME, observed=()), NatKind.UNKNOWN),
        (replace(HOME, observed=((INSIDE.ip, 7),), filtering=True), NatKind.NONE),
        (replace(HOME, observed=((INSIDE.ip, 7),), filtering=None), NatKind.NONE),
        (replace(HOME, observed=((INSIDE.ip, 7),), filtering=False), NatKind.FIREWALL),
        (replace(HOME, local=(SIX,), observed=(("2a01:4f8:0:0::7", 7),), filtering=None), NatKind.NONE),
        (replace(HOME, udp=Reach(False)), NatKind.BLOCKED),
    ],
)
def test_the_kind_of_nat_explains_the_facts(facts: NetFacts, kind: NatKind) -> None:
    assert classify(facts) is kind


def test_a_usual_home_is_all_well() -> None:
    assert report(verdicts(HOME)).splitlines() == [
        "ok   UDP out: yes, 23 ms to relay.example:4433",
        "ok   TCP out: yes, 24 ms; used only where UDP fails",
        "ok   addresses: 192.168.1.7 (eth0); seen from outside as 203.0.113.9:50000",
        "ok   NAT: endpoint-independent mapping, port-restricted filtering: direct connections work unless the other "
        "side is symmetric",
        "ok   IPv6: none; IPv4 is used",
        "ok   MTU: datagrams of 1472 bytes get through",
    ]


def test_tcp_is_not_missed_while_udp_works() -> None:
    found = finding(replace(HOME, tcp=Reach(False)), "TCP out")
    assert found.ok
    assert "not needed" in found.text
    assert not [one for one in verdicts(replace(HOME, tcp=Reach())) if one.subject == "TCP out"]


def test_where_udp_is_blocked_the_port_to_ask_for_is_named() -> None:
    facts = replace(HOME, udp=Reach(False), observed=(), mapping=None, filtering=None, largest=None)
    found = finding(facts, "UDP out")
    assert not found.ok
    assert "UDP is blocked" in found.text
    assert "UDP port 4433 outbound" in found.mend
    assert not [one for one in verdicts(facts) if one.subject == "NAT"], "one cause is named once"


@pytest.mark.parametrize(("tcp", "words"), [(Reach(False), "neither over UDP nor over TCP"), (Reach(), "over UDP")])
def test_a_relay_that_does_not_answer(tcp: Reach, words: str) -> None:
    found = finding(replace(HOME, udp=Reach(False), tcp=tcp), "relay")
    assert not found.ok
    assert f"relay.example:4433 does not answer, {words}." == found.text
    assert "avl-relay runs" in found.mend


def test_a_machine_without_a_network() -> None:
    found = finding(replace(HOME, udp=Reach(False), tcp=Reach(False), local=(), observed=()), "addresses")
    assert not found.ok
    assert "cable" in found.mend


def test_addresses_are_told_before_anybody_saw_them() -> None:
    assert finding(replace(HOME, observed=()), "addresses").text == "192.168.1.7 (eth0)"


def test_symmetric_nat_at_a_host_is_mended_by_an_open_port_of_its_own() -> None:
    found = finding(replace(HOME, mapping=False), "NAT")
    assert not found.ok
    assert "relayed" in found.text
    assert found.mend.startswith("open a UDP port: avl-host run --map-port")
    assert "--listen" in found.mend


def test_symmetric_nat_at_a_viewer_is_mended_at_the_host() -> None:
    found = finding(replace(HOME, mapping=False), "NAT", host=False)
    assert "at the host" in found.mend


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (replace(HOME, filtering=True), "filtering lets in other ports: direct connections work"),
        (replace(HOME, filtering=None), "filtering not known"),
        (replace(HOME, observed=((INSIDE.ip, 7),), filtering=True), "this machine's own address"),
        (replace(HOME, observed=((INSIDE.ip, 7),)), "a firewall lets in answers only"),
        (replace(HOME, observed=(), mapping=None), "not known"),
    ],
)
def test_other_kinds_of_nat_are_well(facts: NetFacts, words: str) -> None:
    found = finding(facts, "NAT")
    assert found.ok
    assert words in found.text


@pytest.mark.parametrize(
    ("local", "ipv6", "words"),
    [
        ((INSIDE,), Reach(), "none; IPv4 is used"),
        ((INSIDE, LocalAddress("fd00::7", 64, "eth0")), Reach(), "none; IPv4 is used"),
        ((INSIDE, SIX), Reach(True, 0.012), "yes, 12 ms to the relay"),
        ((INSIDE, SIX), Reach(False), "the relay does not answer over it"),
        ((INSIDE, SIX), Reach(), "the relay has no IPv6 address"),
    ],
)
def test_ipv6_is_told_and_never_missed(local: tuple[LocalAddress, ...], ipv6: Reach, words: str) -> None:
    found = finding(replace(HOME, local=local, ipv6=ipv6), "IPv6")
    assert found.ok
    assert words in found.text


def test_a_path_too_narrow_for_quic_is_told_with_what_to_set() -> None:
    found = finding(replace(HOME, largest=1100), "MTU")
    assert not found.ok
    assert "1100" in found.text
    assert "mtu 1280" in found.mend
    assert finding(replace(HOME, largest=1200), "MTU").ok
    assert not [one for one in verdicts(replace(HOME, largest=None)) if one.subject == "MTU"]
