"""`./dev bench unpack`: what it costs Chromium to read, compose and draw objects of exact pixels, and what the ways
that were not taken would cost. See README.md beside this folder.

The page's own modules run in a worker of headless Chromium, served from loopback under the headers that give them exact
clocks. The least of many runs counts: what else runs on the machine only ever makes one slower.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading
import zlib
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from avl_protocol.media import exact
from avl_protocol.media.exact import Exact, ExactRect
from avl_protocol.media.frame import Rect
from avl_protocol.wire.registry import CELL, ExactCoding
from interop.bench.latency import RESULTS, commit, machine, say
from interop.bench.rig.pictures import text
from interop.cdp import browser

HERE = Path(__file__).resolve().parent
WEB = HERE.parents[2] / "viewer" / "avl_viewer" / "web"
SCREEN = (1920, 1080)
SIZES = [(64, 64), (512, 256), (1280, 720), SCREEN]
KINDS = {".js": "text/javascript", ".mjs": "text/javascript", ".html": "text/html", ".json": "application/json"}
#: Seconds that all figures together may take.
PATIENCE = 120.0
STEPS = {"read": "form read", "compose": "unpacked, composed", "draw": "drawn"}
WAYS = {
    "zstd": "zstd, as the page calls it",
    "package": "zstd, by the package's own function",
    "deflate": "DecompressionStream, deflate-1",
    "put": "putImageData, bytes put in order",
    "frame": "VideoFrame, drawImage",
    "bitmap": "createImageBitmap, drawImage",
}


def packed(*parts: tuple[ExactRect, bytes]) -> bytes:
    """The plaintext of an object."""
    content = b"".join(data for _, data in parts)
    frame = zstandard.ZstdCompressor(level=1).compress(content) if content else b""
    rects = tuple(rect for rect, _ in parts)
    return exact.encode(
        Exact(captured_us=1, input_echo_us=0, width=SCREEN[0], height=SCREEN[1], rects=rects, pixels=frame)
    )


def cut(page: NDArray[np.uint8], rect: Rect) -> bytes:
    """The pixels of a rectangle, BGRX."""
    return bytes(np.ascontiguousarray(page[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]).tobytes())


def objects(page: NDArray[np.uint8]) -> dict[str, bytes]:
    """Objects by name: code in four sizes, a screen in palette, of one colour, scrolled, and of single cells."""
    whole = Rect(0, 0, *SCREEN)
    found = {}
    for width, height in SIZES:
        rect = Rect(0, 0, width, height) if (width, height) == SCREEN else Rect(64, 64, width, height)
        found[f"code {width}x{height}"] = packed((ExactRect(rect, ExactCoding.PLAIN), cut(page, rect)))
    colours, indices = np.unique(page.view(np.uint32)[:, :, 0] & 0xF0F0F0, return_inverse=True)
    table = b"".join(int(colour).to_bytes(4, "little")[:3] for colour in colours[:256])
    indices = indices.reshape(page.shape[:2]) % min(256, len(colours))
    found["palette 1920x1080"] = packed(
        (ExactRect(whole, ExactCoding.PALETTE, table), indices.astype(np.uint8).tobytes())
    )
    found["one colour 1920x1080"] = packed((ExactRect(whole, ExactCoding.SOLID, b"\x40\x30\x20"), b""))
    found["scrolled 1920x1040"] = packed((ExactRect(Rect(0, 0, 1920, 1040), ExactCoding.COPY, source=(0, 32)), b""))
    cells = [Rect(2 * CELL * (at % 60), 2 * CELL * (at // 60), CELL, CELL) for at in range(1000)]
    found["1000 cells"] = packed(*((ExactRect(cell, ExactCoding.PLAIN), cut(page, cell)) for cell in cells))
    return found


def served() -> dict[str, bytes]:
    """What the worker reads, by name."""
    page = text(*SCREEN, seed=5)
    found = objects(page)
    sizes = []
    for width, height in SIZES:
        name = f"{width}x{height}"
        raw = cut(page, Rect(0, 0, width, height))
        deflate = zlib.compressobj(1, wbits=-15)
        found |= {f"{name}.raw": raw, f"{name}.zstd": zstandard.ZstdCompressor(level=1).compress(raw)}
        found[f"{name}.deflate"] = deflate.compress(raw) + deflate.flush()
        sizes.append([name, width, height])
    index = {"objects": [{"name": name} for name in objects(page)], "sizes": sizes}
    return found | {"index.json": json.dumps(index).encode()}


def handler(data: dict[str, bytes]) -> type[BaseHTTPRequestHandler]:
    """Serves the page's modules, this folder and the data."""

    class Handler(BaseHTTPRequestHandler):
        """One request of the page."""

        def log_message(self, *arguments: object) -> None:
            """Keep the bench's output quiet."""

        def do_GET(self) -> None:
            path = self.path.partition("?")[0].replace("%20", " ")
            kind = KINDS.get(Path(path).suffix, "application/octet-stream")
            if path.startswith("/data/") and (body := data.get(path.removeprefix("/data/"))) is not None:
                self._reply(200, kind, body)
                return
            folder = WEB if path.startswith("/web/") else HERE
            file = (folder / path.removeprefix("/web/").lstrip("/")).resolve()
            found = file.is_relative_to(folder) and file.is_file()
            self._reply(200 if found else 404, kind, file.read_bytes() if found else b"")

        def _reply(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
            self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
            self.end_headers()
            self.wfile.write(body)

    return Handler


async def measured(share: float) -> dict[str, Any]:
    """The figures of a run, in milliseconds, by name; each is taken within `share` milliseconds."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(served()))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        async with browser() as chromium:
            page = await chromium.page(f"http://127.0.0.1:{server.server_port}/unpack.html?share={share}")
            async with asyncio.timeout(PATIENCE):
                while (found := await page.evaluate("window.measured")) is None:
                    await asyncio.sleep(0.2)
    finally:
        server.shutdown()
        server.server_close()
    if "error" in found:
        raise RuntimeError(found["error"])
    return dict(found)


def steps(figures: dict[str, Any]) -> Table:
    """What becomes of each object."""
    made = Table("object, ms", *STEPS.values(), title="by the page's modules")
    for name, of in figures.items():
        if "read" in of:
            made.add_row(name, *(f"{of[key]:.2f}" for key in STEPS))
    return made


def ways(figures: dict[str, Any]) -> Table:
    """Each way by size."""
    sizes = [name for name, of in figures.items() if "zstd" in of]
    made = Table("code, ms", *sizes, title="ways to unpack and to draw")
    for key, words in WAYS.items():
        made.add_row(words, *(f"{figures[name][key]:.2f}" for name in sizes))
    return made


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="./dev bench unpack", description="exact pixels in Chromium")
    parser.add_argument("--out", type=Path, default=RESULTS / "unpack.json", help="where the figures go as JSON")
    parser.add_argument("--share", type=float, default=250.0, help="milliseconds for each figure")
    chosen = parser.parse_args()
    figures = asyncio.run(measured(chosen.share))
    console = Console(width=120)
    console.print(steps(figures))
    console.print(ways(figures))
    about = {"date": datetime.now(UTC).isoformat(timespec="seconds"), "commit": commit(), "machine": machine()}
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps({**about, "figures": figures}, indent=1) + "\n")
    say(f"figures are in {chosen.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
