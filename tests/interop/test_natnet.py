"""The internet of namespaces: the kernel's gateways map, filter, forget and block as promised, and uplinks change.

Nothing heard is shown by what is heard after it: there are no delays here, and datagrams keep their order.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise

import pytest

from interop.bench.rig.netns import LinkImpossible, Namespace
from interop.natnet import BLOCKS, RELAY, RELAY_TOO, Kind, Machine, Natnet, lacking
from tests.tools import need

Address = tuple[str, int]
#: Seconds within which anything that comes has come.
SOON = 10.0

#: Sends what it reads, then says so, and writes what it hears: lines of a socket's number, a word, IP and port.
SPEAKER = """
import os, select, socket, sys
made = []
for part in sys.argv[1:]:
    ip, port = part.rsplit(":", 1)
    made.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    made[-1].bind((ip, int(port)))
print("up", flush=True)
orders = os.fdopen(0, "rb", buffering=0)
while True:
    ready = select.select([orders, *made], [], [])[0]
    for number, one in enumerate(made):
        if one in ready:
            data, (ip, port) = one.recvfrom(2000)
            print(number, data.decode(), ip, port, flush=True)
    if orders in ready:
        line = orders.readline().split()
        if not line:
            break
        try:
            made[int(line[0])].sendto(line[1], (line[2].decode(), int(line[3])))
            print("sent", flush=True)
        except OSError as error:
            print("sent not:", error.strerror, flush=True)
"""
#: One TCP connection each: the first answers each word with the address that it sees, the second passes words on.
LISTENER = """
import socket, sys
with socket.create_server(("", 5000)) as server:
    print("up", flush=True)
    peer, source = server.accept()
    with peer, peer.makefile("rwb", buffering=0) as lines:
        for line in lines:
            lines.write(f"{line.decode().strip()} {source[0]} {source[1]}\\n".encode())
"""
CALLER = """
import socket, sys
with socket.create_connection((sys.argv[1], 5000)) as peer, peer.makefile("rwb", buffering=0) as lines:
    print("up", flush=True)
    for line in sys.stdin:
        lines.write(line.encode())
        print(lines.readline().decode(), end="", flush=True)
"""


class Script:
    """A running script that is told lines and tells lines."""

    def __init__(self, stack: ExitStack, where: Namespace | Machine, text: str, *words: str) -> None:
        command = where.command([sys.executable, "-c", text, *words])
        pipe = subprocess.PIPE
        self._process = stack.enter_context(subprocess.Popen(command, stdin=pipe, stdout=pipe, bufsize=0))
        stack.callback(self._process.kill)
        assert self.line() == "up"

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())

    def line(self) -> str:
        """The next line, which comes soon."""
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            assert selector.select(SOON), "not a word"
        return self._process.stdout.readline().decode().strip()


class Speaker(Script):
    """UDP sockets, one for each address to bind."""

    def __init__(self, stack: ExitStack, where: Namespace | Machine, *bound: str) -> None:
        super().__init__(stack, where, SPEAKER, *bound)
        self._heard: deque[str] = deque()

    def say(self, word: str, target: Address, number: int = 0) -> str:
        """Send a word; `sent` once that is done, or why it could not be."""
        self.tell(f"{number} {word} {target[0]} {target[1]}")
        while not (line := self.line()).startswith("sent"):
            self._heard.append(line)
        return line

    def hear(self, word: str, number: int = 0) -> Address:
        """Who says the next word, which is this one, to a socket."""
        line = (self._heard.popleft() if self._heard else self.line()).split()
        assert line[:2] == [str(number), word], line
        return line[2], int(line[3])


class Net:
    """A Natnet with sockets: three of the relay, one of the host and one of the viewer."""

    def __init__(self, stack: ExitStack, natnet: Natnet) -> None:
        self.natnet = natnet
        self.relay = Speaker(stack, natnet.relay, f"{RELAY}:1000", f"{RELAY}:1001", f"{RELAY_TOO}:1000")
        self.at_relay = [(RELAY, 1000), (RELAY, 1001), (RELAY_TOO, 1000)]
        self.host = Speaker(stack, natnet.host, ":7000")
        self.viewer = Speaker(stack, natnet.viewer, ":7000")
        self.host_box = natnet.host.uplinks[0].gateway
        self.stack = stack

    def mapped(self, speaker: Speaker, number: int = 0) -> Address:
        """What the relay takes for a speaker's address at one of its sockets."""
        speaker.say("mapped?", self.at_relay[number])
        return self.relay.hear("mapped?", number)


Opened = Callable[..., Net]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Makes a Natnet of the given kinds; where the system allows none the test is skipped, or fails where CI=true."""
    for tool in ("ip", "nft", "conntrack"):
        need(tool)
    if reason := lacking():
        text = f"no NAT in network namespaces here: {reason}"
        if os.environ.get("CI") == "true":
            pytest.fail(text, pytrace=False)
        pytest.skip(text)
    with ExitStack() as stack:
        yield lambda *kinds: Net(stack, stack.enter_context(Natnet(*kinds)))


EIM: Kind = "endpoint-independent"
SYM: Kind = "symmetric"


@pytest.mark.parametrize(("kind", "count"), [(EIM, 1), (SYM, 3)])
def test_a_mapping_is_one_port_for_all_or_one_for_each(opened: Opened, kind: Kind, count: int) -> None:
    net = opened(kind)
    seen = [net.mapped(net.host, number) for number in range(3)]
    assert {ip for ip, _ in seen} == {net.host_box.public}
    assert len(set(seen)) == count
    assert [net.mapped(net.host, number) for number in range(3)] == seen


@pytest.mark.parametrize("kind", [EIM, SYM])
def test_only_who_was_written_to_may_answer_from_that_port(opened: Opened, kind: Kind) -> None:
    net = opened(kind)
    seen = net.mapped(net.host)
    net.relay.say("stray", seen, 1)
    net.relay.say("stray", seen, 2)
    net.relay.say("answer", seen, 0)
    assert net.host.hear("answer") == net.at_relay[0]


def test_a_stray_datagram_does_not_take_the_port_of_the_answer_to_it(opened: Opened) -> None:
    net = opened(EIM)
    seen = net.mapped(net.host)
    net.relay.say("stray", seen, 1)
    net.relay.say("answer", seen)
    net.host.hear("answer")
    net.host.say("punch", net.at_relay[1])
    assert net.relay.hear("punch", 1) == seen


@pytest.mark.parametrize(("host", "viewer", "direct"), [(EIM, EIM, True), (EIM, SYM, False), (SYM, EIM, False)])
def test_holes_are_punched_unless_a_side_is_symmetric(opened: Opened, host: Kind, viewer: Kind, direct: bool) -> None:
    net = opened(host, (viewer, EIM))
    of_host, of_viewer = net.mapped(net.host), net.mapped(net.viewer)
    for _ in range(3):
        net.host.say("punch", of_viewer)
        net.viewer.say("punch", of_host)
    net.relay.say("relayed", of_host)
    net.relay.say("relayed", of_viewer)
    if direct:
        assert [net.host.hear("punch") for _ in range(3)] == [of_viewer] * 3
        assert [net.viewer.hear("punch") for _ in range(2)] == [of_host] * 2
    assert net.host.hear("relayed") == net.viewer.hear("relayed") == net.at_relay[0]


def test_a_firewall_without_udp_lets_tcp_through_and_can_be_lifted(opened: Opened) -> None:
    net = opened()
    seen = net.mapped(net.host)
    net.host_box.drop_udp(True)
    Script(net.stack, net.natnet.relay, LISTENER)
    caller = Script(net.stack, net.natnet.host, CALLER, RELAY)
    net.host.say("lost", net.at_relay[0])
    net.relay.say("lost", seen)
    caller.tell("word")
    assert caller.line().split()[:2] == ["word", net.host_box.public]
    net.host_box.drop_udp(False)
    assert net.mapped(net.host) == seen
    net.relay.say("back", seen)
    assert net.host.hear("back") == net.at_relay[0]


@pytest.mark.parametrize("kind", [EIM, SYM])
def test_each_rebinding_gives_another_port_and_tcp_does_not_notice(opened: Opened, kind: Kind) -> None:
    net = opened(kind)
    Script(net.stack, net.natnet.relay, LISTENER)
    caller = Script(net.stack, net.natnet.host, CALLER, RELAY)
    caller.tell("word")
    before = caller.line()
    ports = [net.mapped(net.host)]
    for _ in range(len(BLOCKS) + 1):
        net.host_box.rebind()
        net.relay.say("too-late", ports[-1])
        ports.append(net.mapped(net.host))
        net.relay.say("found", ports[-1])
        assert net.host.hear("found") == net.at_relay[0]
    assert all(one != other for one, other in pairwise(ports))
    assert {ip for ip, _ in ports} == {net.host_box.public}
    assert (net.mapped(net.host, 1) == ports[-1]) == (kind == EIM)
    caller.tell("word")
    assert caller.line() == before


def test_a_rebinding_of_a_quiet_gateway_is_none(opened: Opened) -> None:
    opened().host_box.rebind()


def test_the_default_route_chooses_the_uplink_and_what_is_left_takes_over(opened: Opened) -> None:
    net = opened()
    viewer, (first, second) = net.natnet.viewer, net.natnet.viewer.uplinks

    def seen() -> str:
        return net.mapped(net.viewer)[0]

    assert seen() == first.gateway.public
    viewer.prefer(1)
    assert seen() == second.gateway.public
    viewer.prefer(0)
    assert seen() == first.gateway.public
    viewer.take_down(0)
    assert seen() == second.gateway.public
    viewer.take_down(1)
    assert net.viewer.say("lost", net.at_relay[0]) == "sent not: Network is unreachable"
    viewer.bring_up(0)
    viewer.bring_up(1)
    assert seen() == first.gateway.public


def test_who_is_bound_to_the_other_uplinks_address_is_not_let_out_by_the_first(opened: Opened) -> None:
    net = opened()
    viewer, (_, second) = net.natnet.viewer, net.natnet.viewer.uplinks
    bound = Speaker(net.stack, viewer, f"{second.address}:7001")
    bound.say("lost", net.at_relay[0])
    net.mapped(net.viewer)
    viewer.prefer(1)
    assert net.mapped(bound)[0] == second.gateway.public


def test_private_addresses_lead_nowhere_from_outside(opened: Opened) -> None:
    net = opened()
    address = net.natnet.host.uplinks[0].address
    assert net.relay.say("lost", (address, 7000)) == "sent not: Network is unreachable"
    with pytest.raises(LinkImpossible, match="no-such-device"):
        net.natnet.relay.run("ip", "link", "set", "no-such-device", "up")
