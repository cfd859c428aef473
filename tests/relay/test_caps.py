"""Caps on what a relay forwards: whole objects of media are left out, streams wait, the host is told of the rate."""

from __future__ import annotations

from dataclasses import replace

import pytest

from avl_protocol.media.packetizer import packetize
from avl_protocol.rate.limits import DEFAULT, Allowance, Limits
from avl_protocol.wire import datagram
from avl_protocol.wire.messages import Accept, Admit, Incoming, Viewers
from avl_protocol.wire.registry import Channel, ObjectFlag, Priority
from avl_relay.access import Decision, MayAttach, MayRegister
from tests.protocol.handshakes import identity
from tests.protocol.memory import WINDOW
from tests.relay.stand import Neighbour, Stand

SIZE = 3000
RATE = Allowance(30_000.0, 10_000.0)


class Show:
    """Hosts that show key objects only, and viewers of theirs."""

    def __init__(self, limits: Limits, stand: Stand | None = None) -> None:
        self.stand = stand or Stand(limits=limits)
        self.hosts: list[Neighbour] = []
        self._number = 0

    def host(self) -> Neighbour:
        name = f"host {len(self.hosts)}"
        made = self.stand.host(identity(name), f"10.0.0.{len(self.hosts) + 1}")
        self.hosts.append(made)
        return made

    def viewer(self, host: Neighbour, at: int) -> tuple[Neighbour, int]:
        made = self.stand.viewer(f"10.0.1.{at}")
        owner = identity(f"host {self.hosts.index(host)}")
        self.stand.attach(made, bytes([at]) * 16, owner)
        incoming = host.last(Incoming)
        assert isinstance(incoming, Incoming)
        host.say(Accept(incoming.handle), Admit(incoming.handle, (1,), (0, 1, 2)))
        return made, incoming.handle

    def play(self, host: Neighbour, seconds: float, each: float = 0.02) -> None:
        """150 kB a second."""
        for _ in range(round(seconds / each)):
            self.stand.wait(each)
            self._number += 1
            pieces = packetize(bytes(SIZE), host.media_handle, 1, self._number, int(ObjectFlag.KEY))
            host.connection.client.send_datagrams(pieces, Priority.VIDEO, None)
            self.stand.settle()


def objects(viewer: Neighbour) -> int:
    """How many a viewer has got; all of them are whole."""
    fragments: dict[int, int] = {}
    for data in viewer.told.datagrams:
        header, _ = datagram.decode(data)
        fragments[header.object] = fragments.get(header.object, 0) + 1
    assert set(fragments.values()) <= {datagram.fragment_count(SIZE)}
    return len(fragments)


def bytes_of(viewer: Neighbour) -> int:
    return sum(map(len, viewer.told.datagrams))


def test_a_session_gets_whole_objects_up_to_its_cap_and_the_host_is_told_of_it() -> None:
    show = Show(replace(DEFAULT, forward_session=RATE))
    host = show.host()
    viewer, _ = show.viewer(host, 1)
    show.play(host, 4.0)
    assert 0.8 * 120_000 < bytes_of(viewer) < 130_000 + 2 * SIZE
    assert 30 < objects(viewer) < 50
    told = host.last(Viewers)
    assert isinstance(told, Viewers) and told.rate == 8 * RATE.per_second
    hit = show.stand.router.snapshot().part("limits hit so far")
    assert hit["bandwidth caps"] == 200 - objects(viewer)


def test_without_a_cap_everything_passes() -> None:
    show = Show(DEFAULT)
    host = show.host()
    viewer, _ = show.viewer(host, 1)
    show.play(host, 4.0)
    assert objects(viewer) == 200


def test_one_session_s_cap_is_not_another_s() -> None:
    show = Show(replace(DEFAULT, forward_session=RATE))
    host = show.host()
    viewers = [show.viewer(host, at)[0] for at in (1, 2, 3)]
    show.play(host, 2.0)
    assert all(bytes_of(viewer) > 0.8 * 60_000 for viewer in viewers)


@pytest.mark.parametrize("which", ["forward_device", "forward_total"])
def test_what_a_device_or_the_relay_may_send_is_for_all_its_viewers_together(which: str) -> None:
    show = Show(replace(DEFAULT, **{which: RATE}))  # type: ignore[arg-type]
    one, other = show.host(), show.host()
    first, second = show.viewer(one, 1)[0], show.viewer(one, 2)[0]
    elsewhere = show.viewer(other, 3)[0]
    show.play(one, 4.0)
    assert bytes_of(first) + bytes_of(second) < 130_000 + 4 * SIZE
    told = one.last(Viewers)
    assert isinstance(told, Viewers)
    assert told.rate == round(8 * RATE.per_second / (2 if which == "forward_device" else 3))
    show.play(other, 1.0)
    if which == "forward_device":
        assert bytes_of(elsewhere) > 30_000


def test_bulk_beyond_the_cap_waits_at_its_source_and_all_of_it_arrives() -> None:
    show = Show(replace(DEFAULT, forward_session=RATE))
    host = show.host()
    viewer, handle = show.viewer(host, 1)
    stream = viewer.open(handle, int(Channel.BULK))
    arrived, size, began = 0, 3 * WINDOW, show.stand.now
    viewer.raw(bytes(size), stream)
    for _ in range(1000):
        new = len(host.told.streams[1])
        host.connection.client.consume(1, new)
        host.told.streams[1].clear()
        arrived += new
        if arrived >= size:
            break
        show.stand.settle()
        show.stand.wait(1.0)
    assert arrived >= size
    assert show.stand.now - began > 0.6 * size / RATE.per_second


def test_what_is_typed_does_not_wait_for_pictures() -> None:
    show = Show(replace(DEFAULT, forward_session=RATE))
    host = show.host()
    viewer, handle = show.viewer(host, 1)
    stream = viewer.open(handle, int(Channel.INPUT))
    show.play(host, 2.0)
    before = viewer.connection.client.room(stream)
    viewer.raw(b"k" * 20_000, stream)
    assert viewer.connection.client.room(stream) == before


class Tariff:
    """An access that gives each device and session a cap of its own."""

    def __init__(self, device: Allowance | None, session: Allowance | None) -> None:
        self._device, self._session = device, session

    def ask(self, question: MayRegister | MayAttach, now: float) -> Decision | None:
        return Decision(forwards=self._device if isinstance(question, MayRegister) else self._session)

    def forget(self, question: MayRegister | MayAttach) -> None:
        return


@pytest.mark.parametrize("device", [True, False])
def test_whoever_decides_about_access_may_set_a_cap(device: bool) -> None:
    tariff = Tariff(RATE if device else None, None if device else RATE)
    show = Show(DEFAULT, Stand(access=tariff))
    host = show.host()
    viewer, _ = show.viewer(host, 1)
    show.play(host, 2.0)
    assert 0.7 * 60_000 < bytes_of(viewer) < 80_000
