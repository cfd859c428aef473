"""Where pictures are encoded: on the spot, or on a thread that lets its owner know."""

from __future__ import annotations

import threading

import pytest

from avl_host.encode.coding import InlineCoding, ThreadCoding
from avl_host.encode.encoder import EncoderFailed


def fail() -> int:
    raise EncoderFailed("no more")


def test_on_the_spot() -> None:
    coding: InlineCoding[int] = InlineCoding()
    assert not coding.busy and coding.take() == []
    coding.begin(lambda: 7)
    assert coding.busy and coding.take() == [7] and not coding.busy
    with pytest.raises(EncoderFailed):
        coding.begin(fail)
    coding.close()


def test_on_a_thread() -> None:
    done, go = threading.Event(), threading.Event()
    coding: ThreadCoding[int] = ThreadCoding(done.set)
    assert not coding.busy

    def job() -> int:
        assert go.wait(5)
        return threading.get_ident()

    coding.begin(job)
    assert coding.busy and coding.take() == [], "it is not done"
    go.set()
    assert done.wait(5)
    assert coding.busy
    (ident,) = coding.take()
    assert ident != threading.get_ident() and not coding.busy
    coding.close()
    coding.close()


def test_what_fails_on_a_thread_is_raised_where_its_result_is_taken() -> None:
    done = threading.Event()
    coding: ThreadCoding[int] = ThreadCoding(done.set)
    coding.begin(fail)
    assert done.wait(5)
    with pytest.raises(EncoderFailed):
        coding.take()
    done.clear()
    coding.begin(lambda: 1)
    assert done.wait(5) and coding.take() == [1], "and it goes on"
    coding.close()
