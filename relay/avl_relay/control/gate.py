"""Gate: the Access of a relay that knows devices and people (access.py).

What is decided often is decided from memory: which devices are revoked, and, where only enrolled ones are taken, which
are enrolled. The store is asked in the background; while it does not answer, nobody gets more than before.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from avl_protocol.wire.registry import CloseCode
from avl_relay.access import ALLOWED, Decision, MayAttach, MayRegister
from avl_relay.live import number_text

#: Questions that may wait for the store: more are too many; and sessions of an open relay about which it is asked at
#: once whose they are.
WAITING, NOTED = 512, 64
#: What ATTACH shows: a pass, and behind it what its sessions have in common (spec 12-control-api, 12.4).
PASS_BYTES, VISIT_BYTES = 32, 16
FORBIDDEN, BUSY = Decision(CloseCode.FORBIDDEN), Decision(CloseCode.LIMIT)
UNKNOWN = Decision(CloseCode.UNAVAILABLE)


class Registry(Protocol):
    """What the store knows. Each may raise StoreError, which the gate's owner turns into UNKNOWN."""

    async def enrolled(self, device: str) -> bool:
        """Whether a device is, and is not revoked."""

    async def admits(self, device: str, session: bytes, visit: bytes, access_pass: bytes) -> bool:
        """Whether a pass lets this visit attach."""


class Gate:
    """`required`: only enrolled hosts register, and only who shows a pass attaches; otherwise a pass only tells whose
    session it is. `work(question, answer)` awaits an answer in the background and hands it to the relay."""

    def __init__(
        self, *, required: bool, registry: Registry, work: Callable[[MayRegister | MayAttach, Awaitable[bool]], None]
    ) -> None:
        self._required, self._registry, self._work = required, registry, work
        #: The state of every device by number, once it is known.
        self._devices: dict[str, bool] | None = None
        self._waiting: set[int] = set()
        self._noted: set[int] = set()

    def require(self, required: bool) -> None:
        """From now on only enrolled hosts and who shows a pass, or everybody; who is here stays."""
        self._required = required

    @property
    def waiting(self) -> int:
        """Questions that the store is asked now."""
        return len(self._waiting)

    def know(self, devices: Mapping[str, bool]) -> None:
        """Which devices there are, and whether each may register."""
        self._devices = dict(devices)

    def change(self, device: str, may: bool | None) -> None:
        """A device has been enrolled, or revoked; None: forgotten."""
        if self._devices is not None:
            if may is None:
                self._devices.pop(device, None)
            else:
                self._devices[device] = may

    def ask(self, question: MayRegister | MayAttach, now: float) -> Decision | None:
        """See Access."""
        device = number_text(question.device)
        if isinstance(question, MayRegister):
            may = None if self._devices is None else self._devices.get(device)
            if may is not None:
                return ALLOWED if may else FORBIDDEN
            if not self._required:
                return ALLOWED
            return self._later(question, self._registry.enrolled(device))
        shown, visit = question.access_pass[:PASS_BYTES], question.access_pass[PASS_BYTES:]
        told = bool(shown) and len(visit) in (0, VISIT_BYTES)
        if not self._required:
            if told and len(self._noted) < NOTED:  # the store learns whose session it is; nobody waits for that
                self._noted.add(question.id)
                self._work(question, self._admits(question, device, shown, visit))
            return ALLOWED
        return self._later(question, self._admits(question, device, shown, visit)) if told else FORBIDDEN

    def _admits(self, question: MayAttach, device: str, shown: bytes, visit: bytes) -> Awaitable[bool]:
        return self._registry.admits(device, question.session, visit or question.session, shown)

    def forget(self, question: MayRegister | MayAttach) -> None:
        """See Access."""
        self._waiting.discard(question.id)

    def answered(self, question: MayRegister | MayAttach) -> bool:
        """The store has answered; whether anybody still waits for it."""
        self._noted.discard(question.id)
        waits = question.id in self._waiting
        self._waiting.discard(question.id)
        return waits

    def _later(self, question: MayRegister | MayAttach, answer: Awaitable[bool]) -> Decision | None:
        if len(self._waiting) >= WAITING:
            if hasattr(answer, "close"):
                answer.close()
            return BUSY
        self._waiting.add(question.id)
        self._work(question, answer)
        return None
