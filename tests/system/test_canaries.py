"""What a relay forwards tells it nothing: its whole capture is searched for what was typed, copied and shown."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from avl_protocol.crypto.schedule import SessionKeys
from avl_protocol.session.secure import Pipes, SecureChannels
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import CloseCode
from tests.simulator.run import Simulation
from tests.simulator.world import CODE, system
from tests.system.detector import Canaries, find, joined, unsealed
from tests.system.recording import Capture, Opened, open_capture, record
from tests.system.seen import number, online, run

TYPED = "typed-canary Zebrafink 7319"
SET = "clipboard-canary from the viewer Ölsardine"
TOLD = "clipboard-canary from the host Quastenflosser"


@dataclass(frozen=True)
class Session:
    """What a recorded session left behind."""

    capture: Capture
    canaries: Canaries
    opened: Opened


@pytest.fixture(scope="module")
def recorded() -> Session:
    """A session with canaries in everything a person does, through a recording relay."""
    with pytest.MonkeyPatch.context() as patch:
        capture = record(patch)
        kept: list[tuple[Canaries, SessionKeys, bytes]] = []

        secrets: list[tuple[SessionKeys, bytes]] = []

        def secured(keys: SessionKeys, is_viewer: bool, session_id: bytes, pipes: Pipes) -> SecureChannels:
            secrets.append((keys, session_id))
            return SecureChannels(keys, is_viewer, session_id, pipes)

        patch.setattr("avl_protocol.session.viewer.SecureChannels", secured)

        async def main(simulation: Simulation) -> None:
            async with system(simulation) as s, s.host() as host:
                await online(host)
                async with s.viewer(host, name="viewer-canary") as desktop:
                    await number(desktop)
                    await desktop.type(TYPED)
                    await desktop.clipboard.set(SET)
                    host.clipboard.set(TOLD)
                    assert await desktop.clipboard.get() == TOLD
                    await asyncio.sleep(1)
                    host.source.set_still(True)
                    await asyncio.sleep(0.5)  # what it shows now has come
                    assert (await desktop.screenshot(settle=5)).exact
                    shown = host.source.grab(whole=True)
                    assert shown is not None
                    texts = {
                        "typed": TYPED,
                        "set": SET,
                        "told": TOLD,
                        "code": CODE,
                        "viewer's name": "viewer-canary",
                    }
                    kept.append(
                        (
                            Canaries(texts, shown.pixels[:, :, 2::-1].copy()),
                            *secrets[-1],
                        )
                    )

        run(main, seed=7)
    canaries, keys, session_id = kept[0]
    return Session(capture, canaries, open_capture(capture, keys, session_id))


def test_the_capture_holds_both_hops_in_both_directions(recorded: Session) -> None:
    assert len({(peer, received) for peer, received, _ in recorded.capture.streams}) == 4
    assert sum(len(kept) for kept in recorded.capture.datagrams.values()) > 50
    assert len(recorded.capture.datagrams) == 2  # from the host, to the viewer
    first, second = recorded.capture.datagrams.values()
    assert first[-20:] == second[-20:]


def test_the_relay_sees_no_canary(recorded: Session) -> None:
    assert find(recorded.canaries, recorded.capture.blobs()) == set()


def test_every_canary_is_there_once_the_sessions_keys_open_the_capture(recorded: Session) -> None:
    blobs = [*recorded.opened.channels.values(), *recorded.opened.objects]
    assert find(recorded.canaries, blobs) == {"typed", "set", "told", "picture", "viewer's name"}
    assert find(recorded.canaries, [recorded.opened.channels[0, False]]) == {"viewer's name"}, "all viewers are told it"
    assert find(recorded.canaries, [recorded.opened.channels[1, True]]) == {"typed"}
    assert find(recorded.canaries, [recorded.opened.channels[2, True]]) == {"set"}
    assert find(recorded.canaries, [recorded.opened.channels[2, False]]) == {"told"}
    assert find(recorded.canaries, recorded.opened.objects) == {"picture"}


def test_the_detector_would_catch_media_without_a_seal(recorded: Session) -> None:
    datagrams = unsealed(recorded.opened.objects)
    assert find(recorded.canaries, joined(datagrams)) == {"picture"}


def test_the_detector_would_catch_raw_pixels_and_other_spellings(recorded: Session) -> None:
    rows = recorded.canaries.picture[:, :, ::-1].tobytes()
    assert find(recorded.canaries, [b"head" + rows + b"tail"]) == {"picture"}
    for encoding in ("utf-8", "utf-16-le"):
        assert find(recorded.canaries, [b"\1\2" + TYPED.encode(encoding) + b"\3"]) == {"typed"}
    assert find(recorded.canaries, [SET.encode().hex().encode()]) == {"set"}


def test_keys_of_another_session_open_nothing(recorded: Session) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        open_capture(recorded.capture, SessionKeys(bytes(32), bytes(32)), bytes(16))
    assert caught.value.code is CloseCode.TAMPERED
