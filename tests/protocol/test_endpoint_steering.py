"""Steering: the kernel's choice among workers is ours, by the name and not by the address, and nothing is misled."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random

import pytest
from aioquic.buffer import Buffer  # type: ignore[attr-defined]
from aioquic.quic.packet import pull_quic_header
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.endpoint.accept.acceptor import Acceptor
from avl_protocol.endpoint.udp import steering
from avl_protocol.endpoint.udp.demux import NewConnection
from avl_protocol.endpoint.udp.network import Address, Batch
from avl_protocol.endpoint.udp.steering import (
    SteeredSocket,
    bind_group,
    names_for,
    program,
    worker_of,
)
from avl_protocol.wire.registry import RawType
from tests.protocol.test_endpoint_acceptor import initial
from tests.tools import without


def interpreted(code: tuple[steering.Instruction, ...], data: bytes) -> int:
    """What a classic BPF program answers, of the instructions that ours is made of (linux/bpf_common.h)."""
    accumulator = at = 0
    while True:
        operation, true, false, operand = code[at]
        at += 1
        if operation == 0x30:  # BPF_LD | BPF_B | BPF_ABS
            if operand >= len(data):
                return 0
            accumulator = data[operand]
        elif operation == 0x05:  # BPF_JMP | BPF_JA
            at += operand
        elif operation == 0x45:  # BPF_JMP | BPF_JSET | BPF_K
            at += true if accumulator & operand else false
        elif operation == 0x94:  # BPF_ALU | BPF_MOD | BPF_K
            accumulator %= operand
        else:
            assert operation == 0x16  # BPF_RET | BPF_A
            return accumulator


@given(st.binary(min_size=1, max_size=40), st.integers(2, steering.MOST))
def test_the_program_in_the_kernel_and_the_one_here_say_the_same(data: bytes, workers: int) -> None:
    assert interpreted(program(workers), data) == worker_of(data, workers)


@given(st.integers(2, steering.MOST).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))), st.integers(0))
def test_a_name_leads_to_its_worker_in_every_kind_of_packet(place: tuple[int, int], seed: int) -> None:
    workers, worker = place
    name = names_for(Random(seed).randbytes, worker, workers)(8)
    assert len(name) == 8
    assert worker_of(b"\x43" + name + bytes(20), workers) == worker
    assert worker_of(b"\xc3\x00\x00\x00\x01\x08" + name + bytes(1200), workers) == worker
    assert worker_of(bytes((RawType.LOCATE,)) + name, workers) == worker


def test_names_are_as_unpredictable_as_they_can_be() -> None:
    firsts = {names_for(Random(seed).randbytes, 2, 3)(1) for seed in range(3000)}
    assert len(firsts) == 85 and all(first[0] % 3 == 2 for first in firsts)


def test_the_answer_to_a_retry_comes_back_to_who_asked_for_it() -> None:
    acceptor = Acceptor(bytes(32), Random(1).randbytes, 0.0, names=names_for(Random(2).randbytes, 1, 3))
    packet, first = initial(1), NewConnection(1, b"12345678", b"abcdefgh")
    while not isinstance(answer := acceptor.judge(first, packet, ("192.0.2.1", 7), 0.0), bytes):
        assert answer is not None
    chosen = pull_quic_header(Buffer(data=answer), host_cid_length=8).source_cid
    assert worker_of(b"\xc3\x00\x00\x00\x01\x08" + chosen + bytes(1200), 3) == 1


@contextmanager
def group(workers: int, host: str = "127.0.0.1") -> Iterator[tuple[socket.socket, ...]]:
    if (why := steering.unable()) is not None:
        without(why)
    made = bind_group((host, 0), workers)
    try:
        yield made
    finally:
        for bound in made:
            bound.close()


def arrived_at(sockets: tuple[socket.socket, ...], data: bytes) -> int:
    """The socket that a datagram from a new address has come to."""
    host, port = sockets[0].getsockname()[:2]
    with socket.socket(sockets[0].family, socket.SOCK_DGRAM) as sender:
        sender.sendto(data, ("::1" if host == "::" else host, port))
    for number, bound in enumerate(sockets):
        bound.setblocking(False)
        try:
            assert bound.recv(2000) == data
        except BlockingIOError:
            continue
        return number
    raise AssertionError("it has not arrived")


@pytest.mark.parametrize("host", ["127.0.0.1", ""])
def test_the_kernel_steers_by_name_from_whatever_address(host: str) -> None:
    workers = 3
    with group(workers, host) as sockets:
        for seed in range(24):
            worker = seed % workers
            name = names_for(Random(seed).randbytes, worker, workers)(8)
            assert arrived_at(sockets, b"\x43" + name + bytes(20)) == worker
            assert arrived_at(sockets, b"\xc3\x00\x00\x00\x01\x08" + name + bytes(1200)) == worker
            assert arrived_at(sockets, bytes((RawType.LOCATE,)) + name + name) == worker
        assert arrived_at(sockets, b"\x40") == 0


class Bound:
    """A DatagramSocket that notes what it is given."""

    def __init__(self) -> None:
        self.local_address: Address = ("127.0.0.1", 1)
        self.undivided = True
        self.receiver: Callable[[Batch], None] = lambda batch: None

    def set_receiver(self, receiver: Callable[[Batch], None]) -> None:
        self.receiver = receiver

    def send_batch(self, batch: Batch) -> Sequence[int]:
        raise AssertionError("nothing is sent")

    def tell_local(self) -> bool:
        return False

    def close(self) -> None:
        return


def test_of_a_run_that_came_as_one_each_worker_gets_its_own() -> None:
    bound = Bound()
    handed: list[tuple[int, bytes, Address]] = []
    received: list[tuple[bytes, object]] = []
    steered = SteeredSocket(bound, 1, 3, lambda *what: handed.append(what))
    steered.set_receiver(received.extend)
    run = [bytes((0x41, first)) + bytes(30) for first in (1, 2, 4, 6, 1)]
    bound.receiver([(data, ("10.0.0.1", 7, "10.0.0.2")) for data in run])
    assert [data for data, _ in received] == [run[0], run[2], run[4]]
    assert handed == [(2, run[1], ("10.0.0.1", 7)), (0, run[3], ("10.0.0.1", 7))]
    received.clear()
    steered.take(run[0], ("10.0.0.3", 9))
    assert received == [(run[0], ("10.0.0.3", 9))]


def test_a_run_that_is_for_others_altogether_wakes_nobody() -> None:
    bound = Bound()
    handed: list[tuple[int, bytes, Address]] = []
    steered = SteeredSocket(bound, 0, 2, lambda *what: handed.append(what))
    steered.set_receiver(lambda batch: pytest.fail("nothing of it is ours"))
    bound.receiver([(bytes((0x41, 1)) + bytes(30), ("10.0.0.1", 7))] * 2)
    assert len(handed) == 2
