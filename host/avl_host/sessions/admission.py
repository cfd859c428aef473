"""CodeAdmission: the codes that admit viewers, and the permissions that each gives (spec 06-security, 6.2.1 and
6.6)."""

from __future__ import annotations

from collections.abc import Callable

from avl_host.config import EVERYTHING, HostSettings
from avl_host.rights.door import GrantDoor
from avl_host.sessions.tickets import TicketBook
from avl_protocol.crypto.attempts import AttemptBudget, Code, Try, new_code
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.session.hosting import Presented, Returned
from avl_protocol.wire.registry import Permission

#: The files of identities that succeeded before, with the control code and with the view code.
_KNOWN = ("known-control.bin", "known-view.bin")


class CodeAdmission:
    """Counts tries, remembers who succeeded, and tells `replaced` why the codes are others now."""

    def __init__(
        self,
        *,
        settings: HostSettings,
        state: StateFolder,
        tickets: TicketBook,
        door: GrantDoor,
        entropy: Callable[[int], bytes],
        replaced: Callable[[str], None],
    ) -> None:
        self._state = state
        self._tickets = tickets
        self._door = door
        self._replaced = replaced
        self._replacements = 0
        self._control = EVERYTHING | (Permission.AUDIO_IN if settings.microphone else Permission(0))
        self._viewing = Permission.VIEW | (Permission.ANNOTATE if settings.view_annotate else Permission(0))
        control = (
            Code(settings.code, True, settings.code_once)
            if settings.code is not None
            else Code(new_code(entropy), False, settings.code_once)
        )
        view = Code(settings.view_code, True) if settings.view_code is not None else None
        self._budget = AttemptBudget(control, view, entropy, *(self._load(file) for file in _KNOWN))

    def _load(self, file: str) -> list[bytes]:
        saved = self._state.read(file) or b""
        return [saved[at : at + 32] for at in range(0, len(saved) - 31, 32)]

    @property
    def codes(self) -> tuple[str | None, str | None]:
        """Control code and view code as they are valid now."""
        return self._budget.codes

    def begin(self, viewer: bytes, now: float) -> Try:
        """Count a try."""
        return self._budget.begin(viewer, now)

    def confirmed(self, attempt: Try, which: int) -> Permission | None:
        """What the code admits to; None when it was used up meanwhile."""
        before = self._budget.codes
        known = self._budget.known(which)
        if not self._budget.confirmed(attempt, which):
            return None
        if self._budget.known(which) != known:
            costs = "after a restart of this host its viewers count as new ones"
            self._state.keep(_KNOWN[which], b"".join(self._budget.known(which)), costs)
        if self._budget.codes != before:
            self._replaced("it was used, and is good for one use")
        return self._control if which == 0 else self._viewing

    def redeem(self, ticket: bytes, viewer: bytes) -> Returned | None:
        """What a resume ticket admits to, once."""
        return self._tickets.redeem(ticket, viewer)

    def present(self, chain: tuple[str, ...], ticket: bytes, viewer: bytes, wish: Permission) -> Presented:
        """What a chain of statements comes to. Raises GrantRefused."""
        return self._door.present(chain, ticket, viewer, wish)

    def left(self, permissions: Permission) -> Permission:
        """What the owner's policy leaves of what a code or a ticket gives."""
        return self._door.left(permissions)

    def failed(self, attempt: Try) -> None:
        """The try was wrong, or never ended."""
        if self._budget.failed(attempt):
            self._replacements += 1
            times = f", {self._replacements} times so far" if self._replacements > 1 else ""
            self._replaced(f"somebody tried three wrong codes in a row{times}")
