"""avl-host whose desktop is a film, and which writes down, in the file named by AVL_TEST_CODED, the codec of each key
picture that it sends."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from avl_host import cli, machine
from avl_host.capture.source import CaptureSource
from avl_host.encode.codecs.switching import SwitchingEncoder
from avl_host.encode.encoder import Encoded, Part
from tests.system.film import Film

_encode = SwitchingEncoder.encode


def encode(encoder: SwitchingEncoder, picture: Part, size: int, key: bool = False) -> Encoded:
    """As SwitchingEncoder's."""
    encoded = _encode(encoder, picture, size, key)
    if encoded.key:
        with Path(os.environ["AVL_TEST_CODED"]).open("a") as file:
            file.write(f"{encoder.codec}\n")
    return encoded


def open_source(name: str, clock: Callable[[], float], monitor: str | None = None) -> CaptureSource:
    """The film."""
    return Film(clock, (640, 360))


if __name__ == "__main__":
    SwitchingEncoder.encode = encode  # type: ignore[assignment, method-assign]
    machine.open_source = open_source  # type: ignore[attr-defined]
    cli.main()
