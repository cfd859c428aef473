"""Local server: a running program answers commands of its own user on this machine (localcontrol.py has the rest).

One program holds a socket at a time. One that was left behind by a crash is replaced; while its program lives, a
second one is refused.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from avl_protocol.endpoint.program.localcontrol import ROOT, ControlError, Lines, encode, peer_user, reachable
from avl_protocol.endpoint.program.state import StateError

#: Connections at a time. Commands are short; more than these wait in the system's queue.
MOST = 16
#: Seconds for which a connection may say nothing.
IDLE = 60.0

#: Makes the answer to one request; ControlError becomes `{"error": TEXT}`.
Answer = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class AlreadyRunning(StateError):
    """A living program holds the socket; the text says where."""


class LocalServer:
    """The answering side of one socket. `listen` begins, `close` ends and removes the socket. Create it on the
    running event loop."""

    def __init__(self, path: Path, answer: Answer) -> None:
        self._path = path
        self._answer = answer
        self._listening: socket.socket | None = None
        self._inode: int | None = None
        self._loop = asyncio.get_running_loop()
        self._serving: set[asyncio.Task[None]] = set()

    def listen(self) -> None:
        """Hold the socket from now on. Raises AlreadyRunning, StateError."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                # Two programs that start together: the second looks when the first holds the socket.
                fcntl.flock(folder, fcntl.LOCK_EX)
                self._listening = self._bind()
            finally:
                os.close(folder)
        except OSError as error:
            raise StateError(f"can't listen at {self._path}: {error.strerror or error}") from None
        self._loop.add_reader(self._listening, self._take, self._listening)

    def _bind(self) -> socket.socket:
        if _alive(self._path):
            raise AlreadyRunning(f"a program that runs already holds {self._path}")
        self._path.unlink(missing_ok=True)
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            before = os.umask(0o177)  # nobody may connect before the mode is right
            try:
                with reachable(self._path) as name:
                    made.bind(name)
            finally:
                os.umask(before)
            made.listen(MOST)
            made.setblocking(False)
            self._inode = self._path.stat().st_ino
        except OSError:
            made.close()
            raise
        return made

    def _take(self, listening: socket.socket) -> None:
        """Somebody connects. With MOST connections the system lets the others wait."""
        try:
            connection, _ = listening.accept()
        except OSError:
            return  # gone again
        task = self._loop.create_task(self._serve(connection))
        self._serving.add(task)
        task.add_done_callback(partial(self._done, connection))
        if len(self._serving) >= MOST:
            self._loop.remove_reader(listening)

    def _done(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        connection.close()
        self._serving.discard(task)
        if self._listening is not None:
            self._loop.add_reader(self._listening, self._take, self._listening)

    async def _serve(self, connection: socket.socket) -> None:
        """Answer one connection's requests, in order, until it ends."""
        loop = self._loop
        lines = Lines()
        try:
            if peer_user(connection) not in (os.getuid(), ROOT, None):
                return
            connection.setblocking(False)
            while True:
                async with asyncio.timeout(IDLE):
                    data = await loop.sock_recv(connection, 65536)
                if not data:
                    return
                try:
                    for request in lines.feed(data):
                        await loop.sock_sendall(connection, encode(await self._answered(request)))
                except ControlError as error:
                    await loop.sock_sendall(connection, encode({"error": str(error)}))
                    return
        except (OSError, TimeoutError):
            return  # whoever asked has gone

    async def _answered(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return await self._answer(request)
        except ControlError as error:
            return {"error": str(error)}

    async def close(self) -> None:
        """End, and remove the socket unless another program's has taken its place; idempotent."""
        self.stop()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def stop(self) -> None:
        """Take nobody new, and remove the socket, as `close` does; who is being answered goes on. Idempotent."""
        if self._listening is None:
            return
        listening, self._listening = self._listening, None
        self._loop.remove_reader(listening)
        listening.close()
        try:
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()
        except OSError:
            return  # it is gone already, and so may be its folder


def _alive(path: Path) -> bool:
    """Whether a program listens at a socket. Raises OSError, also for a file that is no socket."""
    if path.exists() and not path.is_socket():
        raise OSError("a file that is no socket lies there; move it away")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            with reachable(path) as name:
                probe.connect(name)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except BlockingIOError:
            return True  # its queue is full: it lives
    return True
