"""Chapters 2 and 3 of the specification hold the registry's tables, and what their rules say of messages and input."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest

from avl_protocol.crypto.schedule import SessionKeys
from avl_protocol.session.input.gate import InputGate
from avl_protocol.session.secure import SecureChannels
from avl_protocol.wire import endtoend, messages, registry, varint
from avl_protocol.wire.codec import registry_name
from avl_protocol.wire.endtoend import Batch
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import (
    CLOSE_CODES,
    MAX_CHANNEL_MESSAGE,
    MAX_RECORD_DATA,
    Channel,
    CloseCode,
    InputKind,
    Permission,
)
from tests.protocol.handshakes import SESSION, Run, host, viewer

SPEC = Path(__file__).resolve().parent.parent.parent / "spec"
EVERYTHING = Permission(sum(Permission))


def rows(chapter: str, columns: int) -> list[list[str]]:
    """The table rows of a chapter that begin with a number."""
    lines = (SPEC / chapter).read_text("utf-8").splitlines()
    found = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if re.match(r"\| \d+ \|", line)]
    return [row for row in found if len(row) == columns]


def described(kinds: tuple[type[Any], ...], table: dict[str, Any]) -> list[list[str]]:
    """Number, name and fields of messages, as the chapter writes them."""
    out = []
    for kind in kinds:
        number, layout = table[registry_name(kind)]
        assert [key for key, _, _ in layout] == list(range(len(layout))), "keys count from 0 in the order listed"
        optional = {field.name for field in fields(kind) if field.default is not MISSING}
        cells = ", ".join(f"{name}{'?' if name in optional else ''} {type_}" for _, name, type_ in layout)
        out.append([str(number), registry_name(kind), cells])
    return out


def test_the_chapter_s_messages_are_the_registry_s() -> None:
    expected = [
        *described(messages.HOP, registry.HOP_MESSAGES),
        *described(endtoend.HANDSHAKE, registry.HANDSHAKE_MESSAGES),
        *described(endtoend.CONTROL, registry.CONTROL_MESSAGES),
        *described(endtoend.INPUT, registry.INPUT_MESSAGES),
        *described(endtoend.BULK, registry.BULK_MESSAGES),
        *described(endtoend.SOUND, registry.SOUND_MESSAGES),
        *described(endtoend.FILE, registry.FILE_MESSAGES),
    ]
    assert [[row[0], row[1], row[3]] for row in rows("03-wire.md", 5)] == expected


def test_the_chapter_s_input_events_are_the_registry_s() -> None:
    events = [(row[0], row[1]) for row in rows("03-wire.md", 4)]
    assert events == [(str(int(kind)), kind.name) for kind in InputKind]


def test_the_chapter_s_close_codes_are_the_registry_s() -> None:
    expected = [
        [str(int(code)), code.name, scope, str(status), text] for code, (scope, status, text) in CLOSE_CODES.items()
    ]
    assert rows("02-transport.md", 5) == expected


class Nowhere:
    """Pipes whose other end nobody reads."""

    def send(self, channel: int, data: bytes) -> None:
        return


def channels() -> tuple[SecureChannels, SecureChannels]:
    """The host's and the viewer's channels of a session."""
    keys: tuple[SessionKeys, SessionKeys] = Run(viewer(), host()).admit()
    return SecureChannels(keys[1], False, SESSION, Nowhere()), SecureChannels(keys[0], True, SESSION, Nowhere())


@pytest.mark.parametrize(
    ("channel", "limit"),
    [
        (Channel.CONTROL, MAX_RECORD_DATA),
        (Channel.INPUT, MAX_RECORD_DATA),
        (Channel.BULK, MAX_CHANNEL_MESSAGE),
    ],
)
def test_a_message_over_its_channel_s_limit_ends_the_session_by_its_length_alone(channel: Channel, limit: int) -> None:
    for length, refused in ((limit, False), (limit + 1, True)):
        ours, theirs = channels()
        conversation = ours._conversation(channel)
        record = conversation.secure.send(varint.encode(length) + b"only the beginning")
        if refused:
            with pytest.raises(RemoteProtocolError) as caught:
                theirs.receive(channel, record)
            assert caught.value.code is CloseCode.SESSION_PROTOCOL
        else:
            assert theirs.receive(channel, record) == []


@pytest.mark.parametrize(
    "event",
    [
        (),
        (0,),
        (8,),
        ("1", 2, 3),
        (True, 1, 1),
        (InputKind.MOVE, 1),
        (InputKind.MOVE, 1, 2, 3),
        (InputKind.MOVE, "1", 2),
        (InputKind.MOVE, None, 2),
        (InputKind.BUTTON, 1, 1),
        (InputKind.BUTTON, True, True),
        (InputKind.WHEEL, 1, b"1"),
        (InputKind.KEY, 4, True, 0),
        (InputKind.KEY, 4, True, 0, b"a"),
        (InputKind.TEXT, 5),
        (InputKind.TEXT, "x" * 16_385),
        (InputKind.RELEASE_ALL, 0),
        (InputKind.HOLDING, 0),
    ],
    ids=lambda event: repr(event)[:30],
)
def test_a_malformed_event_ends_the_session(event: tuple[Any, ...]) -> None:
    plain = tuple(int(value) if isinstance(value, InputKind) else value for value in event)
    with pytest.raises(RemoteProtocolError) as caught:
        InputGate().admit(Batch(1, 0, (plain,)), EVERYTHING, 0.0)
    assert caught.value.code is CloseCode.SESSION_PROTOCOL
