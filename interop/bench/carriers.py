"""`./dev bench carriers`: typing over QUIC and over TCP through the same link of 20 ms, and how soon each is connected.

Relay, host and terminal are real programs on this machine; between the relay and the viewer, in this process, stands a
link that delays everything by 10 ms in each direction and, for TCP, lets no UDP pass.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from avl_protocol.wire.registry import InputKind
from avl_protocol.wire.target import RelayAddress, parse_address, parse_target
from avl_viewer.api import connect
from interop.programs import Programs
from interop.stage import start

#: Seconds that the link adds in each direction.
DELAY = 0.010
#: Seconds between two keys.
PAUSE = 0.1


@dataclass(frozen=True, slots=True)
class Typing:
    """Of one carrier: seconds until the first picture, and from keys to the host's answers."""

    path: str
    connected: float
    keys: tuple[float, ...]


def later(step: Callable[[], None]) -> None:
    """Do something when the link has carried it."""
    asyncio.get_running_loop().call_later(DELAY, step)


class _Udp(asyncio.DatagramProtocol):
    """One side of the link for datagrams; `pass_on` carries them to the other side."""

    def __init__(self, pass_on: Callable[[bytes, Any], None]) -> None:
        self._pass_on = pass_on

    def datagram_received(self, data: bytes, addr: Any) -> None:
        later(lambda: self._pass_on(data, addr))


async def udp_link(relay: tuple[str, int], port: int) -> Callable[[], None]:
    """Carry datagrams of one viewer at a time; returns what ends it."""
    loop = asyncio.get_running_loop()
    viewer: list[Any] = []

    def to_relay(data: bytes, address: Any) -> None:
        viewer[:] = [address]
        far.sendto(data)

    near, _ = await loop.create_datagram_endpoint(lambda: _Udp(to_relay), ("127.0.0.1", port))
    far, _ = await loop.create_datagram_endpoint(
        lambda: _Udp(lambda data, _: near.sendto(data, viewer[0])), remote_addr=relay
    )

    def end() -> None:
        near.close()
        far.close()

    return end


async def tcp_link(relay: tuple[str, int]) -> asyncio.Server:
    """Carry connections; each piece arrives DELAY after it was read."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                later(lambda data=data: writer.write(data))  # type: ignore[misc]
        later(writer.close)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2 * DELAY)  # the handshake of TCP, which the near side has answered by itself
        far_reader, far_writer = await asyncio.open_connection(*relay)
        try:
            await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))
        except asyncio.CancelledError:  # the bench is over
            for end in (writer, far_writer):
                end.transport.abort()

    return await asyncio.start_server(serve, "127.0.0.1", 0)


async def type_through(target: str, code: str, port: int, keys: int, state: Path) -> Typing:
    """Type over the link at a port."""
    parsed = parse_target(target)
    there = replace(parsed, relay=RelayAddress("127.0.0.1", port, parsed.relay.pin), others=())
    began = time.monotonic()
    async with connect(there, code=code, state=state, direct=False) as desktop:
        await desktop.screenshot()
        connected = time.monotonic() - began
        await asyncio.sleep(1.0)
        took = []
        for _ in range(keys):
            at = time.monotonic()
            await desktop._client.send_input([(int(InputKind.TEXT), "x")])
            took.append(time.monotonic() - at)
            await asyncio.sleep(PAUSE)
        return Typing(desktop.stats()["path"], connected, tuple(took))


async def measure(folder: Path, keys: int, rounds: int) -> list[Typing]:
    """Both carriers by turns."""
    programs = Programs(folder)
    try:
        stage = await start(programs, folder / "typed.txt")
        relay = parse_address(stage.relay["quic"])
        tcp = await tcp_link(relay)
        port = tcp.sockets[0].getsockname()[1]
        results = []
        for turn in range(2 * rounds):
            end = await udp_link(relay, port) if turn % 2 == 0 else None
            results.append(await type_through(stage.host["target"], stage.host["code"], port, keys, folder / "viewer"))
            if end is not None:
                end()
        tcp.close()
        return results
    finally:
        programs.end()
        await asyncio.sleep(0.1)  # what the link still carries


def main(
    keys: Annotated[int, typer.Option(help="Keys of each round.", min=2)] = 60,
    rounds: Annotated[int, typer.Option(help="Rounds of each carrier.", min=1)] = 4,
    out: Annotated[Path | None, typer.Option(help="Where the figures go, as JSON.")] = None,
) -> None:
    """Compare typing over QUIC and TCP."""
    with tempfile.TemporaryDirectory() as folder:
        results = asyncio.run(measure(Path(folder), keys, rounds))
    table = Table("path", "rounds", "first picture, ms", "key to answer, ms: median", "95th percentile")
    medians = {}
    for path in ("relay", "tcp"):
        mine = [one for one in results if one.path == path]
        if not mine:
            print(f"bench: no round went by {path}", file=sys.stderr)
            raise typer.Exit(1)
        times = sorted(took for one in mine for took in one.keys)
        medians[path] = statistics.median(times)
        table.add_row(
            path,
            str(len(mine)),
            f"{1000 * statistics.median(one.connected for one in mine):.0f}",
            f"{1000 * medians[path]:.1f}",
            f"{1000 * times[int(len(times) * 0.95)]:.1f}",
        )
    Console().print(table)
    print(f"TCP takes {medians['tcp'] / medians['relay']:.2f} times as long as QUIC (goal: 1.3 at most)")
    if out is not None:
        out.write_text(json.dumps([asdict(one) for one in results], indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
