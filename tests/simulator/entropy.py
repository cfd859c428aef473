"""The one place that makes randomness and the date of TLS repeatable.

aioquic asks os.urandom for connection IDs and TLS for today; both are patched here and nowhere else. Key pairs
still come from OpenSSL's own generator: ciphertexts differ from run to run, their lengths do not.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import random
from collections.abc import Callable, Iterator
from unittest import mock

#: What a simulated world takes for today, in unix seconds: 2030-01-01.
EPOCH = 1893456000.0


@contextlib.contextmanager
def seeded(seed: int, monotonic: Callable[[], float]) -> Iterator[Callable[[int], bytes]]:
    """While it lasts all entropy follows from `seed` and TLS's date is EPOCH plus virtual time; yields the source."""
    source = random.Random(seed).randbytes

    def today() -> datetime.datetime:
        return datetime.datetime.fromtimestamp(EPOCH + monotonic(), datetime.UTC)

    with mock.patch.object(os, "urandom", source), mock.patch("aioquic.tls.utcnow", today):
        yield source
