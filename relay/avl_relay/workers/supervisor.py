"""Supervisor: the process that starts a relay's workers, keeps their ports open, and starts anew whoever has crashed.

It speaks no protocol and reads nothing that strangers send. Workers are forked from it, so that a new one needs no
second to load its programs. Between it and each worker there is a socket, the lifeline: a worker says on it that it can
be reached, and its end is the worker's end; when the supervisor closes its side, or is no more, the worker says goodbye
and ends. So no worker outlives it, and none is killed that could say goodbye.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from avl_protocol.endpoint.program.terminal import Terminal
from avl_relay.workers.worker import Worker

#: Seconds before a worker that crashed is started anew: the first time, and at most, doubling each time.
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 10.0
#: Seconds that a worker has to run for its next crash to count as its first.
STEADY = 60.0
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
FAILED = 1


@dataclass(slots=True, kw_only=True)
class _Place:
    """A worker's place, and who holds it: process, lifeline, since when; else when it is filled anew."""

    worker: Worker
    pid: int = 0
    lifeline: socket.socket | None = None
    said: bytearray = field(default_factory=bytearray)
    ready: bool = False
    since: float = 0.0
    pause: float = FIRST_PAUSE
    due: float | None = None


class Supervisor:
    """Runs workers until a signal ends them: SIGTERM in order, each within the time it takes for that; SIGINT, or a
    second signal, at once; a third by force. SIGHUP goes on to the workers if `again()` says so, unless it says that
    our terminal is gone. `run(worker, lifeline)` is a worker's life, in a process of its own; it
    returns the exit status, and ends at once on SIGINT. `ready(told)` is called once all can be reached, with what the
    first said on its lifeline, `ending()` when they are told to end; `tell` is for a person. Signals and children are
    those of the process: there is one supervisor in it."""

    def __init__(
        self,
        workers: Sequence[Worker],
        *,
        run: Callable[[Worker, socket.socket], int],
        ready: Callable[[dict[str, Any]], None],
        ending: Callable[[], object],
        tell: Callable[[str], None],
        now: Callable[[], float],
        again: Callable[[], bool] = lambda: True,
    ) -> None:
        self._places = [_Place(worker=worker) for worker in workers]
        self._run, self._ready, self._ending, self._tell, self._now = run, ready, ending, tell, now
        self._again, self._terminal = again, Terminal()
        self._selector = selectors.DefaultSelector()
        self._waker, self._woken = socket.socketpair()
        self._stopping = self._told_ready = False
        self._status = self._signals = 0

    def serve(self) -> int:
        """Run until told to end, or until a worker fails at the start. Returns the exit status."""
        for end in (self._waker, self._woken):
            end.setblocking(False)
        before = {number: signal.signal(number, _nothing) for number in SIGNALS}
        woken_before = signal.set_wakeup_fd(self._waker.fileno())
        self._selector.register(self._woken, selectors.EVENT_READ, self._signalled)
        gc.freeze()  # what is loaded now is shared with the workers, as long as nobody touches it
        try:
            for place in self._places:
                self._start(place)
            while any(place.lifeline is not None or place.due is not None for place in self._places):
                self._wait()
        finally:
            signal.set_wakeup_fd(woken_before)
            for number, handler in before.items():
                signal.signal(number, handler)
            self._selector.close()
            self._waker.close()
            self._woken.close()
        return self._status

    def _wait(self) -> None:
        times = [place.due for place in self._places if place.due is not None]
        for key, _ in self._selector.select(max(0.0, min(times) - self._now()) if times else None):
            key.data()
        now = self._now()
        for place in self._places:
            if place.due is not None and place.due <= now:
                self._start(place)

    def _start(self, place: _Place) -> None:
        """Fork a worker into a place."""
        ours, theirs = socket.socketpair()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            ours.close()
            self._live(place, theirs)
        theirs.close()
        place.pid, place.lifeline, place.since, place.due = pid, ours, self._now(), None
        place.said.clear()
        self._selector.register(ours, selectors.EVENT_READ, lambda: self._heard(place))

    def _live(self, place: _Place, lifeline: socket.socket) -> NoReturn:
        """In the new process: let go of what is the supervisor's and the other workers', and be a worker."""
        status = FAILED
        try:
            signal.set_wakeup_fd(-1)
            for number in SIGNALS:
                signal.signal(number, signal.SIG_IGN if number == signal.SIGHUP else signal.SIG_DFL)
            os.environ.pop("NOTIFY_SOCKET", None)  # what is said to systemd the supervisor says
            self._selector.close()
            self._waker.close()
            self._woken.close()
            for other in self._places:
                if other.lifeline is not None:
                    other.lifeline.close()
                if other is not place:
                    for port in other.worker.ports:
                        port.close()
            status = self._run(place.worker, lifeline)
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)

    def _heard(self, place: _Place) -> None:
        """A worker says that it can be reached, or is no more."""
        assert place.lifeline is not None
        try:
            said = place.lifeline.recv(4096)
        except ConnectionError:
            said = b""
        if not said:
            self._ended(place)
            return
        place.said += said
        if place.said.endswith(b"\n"):
            place.ready = True
            if not self._told_ready and all(one.ready for one in self._places):
                self._told_ready = True
                self._ready(json.loads(self._places[0].said))

    def _ended(self, place: _Place) -> None:
        """A worker is no more: say why, and fill its place anew unless all is to end."""
        assert place.lifeline is not None
        self._selector.unregister(place.lifeline)
        place.lifeline.close()
        place.lifeline = None
        _, how = os.waitpid(place.pid, 0)
        if self._stopping:
            return
        if not place.ready:  # what kept it from starting has been said, and would keep the next one from it as well
            self._status = FAILED
            self._stop()
            return
        now = self._now()
        if now - place.since >= STEADY:
            place.pause = FIRST_PAUSE
        place.due = now + place.pause
        place.pause = min(LONGEST_PAUSE, 2 * place.pause)
        self._tell(f"worker {place.worker.number} {_ending(how)}: it is started anew")

    def _signalled(self) -> None:
        """Signals, perhaps several: what they ask for."""
        for number in self._woken.recv(4096):
            if number == signal.SIGHUP and not self._terminal.gone:
                if self._again():
                    self._kill(signal.SIGHUP)
                continue
            self._signals += 1
            self._stop()
            if number == signal.SIGINT or self._signals > 1:
                self._kill(signal.SIGKILL if self._signals > 2 else signal.SIGINT)

    def _stop(self) -> None:
        """Let everybody end in order."""
        if self._stopping:
            return
        self._stopping = True
        self._ending()
        for place in self._places:
            place.due = None
            if place.lifeline is not None:
                place.lifeline.shutdown(socket.SHUT_WR)

    def _kill(self, number: int) -> None:
        for place in self._places:
            if place.lifeline is not None:
                os.kill(place.pid, number)


def _ending(how: int) -> str:
    code = os.waitstatus_to_exitcode(how)
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with status {code}"


def _nothing(number: int, frame: object) -> None:
    """The signal is read from the socket that it wakes us by."""
