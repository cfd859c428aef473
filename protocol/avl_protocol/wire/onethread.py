"""A guard for tests: a state machine belongs to the thread that called it first, and a call from another one fails.

State machines have no locks. They live on one event loop, and what another thread knows of them is published by that
loop. The guard is put on where a program is assembled. It is on where the environment says `AVL_ONE_THREAD=1`, as all
tests do; otherwise `guard` returns what it was given, untouched, and costs nothing.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

#: The environment variable that turns the guard on.
SWITCH = "AVL_ONE_THREAD"
#: The attribute that marks a method which any thread may call.
_FREE = "__any_thread__"


class WrongThread(AssertionError):
    """A state machine was entered from a second thread."""


def any_thread(method: F) -> F:
    """Mark a method that any thread may call: it reads what was published, and changes nothing else."""
    setattr(method, _FREE, True)
    return method


class Guard:
    """Remembers whose thread each machine belongs to."""

    def __init__(self) -> None:
        self._guarded: dict[type, type] = {}
        #: The thread of each machine, by `id`; a machine's entry is made anew when it is guarded.
        self._threads: dict[int, int] = {}

    def put_on(self, machine: T) -> T:
        """Have every public method and property of this object looked at; returns the object."""
        kind = type(machine)
        if kind in self._guarded.values():
            return machine
        self._threads.pop(id(machine), None)
        if kind not in self._guarded:
            self._guarded[kind] = self._subclass(kind)
        machine.__class__ = self._guarded[kind]
        return machine

    def _subclass(self, kind: type) -> type:
        body: dict[str, Any] = {"__slots__": (), "__module__": kind.__module__, "__qualname__": kind.__qualname__}
        for owner in kind.__mro__:
            for name, member in vars(owner).items():
                if name.startswith("_") or name in body:
                    continue
                if isinstance(member, FunctionType) and not hasattr(member, _FREE):
                    body[name] = self._looked_at(kind, name, member)
                elif isinstance(member, property) and isinstance(member.fget, FunctionType):
                    body[name] = property(self._looked_at(kind, name, member.fget), member.fset)
        body.setdefault("__del__", lambda machine: self._threads.pop(id(machine), None))
        return type(kind.__name__, (kind,), body)

    def _looked_at(self, kind: type, name: str, member: FunctionType) -> Callable[..., Any]:
        # All tests go through here all the time, hence the short way where all is well.
        threads, here = self._threads, threading.get_ident

        @functools.wraps(member)
        def entered(machine: object, *arguments: Any, **named: Any) -> Any:
            if threads.get(id(machine)) != here():
                self._enter(machine, name)
            found: Any = getattr(kind, name)  # not `member`: a test may have replaced it since
            if arguments or named:
                return found(machine, *arguments, **named)
            return (found.fget if isinstance(found, property) else found)(machine)

        return entered

    def _enter(self, machine: object, name: str) -> None:
        here = threading.get_ident()
        home = self._threads.setdefault(id(machine), here)
        if here != home:
            entered = f"{type(machine).__name__}.{name}"
            raise WrongThread(f"{entered} was called on {threading.current_thread().name}, which is not its thread")


_GUARD = Guard() if os.environ.get(SWITCH) == "1" else None


def guard(machine: T) -> T:
    """Hold a state machine to one thread where the guard is on; returns the machine."""
    return machine if _GUARD is None else _GUARD.put_on(machine)
