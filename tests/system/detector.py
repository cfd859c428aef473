"""Finds planted canaries in bytes: texts in common encodings, and pictures, also where H.264 must be decoded first."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avl_protocol.media import exact
from avl_protocol.media.packetizer import packetize
from avl_protocol.session.media.receiver import ReceivedExact
from avl_protocol.wire import datagram
from avl_protocol.wire.errors import Refused, RemoteProtocolError
from avl_viewer.decode.canvas import Canvas
from avl_viewer.decode.decoder import DecodeError
from avl_viewer.decode.video import VideoDecoder
from tests.viewer.pictures import rgb_of

START = b"\0\0\1"
PARAMETER_SET = 7
#: A decoded picture counts as the planted one from this PSNR on; two different cards are below 20 dB.
ALIKE = 30.0
#: Pixels of a row that are searched for as they are.
ROW = 48


@dataclass(frozen=True)
class Canaries:
    """What was planted: texts by name, and one picture, RGB, shape (height, width, 3)."""

    texts: dict[str, str]
    picture: NDArray[np.uint8]


def spellings(text: str) -> set[bytes]:
    """A text as it might stand somewhere."""
    raw = {text.encode(name) for name in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le")}
    utf8 = text.encode()
    encoded = {base64.b64encode(b"\0" * at + utf8)[4 if at else 0 : -4] for at in range(3)}
    return raw | encoded | {utf8.hex().encode(), utf8[::-1]}


def _rows(picture: NDArray[np.uint8]) -> set[bytes]:
    """Pieces of the picture's rows as raw pixels, where they are not plain."""
    out = set()
    for row in picture[:: max(1, len(picture) // 24)]:
        for at in range(0, len(row) - ROW, ROW):
            piece = row[at : at + ROW]
            if len(np.unique(piece, axis=0)) >= 3:
                alpha = np.full((ROW, 1), 255, np.uint8)
                out |= {piece.tobytes(), piece[:, ::-1].tobytes(), np.hstack((piece[:, ::-1], alpha)).tobytes()}
    return out


def units(blob: bytes) -> list[bytes]:
    """What might be access units of H.264 with their parameter sets, from each of these on."""
    out = []
    at = blob.find(START)
    while at >= 0:
        if at + 3 < len(blob) and blob[at + 3] & 0x1F == PARAMETER_SET:
            out.append(blob[max(0, at - 1) :])
        at = blob.find(START, at + 3)
    return out


def alike(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    """Whether two pictures show the same."""
    if one.shape != other.shape:
        return False
    error = float(np.square(one.astype(float) - other.astype(float)).mean())
    return error == 0 or 10 * np.log10(255**2 / error) >= ALIKE


def decoded(unit: bytes, following: Iterable[bytes]) -> list[NDArray[np.uint8]]:
    """Pictures that a decoder makes of an access unit and of those that follow it."""
    decoder = VideoDecoder()
    pictures = []
    try:
        for data in (unit, *following):
            frame = decoder.decode(data)
            pictures.append(rgb_of(frame, frame.width, frame.height))
    except DecodeError:
        pass
    finally:
        decoder.close()
    return pictures


def composed(blobs: Iterable[bytes]) -> Iterator[NDArray[np.uint8]]:
    """What a canvas shows after each object of exact pixels."""
    canvas = Canvas()
    for blob in blobs:
        try:
            one = exact.decode(blob)
            canvas.show(ReceivedExact(track=1, number=0, exact=one, size=0, complete=True, first=0.0, last=0.0))
        except (RemoteProtocolError, Refused):
            continue
        yield canvas.rgb()


def joined(datagrams: Iterable[bytes]) -> list[bytes]:
    """Payloads of datagrams put together by track and object, whatever they hold."""
    objects: dict[tuple[int, int], dict[int, bytes]] = {}
    for data in datagrams:
        try:
            header, payload = datagram.decode(data)
        except RemoteProtocolError:
            continue
        objects.setdefault((header.track, header.object), {})[header.fragment] = bytes(payload)
    return [b"".join(pieces[at] for at in sorted(pieces)) for pieces in objects.values()]


def find(canaries: Canaries, blobs: list[bytes]) -> set[str]:
    """Names of the canaries that stand somewhere in the bytes; "picture" for the picture."""
    found = set()
    searched = list(blobs)
    for blob in blobs:
        try:
            searched.append(zlib.decompressobj().decompress(blob))
        except zlib.error:
            continue
    for name, text in canaries.texts.items():
        if any(spelling in blob for spelling in spellings(text) for blob in searched):
            found.add(name)
    if any(row in blob for row in _rows(canaries.picture) for blob in searched):
        found.add("picture")
    if any(alike(shown, canaries.picture) for shown in composed(blobs)):
        found.add("picture")
    for place, blob in enumerate(blobs):
        for unit in units(blob):
            if any(alike(shown, canaries.picture) for shown in decoded(unit, blobs[place + 1 :])):
                found.add("picture")
    return found


def unsealed(objects: list[bytes]) -> list[bytes]:
    """The datagrams that a host without a seal would send: what the detector must catch."""
    return [data for number, plain in enumerate(objects) for data in packetize(plain, 1, 1, number, 0)]
