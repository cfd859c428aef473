"""Every callback, timer and step of host and relay fails in turn: the program goes on serving, or ends with a sentence,
and the sessions that it was not about live."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from avl_host.agent import Agent
from avl_host.capture.pattern import PatternSource
from avl_host.encode.pipeline import Pipeline
from avl_host.input.recorder import InputRecorder
from avl_host.paths.directlistener import DirectListener
from avl_host.paths.reachability import Reachability
from avl_host.paths.registration import Registration
from avl_host.publish.permit import CapturePermit
from avl_host.publish.pictureplan import PicturePlan
from avl_host.publish.publisher import Publisher
from avl_host.services.annotations import AnnotationsService
from avl_host.services.candidates import CandidatesService
from avl_host.services.clipboard import ClipboardService
from avl_host.services.control import ControlService
from avl_host.services.files import FilesService
from avl_host.services.fit import FitService
from avl_host.services.layout import LayoutService
from avl_host.services.media import MediaService
from avl_host.services.monitors import MonitorsService
from avl_host.services.pointer import PointerService
from avl_host.services.pointing import PointingService
from avl_host.services.sound import SoundService
from avl_host.services.statistics import StatisticsService
from avl_host.services.tickets import TicketService
from avl_host.services.voice import VoiceService
from avl_host.sessions.admission import CodeAdmission
from avl_host.sessions.lockwatch import LockWatch
from avl_host.sessions.subscribers import Subscribers
from avl_host.sessions.tickets import TicketBook
from avl_host.sound.microphone import MemoryMicrophone
from avl_host.sound.source import MemorySource
from avl_protocol.media.frame import Monitor
from avl_protocol.session.hop.server import HopServer
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Services
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import CloseCode, FileOverwrite, Permission
from avl_relay.forward.channels import Channels
from avl_relay.forward.fanout import Fanout
from avl_relay.forward.hosts import Hosts
from avl_relay.forward.router import Router
from avl_relay.forward.sessions import Sessions
from avl_relay.forward.splice import Splices
from avl_viewer.api import Desktop
from avl_viewer.files import FilesError
from tests.simulator.run import Simulation
from tests.simulator.run import run as run_for_ever
from tests.simulator.world import HOST as HOST_ADDRESS
from tests.simulator.world import RunningHost, System, system
from tests.system.seen import number, online, until

#: What is called from outside: by carriers, timers, tasks, the capture thread, and by those who are called by these.
HOST: dict[type, str] = {
    Subscribers: "incoming left channel_received channel_reset _grant _admitted _moved _handle "
    "_ended everybody handle_timer",
    Services: "receive admitted moved ended",
    LayoutService: "changed admitted",
    PointerService: "changed admitted",
    ClipboardService: "changed admitted opened ended",
    MediaService: "moved",
    StatisticsService: "measured",
    TicketService: "admitted lost ended handle_timer",
    CandidatesService: "admitted ended",
    ControlService: "admitted acted ended",
    PointingService: "ended",
    AnnotationsService: "admitted ended",
    FilesService: "put get list said opened ended",
    SoundService: "admitted ended",
    VoiceService: "said lost ended",
    FitService: "decide handle_timer _follow",
    MonitorsService: "_start _give settle",
    Registration: "apply _message handle_timer next_timeout",
    HostSession: "channel_received handle_timer send admit applied next_event",
    Publisher: "open join_key renew_keys set_viewer frame settled look",
    CapturePermit: "ready",
    PicturePlan: "follow leave handle_timer",
    LockWatch: "admitted ended",
    Reachability: "joined candidates raw handle_timer",
    TicketBook: "issue revoke",
    CodeAdmission: "begin confirmed",
    DirectListener: "accept take _message _received",
    InputRecorder: "key text",
    Pipeline: "step",
    PatternSource: "grab",
    Agent: "_announce",
}
RELAY: dict[type, str] = {
    Router: "take _message _decided _located handle_timer _gone",
    Hosts: "make_room register offline",
    Sessions: "attach accept admit settled end",
    Channels: "opened received",
    HopServer: "carrier_ready stream_received datagrams_received datagrams_settled carrier_lost",
    Fanout: "admit remove datagrams",
    Splices: "join received forget",
}


def places(table: dict[type, str]) -> list[tuple[type, str]]:
    return [(kind, name) for kind, names in table.items() for name in names.split()]


class Injected(Exception):
    """The error that nobody foresaw."""


class Trap:
    """Lies in all of these methods before anything is assembled, since tables keep methods bound. The one that is armed
    fails when it is called next, once; of one object alone, if `of` is given: viewers are made of some of the same
    classes."""

    def __init__(self, table: dict[type, str], patch: pytest.MonkeyPatch) -> None:
        self.fired = False
        self._armed: tuple[type, str] | None = None
        self._of: object = None
        for kind, name in places(table):
            patch.setattr(kind, name, self._laid(kind, name, getattr(kind, name)))

    def _laid(self, kind: type, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def failing(me: Any, *arguments: Any, **named: Any) -> Any:
            if self._armed == (kind, name) and self._of in (None, me):
                self._armed, self.fired = None, True
                raise Injected(f"{kind.__name__}.{name}")
            return real(me, *arguments, **named)

        return failing

    def arm(self, kind: type, name: str, of: object = None) -> None:
        self._armed, self._of, self.fired = (kind, name), of, False

    def disarm(self) -> None:
        self._armed = None


async def subscriber(s: System, host: RunningHost, all_of_it: bool = True) -> bool:
    """Come in, look, act and leave; whether all of it was possible, as far as a person could tell. `all_of_it`: and do
    what else a session is for."""
    simulated = s.simulation.network.at(HOST_ADDRESS)
    try:
        async with s.viewer(host, address="10.0.0.21", name="visitor", timeout=4.0) as desktop, asyncio.timeout(4.0):
            await number(desktop)
            await desktop.move(3, 4)
            await desktop.type("x")
            if not all_of_it:
                return True
            await desktop.clipboard.set("copied")
            # As a display's events are taken: an error in what is told of them ends in the host's faults.
            host.agent._world.faults.run(host.clipboard.copy, "from the host")
            if desktop.permissions & Permission.FILES_IN:
                await desktop.files.put(__file__, overwrite=FileOverwrite.ALWAYS)
                await desktop.files.list("/shared")
                with TemporaryDirectory() as folder:
                    await desktop.files.get(Path(__file__).name, folder)
            if desktop.permissions & Permission.AUDIO_IN:
                voice = desktop.client.features.voice
                voice._changed = desktop.presenter.microphone  # this machine has none
                voice.turn(True)
                voice.say(1, b"a packet")
            if desktop.permissions & Permission.MONITORS:
                await desktop.choose("left")
                await desktop.fit(480, 300)
            host.source.set_still(False)
            host.agent.publisher.wake()
            await asyncio.sleep(0.1)
            host.source.set_still(True)
            for changed in list(simulated.on_change):
                changed()
            await desktop.press("enter")
    except (Refused, TimeoutError, Injected, FilesError):
        return False
    return True


async def served(s: System, host: RunningHost, stays: Desktop, came: bool, fired: bool) -> str:
    """What is wrong after a fault; "" when who stays is served, and who comes. `came`: somebody has come meanwhile.
    `fired`: it was the fault of this place that held up who came, and whoever comes next to it just looks and types:
    what it has done to the rest is seen at the places that follow."""
    presenter, ended = stays.presenter, stays.client.ended
    for _ in range(0 if came else 6):  # what was ended may need a moment to begin anew
        if await subscriber(s, host, all_of_it=not fired):
            break
        await asyncio.sleep(2.0)
    else:
        if not came:
            return "nobody comes in any more"
    if ended.done() and ended.result().code is CloseCode.HOST_FAILED:
        return ""  # it is the one that the fault was about, and was told so
    try:
        await until(lambda: presenter.state is not None and presenter.state.stage == "running", 20)
        before = host.sink.typed
        await stays.type("here")
    except (Refused, TimeoutError) as error:
        return f"a running session is lost: {error!r}"
    return "" if host.sink.typed == before + "here" else "what is typed does not arrive"


@pytest.mark.parametrize("program", ["host", "relay"])
def test_whatever_fails_once_the_program_serves_on_or_ends_with_a_sentence(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = HOST if program == "host" else RELAY
    waiting, trap = places(table), Trap(table, monkeypatch)
    count = len(waiting)
    fired: set[tuple[type, str]] = set()
    wrong: list[str] = []

    async def until_it_ends(simulation: Simulation) -> None:
        """Let one place after the other fail, until one of them has ended the program."""
        sounds: dict[str, Any] = {"sound": MemorySource(), "microphone_to": MemoryMicrophone(), "microphone": True}
        async with system(simulation) as s, s.host(direct=program == "host", faulty=True, **sounds) as host:
            await online(host)
            host.source.set_still(True)
            host.source.divided = (Monitor("left", 0, 0, 320, 192, True), Monitor("right", 320, 0, 64, 64))
            host.agent.publisher.wake()
            assert host.agent.ending is None and s.relay_instance is not None
            async with s.viewer(host, name="stays", reconnect=True) as stays:
                await number(stays)
                while waiting and host.agent.ending is None and not stays.client.ended.done():
                    kind, name = waiting.pop()
                    for running in (host.agent, s.relay_instance):
                        running._world.faults._times.clear()
                    told = len(host.said)
                    trap.arm(kind, name, host.agent.subscribers.services if kind is Services else None)
                    came = await subscriber(s, host)
                    trap.disarm()
                    problem = ""
                    if (ending := host.agent.ending) is not None:
                        problem = "" if " " in ending else f"it ends without a sentence: {ending!r}"
                    elif trap.fired and program == "host" and not any("Injected" in one for one in host.said[told:]):
                        problem = f"it is not told: {host.said[told:]}"
                    elif not came or trap.fired:
                        problem = await served(s, host, stays, came, trap.fired)
                    fired.update({(kind, name)} if trap.fired else ())
                    if problem:
                        wrong.append(f"{kind.__name__}.{name}: {problem}")
                        return

    while waiting:
        try:
            run_for_ever(until_it_ends)
        except Refused:
            continue  # who stayed learned of the end
    assert not wrong, "\n".join(wrong)
    assert len(fired) >= 0.7 * count, f"only these were reached: {sorted(f'{k.__name__}.{n}' for k, n in fired)}"
