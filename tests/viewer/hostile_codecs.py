"""Decoders of every codec, fed with what was damaged and still passes a viewer's bounds: run as a process of its own,
since what goes wrong here is no exception. `python -m tests.viewer.hostile_codecs LIBRARY`; exit status 0, or a
signal."""

from __future__ import annotations

import faulthandler
import random
import sys
from dataclasses import replace

from avl_host.encode.codecs.table import SOFTWARE
from avl_protocol.media.bounds import check_bitstream
from avl_protocol.media.frame import Chroma
from avl_protocol.media.preamble import Preamble
from avl_protocol.wire.errors import RemoteProtocolError
from avl_viewer.decode.decoder import DecodeError
from avl_viewer.decode.video import VideoDecoder
from tests.viewer import pictures
from tests.viewer.test_decode_codecs import coded

TIMES = 150


def damage(library: str) -> None:
    """Cut short, overwritten, and put behind each other; each decoder is dropped as it stands."""
    chance = random.Random(11)
    coder = next(coder for coder in SOFTWARE if coder.library == library)
    for chroma in (chroma for chroma in Chroma if coder.codes(chroma)):
        for width, height in ((64, 64), (322, 190)):
            name, units = coded(coder, chroma, [pictures.card(width, height, seed) for seed in range(4)])
            group = Preamble(group=0, captured_us=0, input_echo_us=0, depends=None, codec=name)
            group = replace(group, width=width, height=height, chroma=chroma)
            decoder = VideoDecoder(coder.codec)
            for _ in range(TIMES):
                at = chance.randrange(len(units))
                unit = bytearray(units[at])
                for _ in range(chance.randint(0, 12)):
                    unit[chance.randrange(len(unit) - 8)] = chance.randrange(256)
                try:
                    check_bitstream(bytes(unit), group, at == 0)
                    frame = decoder.decode(bytes(unit))
                    assert frame.width - width in (0, width % 2) and frame.height - height in (0, height % 2)
                except (RemoteProtocolError, DecodeError):
                    decoder.close()
                    decoder = VideoDecoder(coder.codec)
                    decoder.decode(units[0])
            decoder.close()


if __name__ == "__main__":
    faulthandler.enable()
    damage(sys.argv[1])
