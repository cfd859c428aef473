"""A page in headless Chromium, served from loopback, which browsers trust as they do HTTPS; it reports back by POST."""

from __future__ import annotations

import json
import mimetypes
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.tools import need

ROOT = Path(__file__).resolve().parents[2]
#: Folders that a page may read.
SERVED = ("viewer/avl_viewer/web", "spec/vectors", "tests/web", "tests/browser", "interop/bench/relay")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Page:
    """Serves the repository's web folders and runs one page of them; what the page posts to `/report` is its result.

    `answers`: path -> what is answered to a POST there.
    """

    def __init__(self, path: str, answers: Mapping[str, Callable[[bytes], bytes]] | None = None) -> None:
        self._browser = need("chromium")
        self._path = path
        self._answers = answers or {}
        self._reported = threading.Event()
        self._report: Any = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Page:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def run(self, patience: float = 60.0) -> Any:
        """The page's report. Raises AssertionError when there is none in `patience` seconds."""
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            browser = subprocess.Popen(
                [
                    self._browser,
                    *FLAGS,
                    f"--user-data-dir={profile}",
                    f"http://127.0.0.1:{self._server.server_port}/{self._path}",
                ],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                assert self._reported.wait(patience), "the page reported nothing"
            finally:
                browser.terminate()
                browser.wait(20)
        return self._report

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answers = self._answers

        def keep(report: Any) -> None:
            self._report = report
            self._reported.set()

        class Handler(BaseHTTPRequestHandler):
            """One request of the page."""

            def log_message(self, *arguments: object) -> None:
                """Keep the test's output quiet."""

            def do_GET(self) -> None:
                path = (ROOT / self.path.split("?")[0].lstrip("/")).resolve()
                name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else ""
                if name.startswith(SERVED) and path.is_file():
                    self._reply(200, mimetypes.guess_type(name)[0] or "application/octet-stream", path.read_bytes())
                else:
                    self._reply(404, "text/plain", b"")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/report":
                    self._reply(200, "text/plain", b"")
                    keep(json.loads(body))
                elif self.path in answers:
                    self._reply(200, "application/octet-stream", answers[self.path](body))
                else:
                    self._reply(404, "text/plain", b"")

            def _reply(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        return Handler
