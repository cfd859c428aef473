"""Viewers that speak at a host: what is no VOICE, and when somebody no longer speaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from avl_host.services.voice import VoiceService
from avl_host.sound.microphone import MemoryMicrophone
from avl_protocol.wire.endtoend import Voice
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import MAX_SOUND_PACKET, MAX_SOUND_PACKETS, T_VOICE_SILENCE, CloseCode, Permission
from tests.host.test_subscribers import Lobby

SPEAKS = Permission.VIEW | Permission.AUDIO_IN
PACKET = b"p"


@pytest.mark.parametrize(
    "voice",
    [
        Voice(5, ()),
        Voice(5, (PACKET,) * (MAX_SOUND_PACKETS + 1)),
        Voice(5, (b"",)),
        Voice(5, (bytes(MAX_SOUND_PACKET + 1),)),
        Voice(4, (PACKET,)),
        Voice(-1, (PACKET,)),
    ],
)
def test_a_voice_that_is_none_ends_the_session(voice: Voice, tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    session = lobby.admit(1, SPEAKS)
    service = VoiceService(lobby.subscribers, MemoryMicrophone())
    service.said(session, Voice(3, (PACKET, PACKET)), lobby.clock.now)
    with pytest.raises(RemoteProtocolError) as refused:
        service.said(session, voice, lobby.clock.now)
    assert refused.value.code is CloseCode.SESSION_PROTOCOL


def test_who_falls_silent_or_may_no_longer_speaks_no_more(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path)
    session = lobby.admit(1, SPEAKS)
    service = VoiceService(lobby.subscribers, MemoryMicrophone())
    now = lobby.clock.now
    service.said(session, Voice(0, (PACKET,)), now)
    assert service.speaks(session) and service.speakers == 1
    service.handle_timer(now + T_VOICE_SILENCE / 2)
    assert service.speaks(session)
    service.handle_timer(now + T_VOICE_SILENCE)
    assert not service.speaks(session)
    service.said(session, Voice(9, (PACKET,)), now)
    service.said(session, Voice(10, (), True), now)
    assert not service.speaks(session)
    service.said(session, Voice(20, (PACKET,)), now)
    service.lost(session, now)
    assert service.speakers == 0
