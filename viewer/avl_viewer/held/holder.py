"""The holder of a session (sockets.py): keeps it, and runs the commands of its user's other processes in it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError, Future
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from avl_protocol.endpoint.loop.clock import SystemClock
from avl_protocol.endpoint.loop.runtime import run
from avl_protocol.endpoint.program.localcontrol import ControlError
from avl_protocol.endpoint.program.localserver import AlreadyRunning, LocalServer
from avl_protocol.endpoint.program.state import StateError
from avl_protocol.quic.qlog import recording
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.target import parse_target
from avl_viewer.api import Desktop, connect
from avl_viewer.held.sockets import socket_of, within
from avl_viewer.way import Way

T = TypeVar("T")


class NotHeld(Exception):
    """There is no session to hold, or no longer; the text says why. `status`: the command's exit code."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """The session to hold, by the arguments of `avl connect`. `timeout` in seconds; `chain` and `access_pass` (in hex)
    where an account opens it."""

    target: str
    code: str
    chain: tuple[str, ...] = ()
    access_pass: str = ""
    state: str
    timeout: float
    direct: bool
    qlog: str | None


class Holder:
    """Satisfies Held: runs one command after the other on a desktop that stays. Create it on the event loop."""

    def __init__(self, desktop: Desktop) -> None:
        self._desktop = desktop
        self._loop = asyncio.get_running_loop()
        self._turn = asyncio.Lock()
        self._acting: Future[Any] | None = None
        self._token = ""
        self._cancelled: set[str] = set()
        #: Set when its user has said that it is enough.
        self.enough = asyncio.Event()

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """What `avl` in another process asks. Raises ControlError for what is no question."""
        do, token = request.get("do"), str(request.get("token", ""))
        if do == "end":
            self.enough.set()
            return {}
        if do == "cancel":
            self._cancelled.add(token)
            if self._token == token and self._acting is not None:
                self._acting.cancel()
            return {}
        if do != "run":
            raise ControlError("this version of avl does not know what to do; disconnect and connect again")
        async with self._turn:  # one after the other: they share this process's standard output and folder
            self._token = token
            try:
                return await asyncio.to_thread(self._run, request)
            finally:
                self._cancelled.discard(token)
                self._token = ""

    def act(self, action: Callable[[Desktop], Awaitable[T]]) -> T:
        """See Held."""

        async def acting() -> T:
            return await action(self._desktop)

        if self._token in self._cancelled:
            raise KeyboardInterrupt
        self._acting = future = asyncio.run_coroutine_threadsafe(acting(), self._loop)
        try:
            return future.result()
        except CancelledError:
            raise KeyboardInterrupt from None
        finally:
            self._acting = None

    def _run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run a command line as its own process would; what it wrote, and its exit status."""
        from avl_viewer.cli import app

        out, errors = _Output(bool(request["terminal"])), _Output(False)
        given = io.TextIOWrapper(io.BytesIO(base64.b64decode(request["input"])), "utf-8")
        status: Any = 0
        back, stdin = os.getcwd(), sys.stdin
        try:
            os.chdir(request["folder"])
        except OSError as error:
            raise ControlError(f"{request['folder']}: {error.strerror}") from None
        try:
            sys.stdin = given
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors), within(self):
                app(list(request["arguments"]), prog_name="avl")
        except SystemExit as over:
            status = over.code if isinstance(over.code, int) else 0 if over.code is None else 1
        finally:
            sys.stdin = stdin
            os.chdir(back)
        return {"out": out.getvalue(), "err": errors.getvalue(), "status": status}


class _Output(io.StringIO):
    """What a command writes, kept. `terminal`: whether it will be shown on one."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        """Whether a person reads it."""
        return self._terminal


async def _hold(wanted: Hold, ready: Callable[[], None], tell: Callable[[str], None]) -> None:
    """Hold a session until it ends, or its user says so; `tell`: what a person is told meanwhile. Raises NotHeld,
    Refused, StateError, ValueError."""
    target, state = parse_target(wanted.target), Path(wanted.state)
    way = Way(target, tuple(wanted.chain), bytes.fromhex(wanted.access_pass))
    holders: asyncio.Future[Holder] = asyncio.get_running_loop().create_future()

    async def answer(request: dict[str, Any]) -> dict[str, Any]:
        holder = await asyncio.shield(holders)
        answer = await holder.answer(request)
        if holder.enough.is_set():
            server.stop()  # whoever comes from now on finds nobody, instead of one who is about to leave
        return answer

    server = LocalServer(socket_of(state, target.device), answer)
    server.listen()
    try:
        async with connect(
            way,
            code=wanted.code,
            state=state,
            timeout=wanted.timeout,
            reconnect=True,
            direct=wanted.direct,
            pictures=False,
        ) as desktop:
            desktop.on_remark = tell
            holder = Holder(desktop)
            holders.set_result(holder)
            ready()
            enough = asyncio.ensure_future(holder.enough.wait())
            over = asyncio.ensure_future(desktop.ended())
            try:
                await asyncio.wait([enough, over], return_when=asyncio.FIRST_COMPLETED)
            finally:
                enough.cancel()
                over.cancel()
            if not enough.done() or enough.cancelled():
                reason = over.result()
                raise NotHeld(f"the session is over: {reason}", reason.exit_status)
    finally:
        holders.cancel()
        await server.close()


def in_foreground(wanted: Hold, ready: Callable[[], None], tell: Callable[[str], None] = lambda text: None) -> None:
    """Hold a session in this process until it ends; `ready` is called when commands can use it, `tell` with what a
    person is told meanwhile, such as that it will end. Raises NotHeld."""
    clock = SystemClock()
    try:
        qlog = Path(wanted.qlog) if wanted.qlog else None
        with recording(qlog, "viewer", clock.wall(), clock.monotonic, print):
            run(_hold(wanted, ready, tell))
    except AlreadyRunning:
        raise NotHeld("a session with this desktop is held already: avl disconnect TARGET ends it", 1) from None
    except Refused as refused:
        raise NotHeld(str(refused), refused.exit_status) from None
    except ValueError as error:
        raise NotHeld(str(error), 2) from None
    except (StateError, OSError) as error:
        raise NotHeld(str(error), 1) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise NotHeld("interrupted", 130) from None


def in_background(wanted: Hold) -> None:
    """Hold a session in a process of its own, which goes on when this returns. Raises NotHeld."""
    child = subprocess.Popen(
        [sys.executable, "-m", "avl_viewer.held.holder"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
    )
    assert child.stdin is not None and child.stdout is not None
    try:
        child.stdin.write(json.dumps(asdict(wanted)).encode() + b"\n")  # the code is on nobody's list of processes
        child.stdin.close()
        line = child.stdout.readline()
    except KeyboardInterrupt:
        child.terminate()
        raise NotHeld("interrupted", 130) from None
    told: dict[str, Any] = json.loads(line) if line else {"error": "its holder ended at once", "status": 1}
    if "error" in told:
        child.wait()
        raise NotHeld(str(told["error"]), int(told["status"]))


def main() -> None:
    """The process that holds a session in the background: what to hold comes on stdin, how it went goes to stdout."""
    wanted = Hold(**json.loads(sys.stdin.readline()))
    told = sys.stdout

    def ready() -> None:
        print(json.dumps({"held": True}), file=told, flush=True)
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nothing, standard)

    try:
        in_foreground(wanted, ready)
    except NotHeld as error:
        with contextlib.suppress(OSError):
            print(json.dumps({"error": str(error), "status": error.status}), file=told, flush=True)


if __name__ == "__main__":
    main()
