"""A real PostgreSQL for tests: the system's own, started here on a free port, as a user without rights, and ended."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.tools import without

#: Where Debian keeps its programs, by version.
PLACES = Path("/usr/lib/postgresql")
#: A crash of the server loses nothing; one of the machine may.
FAST = ("fsync=off", "full_page_writes=off", "max_connections=60", "shared_buffers=32MB")


def programs() -> Path:
    """The folder of initdb and postgres; skips the calling test where there is none, or fails it where CI=true."""
    found = sorted(PLACES.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        without("PostgreSQL is not installed on this machine (./dev test names the package)")
    return found[-1].parent


class Postgres:
    """A server. `database()` makes a database and says its URL."""

    def __init__(self, folder: Path, port: int, programs: Path) -> None:
        self.folder, self.port, self._programs = folder, port, programs
        self._made = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it, and wait until it answers."""
        settings = [part for one in FAST for part in ("-c", one)]
        command = [
            str(self._programs / "postgres"),
            *("-D", str(self.folder / "data"), "-k", str(self.folder), "-p", str(self.port), "-h", "127.0.0.1"),
            *settings,
        ]
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, **_unprivileged())
        self._run("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port), "-t", "0", tries=300)

    def stop(self) -> None:
        """End it at once, as a crash does: no client is waited for."""
        if self._process is not None:
            self._process.send_signal(3)  # SIGQUIT: immediate shutdown
            self._process.wait(30)
            self._process = None

    def database(self, template: str = "template1") -> str:
        """The URL of a new database, which is empty unless a template is named that nobody has open."""
        self._made += 1
        name = f"avl{self._made}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-T", template, name)
        return self.url(name)

    def url(self, name: str) -> str:
        """How a database here is named."""
        return f"postgresql://{_user()}@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *arguments: str, tries: int = 1) -> None:
        for left in reversed(range(tries)):
            done = subprocess.run(
                [self._programs / program, *arguments], cwd=self.folder, capture_output=True, **_unprivileged()
            )
            if done.returncode == 0:
                return
            if not left or (self._process is not None and self._process.poll() is not None):
                raise AssertionError(f"{program}: {done.stderr.decode()} {(self.folder / 'log').read_text()[-2000:]}")
            subprocess.run(["sleep", "0.05"], check=True)


@contextmanager
def running() -> Iterator[Postgres]:
    """A server with nothing in it."""
    found = programs()
    folder = Path(tempfile.mkdtemp(prefix="avl-postgres-"))
    try:
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(folder, account.pw_uid, account.pw_gid)
        subprocess.run(
            [found / "initdb", "-D", folder / "data", "-A", "trust", "-U", _user(), "--no-sync", "-E", "UTF8"],
            cwd=folder,
            check=True,
            capture_output=True,
            **_unprivileged(),
        )
        with socket.socket() as looking:
            looking.bind(("127.0.0.1", 0))
            port = int(looking.getsockname()[1])
        server = Postgres(folder, port, found)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}


def _user() -> str:
    return "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
