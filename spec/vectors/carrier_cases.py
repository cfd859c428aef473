"""Frames of the WebSocket carrier, and messages that are none."""

from __future__ import annotations

from functools import partial
from typing import Any

from avl_protocol.websocket import frames
from avl_protocol.websocket.frames import (
    CloseFrame,
    CreditFrame,
    DatagramFrame,
    Frame,
    PingFrame,
    PongFrame,
    ResetFrame,
    StreamFrame,
)
from avl_protocol.wire.registry import MAX_DATAGRAM_PAYLOAD, MAX_WEBSOCKET_CREDIT, MAX_WEBSOCKET_DATA, CloseCode
from spec.vectors.notation import drawn, error_of

#: Largest integer that a browser holds exactly.
WIDEST = (1 << 53) - 1


def carriers() -> dict[str, Any]:
    """Frames with their messages, and messages that must be refused."""
    valid: list[Frame] = [
        StreamFrame(0, b""),
        StreamFrame(0, b"", True),
        StreamFrame(63, b"hop control"),
        StreamFrame(64, b"x", True),
        StreamFrame(WIDEST, drawn("a long frame", 300)),
        CreditFrame(0, MAX_WEBSOCKET_CREDIT),
        CreditFrame(16385, WIDEST),
        ResetFrame(5, CloseCode.NO_ERROR),
        ResetFrame(2, CloseCode.SESSION_LOST),
        DatagramFrame(b""),
        DatagramFrame(b"\0" + drawn("a datagram", MAX_DATAGRAM_PAYLOAD - 1)),
        CloseFrame(CloseCode.NO_ERROR, ""),
        CloseFrame(CloseCode.GOING_AWAY, "\ufeffWartung läuft"),
        CloseFrame(CloseCode.SESSION_UNKNOWN, "x" * frames.MAX_TEXT),
        PingFrame(bytes(8)),
        PingFrame(drawn("a token", 8)),
        PongFrame(drawn("a token", 8)),
    ]
    invalid = {
        "empty": "",
        "an unknown kind": "07",
        "a stream without a number": "00",
        "a stream without flags": "0000",
        "a number cut short": "0040",
        "an unknown flag": "000002",
        "more of a stream than one message holds": "000000" + "61" * (MAX_WEBSOCKET_DATA + 1),
        "credit without a limit": "0100",
        "bytes behind credit": "01000000",
        "a reset without a code": "0200",
        "bytes behind a reset": "02000000",
        "a datagram too long": "03" + "00" * (MAX_DATAGRAM_PAYLOAD + 1),
        "an end without a code": "04",
        "a text too long": "0400" + "61" * (frames.MAX_TEXT + 1),
        "a text that is not UTF-8": "0400ff",
        "a text with a surrogate": "0400eda080",
        "a token too short": "05" + "00" * 7,
        "a token too long": "05" + "00" * 9,
        "an answer without its token": "06",
    }
    return {
        "valid": [{**fields(frame), "encoded": frames.encode(frame).hex()} for frame in valid],
        "invalid": [
            {"why": why, "encoded": text, "error": error_of(partial(frames.decode, bytes.fromhex(text)))}
            for why, text in invalid.items()
        ],
    }


def fields(frame: Frame) -> dict[str, Any]:
    """The frame's kind and fields, bytes in hexadecimal."""
    kind = type(frame).__name__.removesuffix("Frame").upper()
    values = {name: getattr(frame, name) for name in frame.__slots__}
    return {"kind": kind, **{name: value.hex() if type(value) is bytes else value for name, value in values.items()}}
