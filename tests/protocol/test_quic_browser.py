"""WebTransport as a real browser speaks it: streams of both sides, datagrams, close codes, a refused origin."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import tempfile
import time
from collections.abc import AsyncIterator, Sequence

import pytest

from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.loop.clock import SystemClock, entropy
from avl_protocol.endpoint.tls import self_signed
from avl_protocol.endpoint.udp.sockets import UdpNetwork
from avl_protocol.quic.carrier import QuicCarrier
from tests.protocol.carriers import RecordingReceiver
from tests.tools import need

PAGE = """<!doctype html><script type="module">
const report = {};
const collect = async (readable) => {
  const parts = []; let size = 0;
  for (const reader = readable.getReader(); ;) {
    const {value, done} = await reader.read();
    const bytes = new Uint8Array(parts.flatMap(part => [...part]));
    if (done) return {size, text: new TextDecoder().decode(bytes)};
    size += value.length; if (size < 100) parts.push(value);
  }
};
try {
  const hash = Uint8Array.from(atob("%(hash)s"), c => c.charCodeAt(0));
  const options = {serverCertificateHashes: [{algorithm: "sha-256", value: hash}]};
  const transport = new WebTransport("%(url)s", options);
  await transport.ready;
  const stream = await transport.createBidirectionalStream();
  const writer = stream.writable.getWriter();
  await writer.write(new TextEncoder().encode("from the page")); await writer.close();
  report.echo = (await collect(stream.readable)).text;
  const big = await transport.createBidirectionalStream();
  const bulk = big.writable.getWriter();
  bulk.write(new Uint8Array(300000)).then(() => bulk.close());
  report.big = (await collect(big.readable)).size;
  const datagrams = transport.datagrams.readable.getReader();
  const out = transport.datagrams.writable.getWriter();
  await out.write(new Uint8Array([7, 8, 9]));
  report.datagram = [...(await datagrams.read()).value];
  const incoming = transport.incomingBidirectionalStreams.getReader();
  const offered = (await incoming.read()).value;
  const answer = offered.writable.getWriter();
  await answer.write(new TextEncoder().encode("answered")); await answer.close();
  report.offered = (await collect(offered.readable)).text;
  const failing = await transport.createBidirectionalStream();
  const fw = failing.writable.getWriter();
  await fw.write(new TextEncoder().encode("reset me"));
  try { await collect(failing.readable); } catch (error) { report.reset = error.streamErrorCode; }
  report.http = await (await fetch("/")).status;
  const end = await transport.createBidirectionalStream();
  const ew = end.writable.getWriter();
  ew.write(new TextEncoder().encode("close")).catch(() => {});
  const closed = await transport.closed;
  report.closed = [closed.closeCode, closed.reason];
  const second = new WebTransport("%(url)s", options);
  await second.ready;
  second.close({closeCode: 11, reason: "page left"});
  await second.closed;
  const wrong = new WebTransport("%(url)sx", options);
  try { await wrong.ready; report.wrong = "opened"; } catch (error) { report.wrong = "refused"; }
} catch (error) { report.error = String(error); }
await fetch("/report", {method: "POST", body: JSON.stringify(report)});
</script>"""


class Page(RecordingReceiver):
    """Echoes; offers a stream when the first datagram came; resets and closes when asked."""

    def datagrams_received(self, datagrams: Sequence[bytes], now: float) -> None:
        super().datagrams_received(datagrams, now)
        stream = self.carrier.open_stream()
        self.carrier.send_stream(stream, b"offered", True)
        self._echo = False

    def stream_received(self, stream: int, data: bytes, end: bool, now: float) -> None:
        if data == b"reset me":
            self.carrier.reset_stream(stream, 77)
        elif data == b"close":
            self.carrier.close(4, "bye page")
        super().stream_received(stream, data, end, now)


@contextlib.asynccontextmanager
async def served(page: str, reports: asyncio.Queue[dict[str, object]]) -> AsyncIterator[int]:
    """A page on http://localhost, and what it posts to /report."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:  # a connection the browser opened in advance and never used
            writer.close()
            return
        if head.startswith(b"POST"):
            size = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line)
            reports.put_nowait(json.loads(await reader.readexactly(size)))
        body = page.encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "localhost", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@contextlib.asynccontextmanager
async def browser(chromium: str, url: str) -> AsyncIterator[None]:
    """A headless Chromium with a profile of its own."""
    flags = (
        "--headless --no-sandbox --disable-background-networking --no-first-run --disable-component-update "
        "--disable-sync --disable-gpu --remote-debugging-port=0"
    )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            chromium,
            *flags.split(),
            f"--user-data-dir={profile}",
            url,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            process.terminate()
            await process.wait()


@pytest.mark.browser
def test_a_browser_exchanges_streams_datagrams_and_codes() -> None:
    chromium = need("chromium")
    origins: list[str] = []

    async def main() -> tuple[dict[str, object], list[Page]]:
        loop = asyncio.get_running_loop()
        endpoint = Endpoint(network=UdpNetwork(), clock=SystemClock(), entropy=entropy, loop=loop)
        await endpoint.bind(("127.0.0.1", 0))
        certificate = self_signed(["localhost", "127.0.0.1"], now=time.time(), entropy=entropy)
        pages: list[Page] = []

        def on_carrier(carrier: QuicCarrier, alpn: str) -> Page:
            assert alpn == "h3"
            pages.append(Page(carrier, echo=True))
            return pages[-1]

        def origin_allowed(origin: str, authority: str) -> bool:
            origins.append(origin)
            return origin.startswith("http://localhost:")

        endpoint.listen(certificate, on_carrier=on_carrier, origin_allowed=origin_allowed)
        reports: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        page = PAGE % {
            "hash": base64.b64encode(certificate.sha256).decode(),
            "url": f"https://127.0.0.1:{endpoint.local_address[1]}/avl/1",
        }
        async with served(page, reports) as port, browser(chromium, f"http://localhost:{port}/"):
            report = await asyncio.wait_for(reports.get(), 25)
            assert "error" not in report, json.dumps(report)
            await pages[1].until(lambda: bool(pages[1].lost))
        await endpoint.close()
        return report, pages

    report, pages = asyncio.run(main())
    assert report == {
        "echo": "from the page",
        "big": 300000,
        "datagram": [7, 8, 9],
        "offered": "offered",
        "reset": 77,
        "http": 200,
        "closed": [4, "bye page"],
        "wrong": "refused",
    }
    assert pages[0].datagrams == [b"\0\x07\x08\x09"]
    assert bytes(pages[0].streams[1]) == b"answered"
    assert pages[0].lost == [(4, "bye page")]
    assert pages[1].lost == [(11, "page left")]
    assert set(origins) == {origins[0]}
    assert origins[0].startswith("http://localhost:")
