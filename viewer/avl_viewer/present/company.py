"""Company: who else is at the desktop, and who of them has control (spec 04-session, 4.10)."""

from __future__ import annotations

from dataclasses import dataclass

from avl_protocol.wire.endtoend import People
from avl_protocol.wire.foreign import for_dialog
from avl_protocol.wire.registry import MAX_PEOPLE, MAX_PERSON_NAME, ControlMode, Permission


@dataclass(frozen=True, slots=True)
class Person:
    """A viewer that may act or draw. `name`: fit to be shown; `asks`: waits for control."""

    number: int
    name: str
    acts: bool
    asks: bool = False


@dataclass(frozen=True, slots=True)
class Company:
    """Who is here. `holder`: the number of who has control alone, 0 where nobody has; `viewers`: how many watch."""

    you: int = 0
    mode: ControlMode = ControlMode.SHARED
    holder: int = 0
    viewers: int = 1
    people: tuple[Person, ...] = ()

    @property
    def mine(self) -> bool:
        """Whether the rules of control let our input through."""
        return self.mode is ControlMode.SHARED or (self.mode is ControlMode.ONE and self.holder == self.you)

    @property
    def asking(self) -> bool:
        """Whether we wait for control."""
        return any(person.asks for person in self.people if person.number == self.you)

    def name(self, number: int) -> str:
        """What a person is called."""
        called = next((person.name for person in self.people if person.number == number), "")
        return called or f"Viewer {number}"

    def sentence(self) -> str:
        """Who has control; empty where everybody may act."""
        if self.mode is ControlMode.SHARED:
            return ""
        if self.mode is ControlMode.HOST:
            return "The person at the host has control."
        if not self.holder:
            return "Nobody has control."
        return "You have control." if self.holder == self.you else f"{self.name(self.holder)} has control."


def company_of(message: People) -> Company:
    """What a host says of who is here. Rows that name nobody are left out, and a mode that this version does not know
    is one in which we do not act."""
    known = message.mode in ControlMode._value2member_map_
    return Company(
        you=message.you,
        mode=ControlMode(message.mode) if known else ControlMode.HOST,
        holder=message.holder,
        viewers=message.viewers,
        people=tuple(
            Person(
                row[0],
                for_dialog(row[1], MAX_PERSON_NAME),
                bool(row[2] & (Permission.POINTER | Permission.KEYBOARD)),
                bool(row[3]),
            )
            for row in message.people[:MAX_PEOPLE]
            if tuple(map(type, row)) == (int, str, int, int)
        ),
    )
