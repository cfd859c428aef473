"""Sound of real servers: PulseAudio, and PipeWire where it is installed."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any
from unittest.mock import MagicMock

import pytest

from avl_host.doctor import sound as examined
from avl_host.sound.microphone import SOURCE, PulseMicrophone
from avl_host.sound.monitor import MonitorStream
from avl_host.sound.pulse import PulseSource
from avl_host.sound.source import SoundListener
from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.endpoint.sound import pulse as pulse_module
from avl_protocol.endpoint.sound.opus import Decoder, Encoder
from avl_protocol.endpoint.sound.pulse import BLOCK, NO_SERVER, SAMPLES, ServerWatch
from avl_protocol.media.sound import Sound
from avl_protocol.wire.registry import MicrophoneState, SoundState
from avl_viewer.sound.output import PulseOutput
from avl_viewer.sound.player import ThreadPlayer
from interop.soundserver import SoundServer
from interop.tones import LOOKED_AT, Tone, pitch, recorded, tone, until_heard
from tests.tools import need

#: Seconds that anything may take here.
PATIENCE = 15.0


class Listener:
    """What a source tells."""

    def __init__(self) -> None:
        self.blocks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.states: queue.SimpleQueue[tuple[SoundState, str]] = queue.SimpleQueue()
        self.source = PulseSource(monotonic, Faults())

    def __enter__(self) -> Listener:
        heard = SoundListener(
            heard=lambda samples, _: self.blocks.put(samples), state=lambda *told: self.states.put(told)
        )
        self.source.start(heard)
        return self

    def __exit__(self, *error: Any) -> None:
        self.source.stop()

    def told(self) -> tuple[SoundState, str]:
        """The next state."""
        return self.states.get(timeout=PATIENCE)


@pytest.fixture(params=["pulseaudio", "pipewire"])
def server(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    """A server with two sinks, which this program reaches too."""
    pipewire = request.param == "pipewire"
    if not pipewire:
        need("pulseaudio")
    elif missing := SoundServer.lacking(pipewire=True):
        pytest.skip(f"{', '.join(missing)}: not installed on this machine (./dev test names the packages)")
    with SoundServer(tmp_path, ("speakers", "headphones"), pipewire=pipewire) as running:
        monkeypatch.setenv("PULSE_SERVER", running.address)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        yield running


def test_what_plays_is_heard_on_whichever_sink_is_the_default_one(server: SoundServer) -> None:
    with Listener() as listener:
        assert listener.told() == (SoundState.HEARD, "")
        for sink, other in (("speakers", "headphones"), ("headphones", "speakers"), ("speakers", "headphones")):
            server.control("set-default-sink", sink)
            # Played anew each time: the server moves what plays to another default sink, too.
            with Tone(server, sink, 440), Tone(server, other, 1000):
                until_heard(listener.blocks, 440)


def test_a_monitor_stays_with_its_sink_whichever_becomes_the_default_one(server: SoundServer) -> None:
    """PulseAudio moves what does not forbid it: in time a host would hear a microphone that was plugged in."""
    with Listener() as listener:
        assert listener.told() == (SoundState.HEARD, "")  # PipeWire's session manager is there
    server.control("set-default-sink", "speakers")
    stream = MonitorStream("speakers.monitor", "a test")
    try:
        for default in ("headphones", "speakers"):
            server.control("set-default-sink", default)
            with Tone(server, "speakers", 440), Tone(server, "headphones", 1000):
                heard = [0.0]
                while not 428 < heard[-1] < 452:
                    heard.append(pitch(b"".join(stream.read() for _ in range(LOOKED_AT)), 2))
                    assert not 988 < heard[-1] < 1012
    finally:
        stream.close()


def test_a_sink_of_another_sample_rate_sounds_the_same(server: SoundServer) -> None:
    """It goes and comes back under its name, at another rate."""
    module = server.add_sink("usb", 96_000)
    server.control("set-default-sink", "usb")
    with Tone(server, "usb", 440), Listener() as listener:
        until_heard(listener.blocks, 440)
        server.control("unload-module", module)
        server.add_sink("usb", 44_100)
        server.control("set-default-sink", "usb")
        with Tone(server, "usb", 1000):
            until_heard(listener.blocks, 1000)


def test_a_server_that_dies_is_told_and_heard_when_it_is_back(server: SoundServer) -> None:
    with Listener() as listener:
        assert listener.told() == (SoundState.HEARD, "")
        server.stop(signal.SIGKILL)
        states = {listener.told()[0]}
        while SoundState.NO_SERVER not in states:
            states.add(listener.told()[0])
        server.start()
        while listener.told()[0] is not SoundState.HEARD:
            continue
        with Tone(server, "speakers", 700):
            until_heard(listener.blocks, 700)


def test_where_no_server_is_a_sentence_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path}/none")
    with Listener() as listener:
        assert listener.told() == (SoundState.NO_SERVER, NO_SERVER)


def test_a_voice_is_what_a_virtual_microphone_of_the_desktop_hears(server: SoundServer) -> None:
    told: queue.SimpleQueue[tuple[MicrophoneState, str]] = queue.SimpleQueue()
    microphone = PulseMicrophone(lambda *state: told.put(state), Faults())
    microphone.start()
    try:
        assert told.get(timeout=PATIENCE) == (MicrophoneState.READY, "")
        assert SOURCE in server.control("list", "short", "sources").stdout
        encoder = Encoder(voice=True, bitrate=32_000)
        with recorded(server, SOURCE, 1) as blocks:
            heard = threading.Event()

            def speak() -> None:
                at = 0
                while not heard.wait(BLOCK):
                    microphone.play(1, at, (encoder.encode(tone(440, 1, start=at * SAMPLES)),))
                    at += 1

            speaker = threading.Thread(target=speak)
            speaker.start()
            try:
                until_heard(blocks, 440, 1)
            finally:
                heard.set()
                speaker.join()
        encoder.close()
    finally:
        microphone.close()
    assert SOURCE not in server.control("list", "short", "sources").stdout


def test_the_native_player_is_heard_on_the_default_sink(server: SoundServer) -> None:
    troubles: list[str] = []
    player = ThreadPlayer(
        PulseOutput, now=monotonic, faults=Faults(), trouble=troubles.append, make_decoder=lambda: Decoder(2)
    )
    encoder = Encoder(voice=False, bitrate=96_000)
    player.begin()
    try:
        with recorded(server, "speakers.monitor", 2) as blocks:
            ended = threading.Event()

            def send() -> None:
                begun, at = monotonic(), 0
                while not ended.wait(max(0.0, begun + at * BLOCK - monotonic())):
                    packet = encoder.encode(tone(880, start=at * SAMPLES))
                    captured = begun + at * BLOCK - 0.02
                    player.put(
                        Sound(captured_us=round(captured * 1e6), position=at, packets=(packet,)), captured, monotonic()
                    )
                    at += 1

            sender = threading.Thread(target=send)
            sender.start()
            try:
                until_heard(blocks, 880)
            finally:
                ended.set()
                sender.join()
    finally:
        player.close()
        encoder.close()
    assert troubles == [] and player.figures().played > 0


def test_the_doctor_names_the_server_and_its_default_sink(server: SoundServer) -> None:
    server.control("set-default-sink", "speakers")
    (finding,) = examined()
    assert finding.ok and "speakers" in finding.text


def test_a_server_that_ends_as_it_is_asked_is_gone_and_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    need("pulseaudio")
    from pulsectl import _pulsectl

    told: list[str] = []
    again = threading.Event()

    class Asking:
        """Asks for the sinks of a server that has just ended, and then of one that is there."""

        def came(self, pulse: Any) -> None:
            if not told:
                raise _pulsectl.LibPulse.CallError("pa_context_get_sink_info_list", "Bad state")
            again.set()

        changed = leaves = came

        def went(self, why: str) -> None:
            told.append(why)

    monkeypatch.setattr(pulse_module, "connect", lambda: MagicMock())
    watch = ServerWatch(Asking(), Faults())
    watch.start()
    assert again.wait(10)
    watch.close()
    assert told == ["The sound server has ended."]
