"""Hardware: which of the machine's graphics hardware decodes, until it fails once.

libavcodec's software decodes a desktop's small changes faster than most cards give a picture back, but not a film that
fills a large screen. So a card is used where its driver is there, and not again once it failed: a decoder of software
takes over with the next key picture.
"""

from __future__ import annotations

import glob
import sys
from collections.abc import Callable, Iterable

from av.codec.hwaccel import hwdevices_available

#: What libav calls devices, best first, with a file that is there where their driver is; none: a part of the system.
DEVICES = {
    "linux": (("cuda", "/dev/nvidiactl"), ("vaapi", "/dev/dri/renderD*")),
    "darwin": (("videotoolbox", ""),),
    "win32": (("d3d11va", ""),),
}


class Hardware:
    """The device that decoders are opened on; None: there is none, or it failed."""

    def __init__(
        self,
        platform: str = sys.platform,
        available: Iterable[str] | None = None,
        found: Callable[[str], list[str]] = glob.glob,
    ) -> None:
        known = set(hwdevices_available() if available is None else available)
        self.device: str | None = next(
            (name for name, path in DEVICES.get(platform, ()) if name in known and (not path or found(path))), None
        )

    def failed(self) -> None:
        """It is not tried again."""
        self.device = None
