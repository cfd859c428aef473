"""Probing: finds out, beside the running host, which hardware codes here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from avl_host.encode.codecs.coder import Coder
from avl_host.encode.codecs.coders import Coders
from avl_host.encode.codecs.probe import failure


def find(candidates: Iterable[Coder], works: Callable[[Coder], None], fails: Callable[[Coder], str] = failure) -> None:
    """Try hardware until one works, which `works` is told of: a second one would not be used beside it."""
    for coder in candidates:
        if coder.hardware and not fails(coder):
            works(coder)
            return


def begin(candidates: Iterable[Coder], coders: Coders, fails: Callable[[Coder], str] = failure) -> threading.Thread:
    """Do so on a thread of its own: nobody waits for it, and pictures are coded by x264 until then."""
    thread = threading.Thread(target=find, args=(candidates, coders.works, fails), name="avl-probe", daemon=True)
    thread.start()
    return thread
