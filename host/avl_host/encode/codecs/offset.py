"""QuantiserOffset: a quantiser for each picture of an encoder that has one for all, by a region of interest that is the
whole picture (AVRegionOfInterest, `sidedata`)."""

from __future__ import annotations

import struct

import av
from av.video.frame import VideoFrame

from avl_host.encode.sidedata import SideData, side_data

_NAME = b"Regions Of Interest"
#: self_size, top, bottom, left, right, and the offset as a fraction of the whole range.
_REGION = struct.Struct("=Iiiiiii")
#: libvpx's range.
RANGE = 63


class QuantiserOffset:
    """Attaches offsets to frames."""

    def __init__(self, side_data: SideData) -> None:
        self._side_data = side_data

    def attach(self, frame: VideoFrame, offset: int) -> None:
        """Code this frame by so many steps (of 63) more coarsely, or finer where it is negative."""
        region = _REGION.pack(_REGION.size, 0, frame.height, 0, frame.width, offset, RANGE)
        self._side_data.attach(frame, region)


def quantiser_offset(version: str = av.__version__) -> QuantiserOffset | None:
    """The offset for this PyAV; None where it can't be given safely."""
    found = side_data(_NAME, version)
    return None if found is None else QuantiserOffset(found)
