"""Channels: the registry's rows decide which permissions open one, how it travels, and which messages are its own."""

from __future__ import annotations

import json

import pytest

from avl_protocol.wire.channels import CODECS, channel_of, channels_of, first_channels_of, is_bulk, permits
from avl_protocol.wire.codec import registry_name
from avl_protocol.wire.endtoend import Batch, Clipboard, Cursor, FileStop
from avl_protocol.wire.errors import LocalProtocolError, lacking, not_permitted
from avl_protocol.wire.messages import Ping
from avl_protocol.wire.registry import CHANNELS, LANES, Channel, Permission
from tests.architecture.tree import ROOT


@pytest.mark.parametrize(
    ("permissions", "channels"),
    [
        (Permission(0), (0,)),
        (Permission.VIEW, (0,)),
        (Permission.POINTER, (0, 1)),
        (Permission.VIEW | Permission.KEYBOARD, (0, 1)),
        (Permission.CLIPBOARD_OUT, (0, 2)),
        (Permission.CLIPBOARD_IN, (0, 2)),
        (Permission.FILES_IN, (0, *LANES)),
        (Permission.AUDIO_IN, (0, 3)),
        (Permission(sum(Permission)), (0, 1, 2, 3, *LANES)),
    ],
)
def test_permissions_open_channels(permissions: Permission, channels: tuple[int, ...]) -> None:
    assert channels_of(permissions) == channels


def test_a_channel_nobody_knows_is_bulk() -> None:
    assert [is_bulk(channel) for channel in (0, 1, 2, 3, 77, 78)] == [False, False, True, False, True, True]


def test_each_channel_has_the_messages_of_its_table_and_each_message_one_channel() -> None:
    registry = json.loads((ROOT / "spec" / "registry.json").read_text("utf-8"))
    assert set(CODECS) == set(CHANNELS) == set(Channel)
    for number, _, row in registry["channels"].values():
        assert {registry_name(kind) for kind in CODECS[number].kinds} == set(registry[row["messages"]])
        lane = number if number in LANES else None
        assert all(channel_of(kind, lane) == number for kind in CODECS[number].kinds)
    assert [channel_of(kind) for kind in (Cursor, Batch, Clipboard)] == [0, 1, 2]
    with pytest.raises(LocalProtocolError, match="Ping"):
        channel_of(Ping)
    with pytest.raises(LocalProtocolError, match="FileStop does not travel on channel"):
        channel_of(FileStop)
    with pytest.raises(LocalProtocolError, match="Cursor does not travel on channel 8"):
        channel_of(Cursor, 8)


def test_lanes_are_not_among_the_first_channels() -> None:
    everything = Permission(sum(Permission))
    assert set(channels_of(everything)) - set(first_channels_of(everything)) == set(LANES)


def test_what_needs_no_permission_is_always_allowed_and_else_any_of_those_named_will_do() -> None:
    either = Permission.POINTER | Permission.KEYBOARD
    assert permits(Permission(0), Permission(0))
    assert permits(Permission.KEYBOARD, either) and not permits(Permission.VIEW, either)


def test_who_lacks_a_permission_is_told_which_and_what_to_do() -> None:
    assert lacking(Permission.FILES_IN) == (
        "This session may not send files to the host. Who gave you access can permit it."
    )
    assert str(not_permitted(Permission.POINTER | Permission.KEYBOARD)) == (
        "This session may not move and click or type. Who gave you access can permit it."
    )
    assert lacking(Permission(0)).startswith("This session may not do that.")
