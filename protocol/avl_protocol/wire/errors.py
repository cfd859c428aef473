"""Whose fault it is: LocalProtocolError is ours, RemoteProtocolError is the peer's and carries the close code it
earns."""

from __future__ import annotations

from avl_protocol.wire.registry import (
    CLOSE_CODES,
    GRANT_REFUSALS,
    PERMISSION_WORDS,
    CloseCode,
    GrantRefusal,
    Permission,
)


class ProtocolError(Exception):
    """The protocol was broken, by us or by the peer."""


class LocalProtocolError(ProtocolError):
    """Our own program asked for something the protocol does not allow: a bug here."""


class RemoteProtocolError(ProtocolError):
    """The peer sent what the protocol does not allow; the connection or session ends with `code`."""

    def __init__(self, code: CloseCode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Refused(ProtocolError):
    """The other side, or a check of ours, ended the attempt or the session with a code of the registry."""

    def __init__(self, code: CloseCode, text: str = "") -> None:
        super().__init__(text or sentence(code))
        self.code = code

    @property
    def exit_status(self) -> int:
        """What a command exits with: the registry's status, and never 0, since what was asked for was not done."""
        return CLOSE_CODES[self.code][1] or 1


class GrantRefused(Refused):
    """A chain of statements is not good (spec 11, 11.4); `why` names the reason, None for one that nobody knows."""

    def __init__(self, why: GrantRefusal | None) -> None:
        about = f": {GRANT_REFUSALS[why]}." if why is not None else "."
        super().__init__(CloseCode.GRANT_REFUSED, f"The host refused the grant{about}")
        self.why = why


def not_permitted(needed: Permission) -> Refused:
    """What is refused to a session that has none of these permissions: the text says which it lacks, and what to do."""
    return Refused(CloseCode.NOT_PERMITTED, lacking(needed))


def lacking(needed: Permission) -> str:
    """What a person is told who has none of these permissions."""
    words = " or ".join(PERMISSION_WORDS[one] for one in Permission if one in needed)
    return sentence(CloseCode.NOT_PERMITTED).replace("do that", words or "do that")


def known_code(number: int, otherwise: CloseCode) -> CloseCode:
    """A code from the wire if the registry knows it, else `otherwise`, which is never one of success."""
    return CloseCode(number) if number in CloseCode._value2member_map_ else otherwise


def sentence(code: int) -> str:
    """What a person is told about a close code; unknown codes are named by number."""
    known = CLOSE_CODES.get(CloseCode(code)) if code in CloseCode._value2member_map_ else None
    return known[2] if known else f"The connection was closed (code {code})."
