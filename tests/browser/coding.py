"""avl-host that writes down, in the file named by AVL_TEST_CODED, the codec of each key picture that it sends."""

from __future__ import annotations

import os
from pathlib import Path

from avl_host import cli
from avl_protocol.media.frame import EncodedFrame
from avl_protocol.session.media.sender import MediaSender

_seal = MediaSender.seal


def seal(sender: MediaSender, frame: EncodedFrame) -> tuple[int, int, bytes]:
    """As MediaSender's."""
    if frame.key:
        with Path(os.environ["AVL_TEST_CODED"]).open("a") as file:
            file.write(f"{frame.codec}\n")
    return _seal(sender, frame)


if __name__ == "__main__":
    MediaSender.seal = seal  # type: ignore[assignment, method-assign]
    cli.main()
