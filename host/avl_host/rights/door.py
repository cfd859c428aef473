"""GrantDoor: what a chain comes to at this host, when its viewer comes and whenever something has changed (spec 11,
11.4 and 11.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from avl_host.rights.book import StatementBook
from avl_host.rights.owner import Owner, load_owner
from avl_host.rights.uses import Uses
from avl_host.sessions.tickets import TicketBook
from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.rights.chain import ChainRights, verify_chain
from avl_protocol.rights.effective import OWNER, Consent, effective, strictest
from avl_protocol.rights.jws import thumbprint
from avl_protocol.rights.lastpicture import verify_reader
from avl_protocol.session.hosting import Agreed, Presented
from avl_protocol.wire.errors import GrantRefused
from avl_protocol.wire.registry import GrantRefusal, Permission

#: A list of revocations never grows too old for an owner's own sessions that run (11.6).
_ANY_AGE = 1 << 60


class GrantDoor:
    """Decides by what is on this machine alone. `allows`: what the host's settings leave of everything; `asks`: whether
    they have a person asked in any case."""

    def __init__(
        self,
        *,
        state: StateFolder,
        identity: Identity,
        tickets: TicketBook,
        allows: Permission,
        asks: bool,
        wall: Callable[[], float],
        tell: Callable[[str], None],
    ) -> None:
        self._state = state
        self._identity = identity
        self._tickets = tickets
        self._allows = allows
        self._asks = asks
        self._wall = wall
        self._tell = tell
        self._uses = Uses(state)
        #: Told of a chain that is no good, whose it is, and why.
        self.refused: Callable[[tuple[str, ...], bytes, GrantRefused], None] = lambda chain, viewer, error: None
        self._owner: Owner | None = None
        self._book: StatementBook | None = None
        self.reload()

    @property
    def owner(self) -> Owner | None:
        """Whose host this is."""
        return self._owner

    @property
    def newest(self) -> tuple[int, int]:
        """The sequences of the device's policy and of the revocation list that are in force; 0 without."""
        return (self._book.policy, self._book.revocation.sequence) if self._book is not None else (0, 0)

    def reload(self) -> None:
        """The owner may be another now: read anew. Raises StateError."""
        self._owner = load_owner(self._state, self._identity.number)
        self._book = None
        if self._owner is not None:
            self._book = StatementBook(state=self._state, owner=self._owner, wall=self._wall, tell=self._tell)

    def allow(self, permissions: Permission) -> None:
        """The host's settings leave something else now; who is here is decided about by `RightsService.decide`."""
        self._allows = permissions

    def take(self, tokens: Iterable[str]) -> bool:
        """Take statements that a relay hands on; whether any was new."""
        return self._book is not None and self._book.take(tokens)

    def left(self, permissions: Permission) -> Permission:
        """What the host's settings and the owner's policy leave of what somebody has by a code."""
        left = permissions & self._allows
        for mask in self._book.masks() if self._book is not None else ():
            left &= mask
        return left

    def reader(self, tokens: tuple[str, ...]) -> tuple[bytes, str]:
        """The picture key (32 bytes) of who may be left last pictures (11.9) by a chain and a picture key, and the
        thumbprint of that person's key. Whoever would be asked about is not. Raises GrantRefused."""
        book = self._known_book()
        key, person, rights = verify_reader(tokens, book.trust(), book.now())
        left = effective(
            grant=OWNER if rights is None else rights.permissions,
            policies=book.masks(),
            host=self._allows,
            consent=OWNER,
            request=Permission.VIEW,
        )
        given = Consent.NEVER if rights is None else rights.consent
        consent = strictest((given, book.consent(), Consent.ALWAYS if self._asks else Consent.NEVER))
        unfit = rights is not None and (rights.share or bool(rights.uses))
        if not left or not book.browsers() or consent is not Consent.NEVER or unfit:
            raise GrantRefused(GrantRefusal.POLICY)
        return key, thumbprint(person)

    # a viewer comes

    def present(self, chain: tuple[str, ...], ticket: bytes, viewer: bytes, wish: Permission) -> Presented:
        """What a chain comes to, see Admission. Raises GrantRefused."""
        try:
            return self._present(chain, ticket, viewer, wish)
        except GrantRefused as error:
            self.refused(chain, viewer, error)
            raise

    def _present(self, chain: tuple[str, ...], ticket: bytes, viewer: bytes, wish: Permission) -> Presented:
        book = self._known_book()
        rights = verify_chain(chain, book.trust(), holder=viewer, wall=book.now())
        permissions = self._effective(book, rights, wish)
        resumed = self._tickets.redeem_beside_chain(ticket, viewer, rights.basis) if ticket else None
        if resumed is None:
            self._check_uses(rights)
            consent = strictest((rights.consent, book.consent(), Consent.ALWAYS if self._asks else Consent.NEVER))
            known = self._uses.agreed(rights.person, rights.counted[-1]) if rights.counted else None
            # What a person has not been asked about yet is asked about as if nobody had been.
            new = known is None or permissions & ~known.asked
            asks = consent is Consent.ALWAYS or (consent is Consent.FIRST and bool(new))
            agreed = known if consent is Consent.FIRST and not asks else None
        else:
            asks, agreed = False, resumed.agreed
        if agreed is not None:
            permissions &= agreed.allowed
        begun = resumed.begun if resumed is not None else 0.0
        return Presented(permissions=permissions, consent=asks, rights=rights, begun=begun, agreed=agreed)

    def begins(self, presented: Presented, agreed: Agreed | None) -> float:
        """A session begins: count it, and remember what a person decided about it; when it began, in Unix seconds.
        Raises GrantRefused where the grant was used up meanwhile."""
        if presented.begun:
            return presented.begun
        rights = presented.rights
        self._check_uses(rights)
        self._uses.begun([grant for grant, _ in rights.uses])
        if presented.consent:
            self.decided(rights, agreed)
        return self.wall()

    def decided(self, rights: ChainRights, agreed: Agreed | None) -> None:
        """A person has decided about who came by this chain: it counts for the next time, unless it was for a time."""
        if rights.counted and agreed is not None and not agreed.until:
            self._uses.agree(rights.person, rights.counted[-1], agreed)

    def _check_uses(self, rights: ChainRights) -> None:
        if any(self._uses.count(grant) >= most for grant, most in rights.uses):
            raise GrantRefused(GrantRefusal.USED_UP)

    # a session runs

    def again(self, chain: tuple[str, ...], viewer: bytes, wish: Permission) -> Presented:
        """What the chain of a session that runs comes to now. Raises GrantRefused."""
        try:
            book = self._known_book()
            trust = replace(book.trust(), staleness=_ANY_AGE)
            rights = verify_chain(chain, trust, holder=viewer, wall=book.now())
            if book.now() > self.fresh_until(rights):
                raise GrantRefused(GrantRefusal.STALE)
            return Presented(permissions=self._effective(book, rights, wish), consent=False, rights=rights)
        except GrantRefused as error:
            self.refused(chain, viewer, error)
            raise

    def ends(self, rights: ChainRights, begun: float) -> float:
        """When a session has to end, in Unix seconds."""
        book = self._known_book()
        return rights.ends(begun, book.now(), book.longest())

    def fresh_until(self, rights: ChainRights) -> float:
        """Until when a session by this chain goes on though no newer list of revocations is heard, in Unix seconds.
        An owner's own goes on: who permits takes back, and their link's end is near."""
        trust = self._known_book().trust()
        return float("inf") if rights.owner else float(trust.revocation.issued + trust.staleness)

    def tell_stale(self) -> None:
        """Sessions ended since nothing newer was heard."""
        self._tell(
            "sessions by grant ended: the owner's newest list of what was taken back has grown too old. The relay "
            "hands on a newer one, once the owner's program has been there"
        )

    def longest(self) -> int | None:
        """Seconds that a session may last by the owner's policy; None where that says nothing."""
        return self._book.longest() if self._book is not None else None

    def wall(self) -> float:
        """Unix seconds by which grants are judged."""
        return self._book.now() if self._book is not None else self._wall()

    def _known_book(self) -> StatementBook:
        if self._book is None:
            raise GrantRefused(GrantRefusal.NOT_ENROLLED)
        return self._book

    def _effective(self, book: StatementBook, rights: ChainRights, wish: Permission) -> Permission:
        left = effective(
            grant=rights.permissions, policies=book.masks(), host=self._allows, consent=OWNER, request=wish
        )
        if not left or (rights.browser and not book.browsers()):
            raise GrantRefused(GrantRefusal.POLICY)
        return left
