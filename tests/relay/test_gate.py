"""The gate decides from memory, asks the store in the background, and lets nobody in whom it does not know."""

from __future__ import annotations

from collections.abc import Awaitable

from avl_protocol.wire.registry import CloseCode
from avl_relay.access import ALLOWED, Decision, MayAttach, MayRegister
from avl_relay.control.gate import NOTED, WAITING, Gate
from avl_relay.live import number_text

KNOWN, REVOKED, STRANGER = 1, 2, 3


class Registry:
    """A store that is asked, and has not answered yet."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        #: Passes, and of which visits.
        self.shown: list[tuple[bytes, bytes]] = []

    async def enrolled(self, device: str) -> bool:
        return device == number_text(KNOWN)

    async def admits(self, device: str, session: bytes, visit: bytes, access_pass: bytes) -> bool:
        self.shown.append((access_pass, visit))
        return access_pass == b"good"

    def work(self, question: MayRegister | MayAttach, answer: Awaitable[bool]) -> None:
        answer.close()  # type: ignore[attr-defined]
        self.asked.append(question)


def gate(required: bool, *, known: bool = True) -> tuple[Gate, Registry]:
    registry = Registry()
    made = Gate(required=required, registry=registry, work=registry.work)
    if known:
        made.know({number_text(KNOWN): True, number_text(REVOKED): False})
    return made, registry


def register(device: int, number: int = 1) -> MayRegister:
    return MayRegister(number, device, "192.0.2.1")


def attach(access_pass: bytes = b"", number: int = 1, moves: bool = False) -> MayAttach:
    return MayAttach(
        id=number, device=KNOWN, session=b"s" * 16, address="192.0.2.1", moves=moves, access_pass=access_pass
    )


def code(decision: Decision | None) -> CloseCode | None:
    assert decision is not None
    return decision.refused


def test_an_open_relay_takes_everybody_but_who_was_revoked_and_asks_nobody() -> None:
    for known in (True, False):
        made, registry = gate(False, known=known)
        assert made.ask(register(KNOWN), 0.0) == made.ask(register(STRANGER), 0.0) == ALLOWED
        assert made.ask(attach(), 0.0) == ALLOWED
        assert (made.ask(register(REVOKED), 0.0) == ALLOWED) is not known
        assert registry.asked == [] and made.waiting == 0


def test_a_closed_relay_takes_the_enrolled_and_who_shows_a_pass() -> None:
    made, registry = gate(True)
    assert made.ask(register(KNOWN), 0.0) == ALLOWED
    assert code(made.ask(register(REVOKED), 0.0)) is CloseCode.FORBIDDEN
    for access_pass, moves in ((b"", False), (b"", True)):
        assert code(made.ask(attach(access_pass, moves=moves), 0.0)) is CloseCode.FORBIDDEN
    assert registry.asked == []
    stranger = register(STRANGER, 5)
    assert made.ask(stranger, 0.0) is None  # it may have been enrolled at another relay with this store
    assert made.ask(attach(b"good", 6), 0.0) is None
    assert len(registry.asked) == made.waiting == 2
    assert made.answered(stranger) and not made.answered(stranger)
    made.forget(attach(b"good", 6))
    assert made.waiting == 0 and not made.answered(attach(b"good", 6))


def test_an_open_relay_learns_whose_session_it_is_by_the_pass_and_lets_nobody_wait_for_it() -> None:
    made, registry = gate(False)
    for number in range(NOTED + 5):
        assert made.ask(attach(b"good", number), 0.0) == ALLOWED
    assert len(registry.asked) == NOTED and made.waiting == 0, "so many at once"
    assert not made.answered(attach(b"good", 0))
    assert made.ask(attach(b"good", NOTED + 5), 0.0) == ALLOWED and len(registry.asked) == NOTED + 1


def test_what_changes_is_known_at_once() -> None:
    made, registry = gate(True)
    made.change(number_text(STRANGER), True)
    assert made.ask(register(STRANGER), 0.0) == ALLOWED
    made.change(number_text(STRANGER), False)
    assert code(made.ask(register(STRANGER), 0.0)) is CloseCode.FORBIDDEN
    made.change(number_text(STRANGER), None)
    assert made.ask(register(STRANGER), 0.0) is None and len(registry.asked) == 1


def test_no_more_wait_for_the_store_than_it_may_ever_answer() -> None:
    made, _ = gate(True, known=False)
    for number in range(WAITING):
        assert made.ask(register(STRANGER, number), 0.0) is None
    assert code(made.ask(register(KNOWN, WAITING), 0.0)) is CloseCode.LIMIT
    made.forget(register(STRANGER, 0))
    assert made.ask(register(KNOWN, WAITING), 0.0) is None


async def test_behind_the_pass_stands_the_visit_and_the_session_id_where_there_is_none() -> None:
    registry, secret, visit = Registry(), bytes(range(32)), b"v" * 16
    answers: list[Awaitable[bool]] = []
    made = Gate(required=True, registry=registry, work=lambda question, answer: answers.append(answer))
    for shown in (secret, secret + visit):
        assert made.ask(attach(shown), 0.0) is None
    for malformed in (secret + b"v", secret + visit + b"v"):
        assert code(made.ask(attach(malformed), 0.0)) is CloseCode.FORBIDDEN
    for answer in answers:
        await answer
    assert registry.shown == [(secret, b"s" * 16), (secret, visit)]
