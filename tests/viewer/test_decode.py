"""Decoding: every access unit gives its picture at once, in order, and what is damaged is said to be."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.media.frame import Chroma
from avl_protocol.wire.registry import VideoCodec
from avl_viewer.decode.decoder import DecodeError
from avl_viewer.decode.video import VideoDecoder
from avl_viewer.decode.worker import Decoded, DecodeJob, DecodeWorker, InlineWorker, ThreadWorker
from spec.vectors.bounds_cases import parameters
from tests.viewer import pictures

Workers = Callable[..., DecodeWorker]


@pytest.mark.parametrize("chroma", list(Chroma))
def test_every_access_unit_gives_its_own_picture_without_delay(chroma: Chroma) -> None:
    shown = [pictures.flat(320, 192, (40 * i, 90, 255 - 40 * i)) for i in range(6)]
    decoder = VideoDecoder()
    for unit, expected in zip(pictures.encode(shown, chroma), shown, strict=True):
        frame = decoder.decode(unit)
        assert frame.format.name == {Chroma.YUV420: "yuv420p", Chroma.YUV444: "yuv444p"}[chroma]
        assert pictures.psnr(pictures.rgb_of(frame, 320, 192), expected) > 40
    decoder.close()


def test_size_and_chroma_sampling_may_change_with_a_key_picture() -> None:
    decoder = VideoDecoder()
    for size, chroma in (((320, 192), Chroma.YUV444), ((640, 352), Chroma.YUV420), ((320, 192), Chroma.YUV444)):
        expected = pictures.card(*size)
        frame = decoder.decode(pictures.encode([expected], chroma)[0])
        assert (frame.width, frame.height) == size
        assert pictures.psnr(pictures.rgb_of(frame, *size), expected) > (38 if chroma is Chroma.YUV444 else 25)
    decoder.close()


@pytest.mark.parametrize("data", [b"", b"\x00\x00\x00\x01\x65", b"no video at all", bytes(200)])
def test_what_is_no_picture_is_an_error(data: bytes) -> None:
    decoder = VideoDecoder()
    with pytest.raises(DecodeError):
        decoder.decode(data)
    decoder.close()


def test_no_bitstream_makes_the_decoder_allocate_more_than_a_viewer_takes() -> None:
    unit = pictures.encode([pictures.flat(64, 64, (9, 9, 9))], Chroma.YUV420)[0]
    at = unit.index(b"\x67")
    end = unit.index(b"\x00\x00\x01", at)
    for side, answer in ((2048, "the picture is damaged"), (16_000, "can't be decoded")):
        decoder = VideoDecoder()
        with pytest.raises(DecodeError, match=answer):  # damaged: it was allocated, and most of it is missing
            decoder.decode(unit[: at - 4] + parameters(side, side) + unit[end - 1 :])
        decoder.close()


def test_a_picture_without_its_reference_is_an_error() -> None:
    units = pictures.encode([pictures.card(320, 192, seed) for seed in range(2)])
    decoder = VideoDecoder()
    with pytest.raises(DecodeError):
        decoder.decode(units[1])
    decoder.close()


def test_a_closed_decoder_decodes_nothing_and_closes_again() -> None:
    decoder = VideoDecoder()
    decoder.close()
    decoder.close()
    with pytest.raises(DecodeError):
        decoder.decode(pictures.encode([pictures.card(64, 64)])[0])


class Scripted:
    """A decoder whose pictures are its access units; `bad` ones fail."""

    device: str | None = None

    def __init__(self, gate: threading.Event | None = None) -> None:
        self.gate = gate
        self.closed = 0

    def decode(self, data: bytes) -> Any:
        if self.gate is not None:
            assert self.gate.wait(5)
        if data.startswith(b"bad"):
            raise DecodeError("damaged")
        return data

    def close(self) -> None:
        self.closed += 1


class Results:
    """What a worker reported; `expect` waits for so many."""

    def __init__(self) -> None:
        self.decoded: list[Decoded] = []
        self.failed: list[tuple[Any, str]] = []
        self._changed = threading.Condition()

    def on_decoded(self, result: Decoded) -> None:
        with self._changed:
            self.decoded.append(result)
            self._changed.notify()

    def on_failed(self, context: Any, error: DecodeError) -> None:
        with self._changed:
            self.failed.append((context, str(error)))
            self._changed.notify()

    def expect(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.decoded) + len(self.failed) >= count, 5)


def ticking() -> Callable[[], float]:
    counter = itertools.count()
    return lambda: float(next(counter))


@pytest.mark.parametrize("kind", [InlineWorker, ThreadWorker])
def test_results_come_in_order_with_their_context_and_times(kind: Workers) -> None:
    results = Results()
    worker = kind(
        open_decoder=lambda codec: Scripted(), decoded=results.on_decoded, failed=results.on_failed, now=ticking()
    )
    for number in range(5):
        worker.submit(DecodeJob(b"unit %d" % number, number == 0, number))
    results.expect(5)
    worker.close()
    assert [(r.context, r.frame) for r in results.decoded] == [(n, b"unit %d" % n) for n in range(5)]
    assert all(r.finished > r.started for r in results.decoded)
    assert worker.depth == 0


@pytest.mark.parametrize("kind", [InlineWorker, ThreadWorker])
def test_after_a_failure_only_a_key_picture_is_tried(kind: Workers) -> None:
    results, opened = Results(), []

    def open_decoder(_: VideoCodec) -> Scripted:
        opened.append(Scripted())
        return opened[-1]

    worker = kind(open_decoder=open_decoder, decoded=results.on_decoded, failed=results.on_failed, now=ticking())
    jobs = [(b"early", False), (b"key", True), (b"one", False), (b"bad", False), (b"two", False), (b"key", True)]
    for number, (data, key) in enumerate(jobs):
        worker.submit(DecodeJob(data, key, number))
    results.expect(len(jobs))
    worker.close()
    assert [r.context for r in results.decoded] == [1, 2, 5]
    assert [context for context, _ in results.failed] == [0, 3, 4]
    assert "key picture" in results.failed[0][1] and results.failed[1][1] == "damaged"
    assert [decoder.closed for decoder in opened] == [1, 1]


def test_the_thread_counts_what_waits_and_drops_it_when_closed() -> None:
    gate, results = threading.Event(), Results()
    decoder = Scripted(gate)
    worker = ThreadWorker(
        open_decoder=lambda codec: decoder, decoded=results.on_decoded, failed=results.on_failed, now=ticking()
    )
    for number in range(4):
        worker.submit(DecodeJob(b"unit", True, number))
    assert worker.depth == 4
    closing = threading.Thread(target=worker.close)
    closing.start()

    def taken() -> bool:
        before = worker.depth
        worker.submit(DecodeJob(b"more", False, 8))
        return worker.depth > before

    while taken():  # until it closes; nothing is finished before the gate opens
        pass
    gate.set()
    closing.join(5)
    assert not closing.is_alive()
    assert len(results.decoded) <= 1 and not results.failed
    assert worker.depth == 0 and decoder.closed <= 1
    worker.submit(DecodeJob(b"late", True, 9))
    assert worker.depth == 0


async def test_an_error_that_nobody_foresaw_is_told_and_costs_one_decoder() -> None:
    told: list[str] = []
    results, opened = Results(), 0

    class Failing(Scripted):
        def decode(self, data: bytes) -> Any:
            if data == b"never seen":
                raise ZeroDivisionError("a mistake of ours")
            return super().decode(data)

    def open_decoder(_: VideoCodec) -> Scripted:
        nonlocal opened
        opened += 1
        return Failing()

    faults = Faults()
    faults.watch(told.append, told.append, ticking(), whole_loop=False)
    worker = ThreadWorker(
        open_decoder=open_decoder, decoded=results.on_decoded, failed=results.on_failed, now=ticking(), faults=faults
    )
    for number, (data, key) in enumerate([(b"key", True), (b"never seen", False), (b"one", False), (b"key", True)]):
        worker.submit(DecodeJob(data, key, number))
    results.expect(4)
    worker.close()
    assert [r.context for r in results.decoded] == [0, 3] and opened == 2
    assert [context for context, _ in results.failed] == [1, 2], "recovery is asked for"
    assert len(told) == 1 and "a mistake of ours" in told[0]


def test_a_real_decoder_on_the_thread_can_be_dropped_while_pictures_wait() -> None:
    units = pictures.encode([pictures.card(320, 192, seed) for seed in range(8)])
    for _ in range(3):
        results = Results()
        worker = ThreadWorker(
            open_decoder=VideoDecoder, decoded=results.on_decoded, failed=results.on_failed, now=ticking()
        )
        for number, unit in enumerate(units):
            worker.submit(DecodeJob(unit, number == 0, number))
        results.expect(2)
        worker.close()
        assert not results.failed
        assert np.array_equal([r.context for r in results.decoded], range(len(results.decoded)))
