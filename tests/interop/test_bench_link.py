"""The link's instruments do what they say: distance, bottleneck, counts of keys; and all of them at once."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest

from interop import stage
from interop.bench import link
from interop.bench.rig import scenario, typed
from interop.bench.rig.glass import Glass
from interop.bench.rig.layout import MARKER
from interop.bench.rig.load import Load
from interop.bench.rig.netns import Bottleneck, Cable, Namespace, lacking
from interop.bench.rig.scenario import SCENARIOS, Desk, Scenario, Settings, play
from interop.bench.rig.shaper import Line, Shaper
from interop.programs import Programs
from tests.tools import need


@pytest.fixture
def cable() -> Iterator[Cable]:
    """A cable; where the system allows none the test is skipped with its reason, or fails where CI=true."""
    if reason := lacking():
        text = f"no network namespaces with a shaped link here: {reason}"
        if os.environ.get("CI") == "true":
            pytest.fail(text, pytrace=False)
        pytest.skip(text)
    with Cable() as laid:
        yield laid


# --------------------------------------------------------------------------------------------------------- the distance


def test_a_datagram_leaves_when_its_delay_is_over_and_never_before_an_earlier_one() -> None:
    line = Line(delay=0.020, loss=0.0, chance=Random(1).random)
    line.put(b"one", 5.000)
    line.put(b"two", 4.990)  # the kernel's clock was set back meanwhile
    assert line.due() == pytest.approx(5.020)
    assert line.take(5.0199) is None
    assert [line.take(5.021) for _ in range(3)] == [b"one", b"two", None]
    assert line.due() is None
    report = line.report()
    assert (report["passed"], report["lost"], report["late_max_us"]) == (2, 0, 1000)


def test_the_asked_share_is_lost_at_random_and_the_same_for_the_same_seed() -> None:
    survivors = []
    for _ in range(2):
        line = Line(delay=0.0, loss=0.03, chance=Random(7).random)
        for number in range(20_000):
            line.put(number.to_bytes(4, "big"), 0.0)
        assert 0.025 < line.lost / 20_000 < 0.035
        survivors.append([line.take(1.0) for _ in range(20_000 - line.lost)])
    assert survivors[0] == survivors[1]


def test_what_is_sent_comes_out_later_at_the_other_side_and_so_does_the_answer() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as us,
    ):
        far.bind(("127.0.0.1", 0))
        for end in (far, us):
            end.settimeout(5)
        shaper = Shaper(listen=("127.0.0.1", 0), target=far.getsockname(), delay=0.030, loss=0.0, seed=1)
        stop = threading.Event()

        def turn() -> None:
            while not stop.is_set():
                shaper.turn(0.05)

        thread = threading.Thread(target=turn)
        thread.start()
        try:
            begin = time.monotonic()
            us.sendto(b"question", shaper.address)
            data, source = far.recvfrom(100)
            half = time.monotonic()
            far.sendto(b"answer", source)
            answer = us.recv(100)
            end_at = time.monotonic()
        finally:
            stop.set()
            thread.join()
            shaper.close()
    assert (data, answer) == (b"question", b"answer")
    assert half - begin >= 0.030
    assert end_at - half >= 0.030
    assert end_at - begin < 1.0
    (peer,) = shaper.report()["peers"]
    assert (peer["forth"]["passed"], peer["back"]["passed"]) == (1, 1)


# ------------------------------------------------------------------------------------------------------- the bottleneck


RECEIVER = """
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 35, 1)  # SO_TIMESTAMPNS: when it was there, however late this process is run
s.bind(("10.77.0.2", 5000))
print("up", flush=True)
taken = []
def take(patience):
    s.settimeout(patience)
    _, ((_, _, at),), _, _ = s.recvmsg(2000, 64)
    seconds, nanoseconds = struct.unpack("ll", at)
    taken.append(seconds + nanoseconds / 1e9)
take(20)
try:
    while True:
        take(0.5)
except TimeoutError:
    pass
last = taken[-40:]
print((len(last) - 1) * (1200 + 42) * 8 / (last[-1] - last[0]))
"""
SENDER = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 21)
for _ in range(int(sys.argv[1])):
    s.sendto(bytes(1200), ("10.77.0.2", 5000))
"""


#: A rate, in bit/s, at which next to nothing leaves the queue while somebody looks or sends, however busy the machine.
HELD = 0.1e6


def throughput(cable: Cable, bottleneck: Bottleneck, rate: float, queue: int, count: int) -> float:
    """Bit/s at which the last of `count` datagrams come out at the far end, which have all waited in the queue."""
    with subprocess.Popen(
        cable.far.command([sys.executable, "-c", RECEIVER]), stdout=subprocess.PIPE, text=True
    ) as receiver:
        assert receiver.stdout is not None
        assert receiver.stdout.readline() == "up\n"
        bottleneck.shape(HELD, queue)
        sender = cable.near.command([sys.executable, "-c", SENDER, str(count)])
        subprocess.run(sender, check=True, timeout=30)
        bottleneck.shape(rate, queue)
        return float(receiver.stdout.readline())


def test_the_bottleneck_lets_through_its_rate_and_keeps_a_queue_that_ends(cable: Cable) -> None:
    bottleneck = Bottleneck(cable.near)
    try:
        assert throughput(cable, bottleneck, 4e6, 60_000, 85) == pytest.approx(4e6, rel=0.1)
        before = bottleneck.sample()
        assert 15 <= before.dropped <= 85 - 60_000 // 1242  # the first of them pass while the rest still comes
        assert throughput(cable, bottleneck, 8e6, 200_000, 85) == pytest.approx(8e6, rel=0.1)
        after = bottleneck.sample()
        assert (after.dropped, after.waiting) == (before.dropped, 0)
        assert after.passed - before.passed >= 85 * 1242
    finally:
        bottleneck.close()


def test_the_rate_changes_while_packets_wait_and_they_stay(cable: Cable) -> None:
    bottleneck = Bottleneck(cable.near)
    try:
        bottleneck.shape(HELD, 200_000)
        subprocess.run(cable.near.command([sys.executable, "-c", SENDER, "85"]), check=True)
        full = bottleneck.sample()
        bottleneck.shape(HELD / 2, 200_000)
        kept = bottleneck.sample()
        assert full.waiting > 80_000
        assert kept.waiting > full.waiting - 20_000
        assert kept.dropped == full.dropped == 0
    finally:
        bottleneck.close()


def running(pid: int) -> bool:
    """Whether a process runs; one that ended and awaits its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def names(cable: Cable) -> list[str]:
    """The two namespaces, by the inode that nobody else has while they live."""
    return [os.readlink(f"/proc/{end.pid}/ns/net") for end in (cable.near, cable.far)]


def living() -> set[str]:
    """Network namespaces that some process is in."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/ns/net"):
        with contextlib.suppress(OSError):
            found.add(os.readlink(entry))
    return found


def test_namespaces_are_gone_once_the_cable_is_closed(cable: Cable) -> None:
    ours, outside = names(cable), os.readlink("/proc/self/ns/net")
    assert len({*ours, outside}) == 3
    assert set(ours) <= living()
    cable.close()
    assert not set(ours) & living()


def test_namespaces_are_gone_when_their_owner_is_killed(cable: Cable) -> None:
    script = (
        "import subprocess; from interop.bench.rig.netns import Cable; c = Cable()\n"
        "inside = subprocess.Popen(c.near.command(['sleep', '600']))\n"
        "print(c.near.pid, c.far.pid, inside.pid, flush=True); input()"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", script], stdin=pipe, stdout=pipe, text=True, cwd=stage.ROOT) as owner:
        assert owner.stdout is not None
        pids = [int(word) for word in owner.stdout.readline().split()]
        assert len(pids) == 3
        assert all(running(pid) for pid in pids)
        end = time.monotonic() + 5
        while Path(f"/proc/{pids[2]}/comm").read_text() != "sleep\n" and time.monotonic() < end:
            time.sleep(0.01)
        owner.send_signal(signal.SIGKILL)
    end = time.monotonic() + 5
    while any(running(pid) for pid in pids) and time.monotonic() < end:
        time.sleep(0.01)
    assert not any(running(pid) for pid in pids)


def test_a_namespace_inside_a_user_namespace_is_entered_through_that() -> None:
    assert Namespace(7, False).via("--net") == ["nsenter", "--target", "7", "--net", "--"]
    assert "--user" in Namespace(7, True).command(["ip"])


# ------------------------------------------------------------------------------------------------------------ the keys


@pytest.mark.parametrize("count", [0, 1, 127, 170, 255, 256 + 3])
def test_the_blocks_say_how_many_keys_came_also_after_lossy_coding(count: int) -> None:
    row = typed.encode(count)
    assert row.shape == (MARKER.width,)
    noise = np.random.default_rng(count).normal(0, 18, row.shape)
    assert typed.decode(np.clip(row + noise, 0, 255)) == count % typed.COUNTS
    turned = row.copy()
    turned[: typed.BLOCK] = 255 - turned[: typed.BLOCK]
    assert typed.decode(turned) is None
    assert typed.decode(row // 4 + 96) is None


@pytest.mark.display
async def test_each_key_is_counted_on_the_screen(tmp_path: Path) -> None:
    for tool in ("Xvfb", "openbox"):
        need(tool)
    programs = Programs(tmp_path)
    try:
        display, screen = await stage.start_display(programs, "screen", (1920, 1080))
        command = [sys.executable, "-m", "interop.bench.rig.typed", "--display", display]
        ready = tmp_path / "typed.json"
        programs.start("typed", [*command, "--ready-file", ready], {"PYTHONPATH": str(stage.ROOT)})
        await programs.ready_file(ready, 20)
        glass = Glass(display)
        row = glass.patch(MARKER.x, typed.ROW, MARKER.width, 1)
        await programs.until("the blocks are drawn", 5, lambda: typed.decode(row.read()[0, :, 1]) == 0)
        screen.type_line("abc" * 30)
        await programs.until("all keys are counted", 5, lambda: typed.decode(row.read()[0, :, 1]) == 91)
        glass.close()
        screen.close()
    finally:
        programs.end()


# ------------------------------------------------------------------------------------------------------------- the rest


def command_line(*words: str) -> list[Scenario]:
    return link.asked(link.parser().parse_args(words))


def test_a_command_line_names_links() -> None:
    assert command_line() == command_line("--scenario", "all") == list(SCENARIOS.values())
    assert command_line("--scenario", "drop20-2") == [Scenario(name="drop20-2", rates=(20, 2), queue=500)]
    assert command_line("--rates", "20,5") == [SCENARIOS["steady20"], SCENARIOS["steady5"]]
    assert command_line("--step", "20:4:20") == [SCENARIOS["drop20-4-20"]]
    assert command_line("--loss", "3") == [SCENARIOS["loss3"]]
    assert command_line("--rates", "2", "--loss", "1", "--queue", "50") == [
        Scenario(name="steady2-loss1", rates=(2,), loss=1, queue=50)
    ]
    assert SCENARIOS["drop20-2"].queue_bytes == 1_250_000
    with pytest.raises(ValueError, match="no scenario is called fast; there are open"):
        command_line("--scenario", "fast")
    with pytest.raises(SystemExit):
        command_line("--rates", "0")
    assert isinstance(link.parser(), argparse.ArgumentParser)


@pytest.mark.display
async def test_a_session_over_a_slow_and_distant_link_shows_the_film_and_answers_keys(
    cable: Cable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tool in ("Xvfb", "openbox"):
        need(tool)
    cable.close()  # the session lays its own
    for name, seconds in (("WARMS", 1.0), ("STANDS", 0.5), ("SETTLES", 8.0)):
        monkeypatch.setattr(scenario, name, seconds)
    laid: set[str] = set()

    def lay() -> Cable:
        one = Cable()
        laid.update(names(one))
        return one

    monkeypatch.setattr(scenario, "Cable", lay)
    programs = Programs(tmp_path)
    desk = Desk(programs, Load())
    folder = tmp_path / "session"
    folder.mkdir()
    try:
        await desk.open()
        result = await play(desk, Scenario(name="short", rates=(20, 10)), Settings(25.0, 1.5, False), folder)
    finally:
        desk.close()
        programs.end()
    first, second = result["stretches"]
    assert first["fps"] > 1
    assert second["fps"] > 1
    assert first["glass_p50"] > 25
    assert first["typing_p50"] > 50
    assert result["whole"]["keys_unanswered"] == result["damaged"] == result["decoder_errors"] == 0
    assert result["still_psnr_db"] > 30
    assert result["moving_psnr_db"]["p50"] > 20
    assert result["moving_psnr_db"]["min"] > 12  # coarse right after a step down, but of the same picture
    (peer,) = result["forwarder"]["peers"]
    assert peer["back"]["passed"] > 50
    assert result["datagrams"]["MEDIA"] > 50
    await asyncio.sleep(0)
    assert len(laid) == 2 and not laid & living()
