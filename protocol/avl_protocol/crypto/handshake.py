"""The handshake of a session, sans-IO: Noise, the code, admission (spec 06-security, 6.2).

Both ends take and return the *bodies* of Handshake Messages; the stream adds and removes their length. Each end expects
exactly one kind of message at a time, and after an error it expects none: whatever still arrives is SESSION_PROTOCOL.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from avl_protocol.crypto import authentication, cpace, identity, noise, schedule
from avl_protocol.crypto.identity import STATIC_HOST, STATIC_VIEWER, Identity
from avl_protocol.crypto.schedule import SessionKeys
from avl_protocol.wire.codec import HANDSHAKE
from avl_protocol.wire.device_id import normalise_code
from avl_protocol.wire.endtoend import (
    Challenge,
    Confirm,
    HandshakePayload,
    HostHello,
    Offer,
    Refusal,
    ViewerHello,
    Wait,
)
from avl_protocol.wire.errors import GrantRefused, LocalProtocolError, Refused, RemoteProtocolError
from avl_protocol.wire.registry import MAX_CHAIN, SESSION_VERSIONS, CloseCode, GrantRefusal


class Expect(Enum):
    """What an end waits for."""

    START = auto()
    HELLO = auto()
    CODES = auto()
    CHALLENGE = auto()
    CONFIRM = auto()
    ADMISSION = auto()
    NOTHING = auto()


@dataclass(frozen=True, slots=True)
class Asks:
    """A viewer whose endorsement was verified: its identity key, the name it gives itself, the permissions it
    wishes, and the resume ticket and the chain of statements that it presents, if any.
    """

    identity: bytes
    name: str
    permissions: int
    ticket: bytes = b""
    chain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HostStep:
    """What follows from a message: bodies to send, a viewer that asks, or the index of the code it proved to know."""

    send: tuple[bytes, ...] = ()
    asks: Asks | None = None
    confirmed: int | None = None


class ViewerHandshake:
    """The initiator. `code` in any spelling; `wall` in Unix seconds; `versions` are the session versions to offer; a
    `ticket` of an earlier session may make the code unnecessary, and so may a `chain` of statements.

    `done`: the keys are known; `admitted`: the host said so, and records follow on the stream in both directions.
    """

    def __init__(
        self,
        *,
        own: Identity,
        device_number: int,
        session_id: bytes,
        code: str,
        name: str,
        permissions: int,
        versions: tuple[int, ...],
        entropy: Callable[[int], bytes],
        wall: int,
        ticket: bytes = b"",
        chain: Sequence[str] = (),
    ) -> None:
        if sum(len(token) for token in chain) > MAX_CHAIN:
            raise LocalProtocolError(f"a chain has {MAX_CHAIN} bytes at most")
        self._own = own
        self._ticket = ticket
        self._chain = tuple(chain)
        self._device_number = device_number
        self._code = normalise_code(code)
        self._name = name
        self._permissions = permissions
        self._versions = versions
        self._entropy = entropy
        self._wall = wall
        self._noise = noise.HandshakeState(
            initiator=True,
            prologue=authentication.prologue(session_id, device_number),
            static=entropy(32),
            entropy=entropy,
        )
        self._expect = Expect.START
        self._pake: cpace.Initiator | None = None
        self._send = self._receive = noise.CipherState()
        self._keys: SessionKeys | None = None
        self.admitted = False
        #: Seconds that a person at the host may take; None while nobody is asked.
        self.waiting: int | None = None
        #: The host's identity key, verified.
        self.host_identity = b""
        self.version = 0
        #: Index of the code that the host accepted: 0 control, 1 view.
        self.which: int | None = None
        #: Whether the host took the ticket.
        self.resumed = False

    @property
    def done(self) -> bool:
        """Whether the session's keys are known."""
        return self._keys is not None

    @property
    def keys(self) -> SessionKeys:
        """The session's keys. Raises LocalProtocolError before `done`."""
        if self._keys is None:
            raise LocalProtocolError("the handshake has no keys yet")
        return self._keys

    def start(self) -> bytes:
        """Message 1."""
        if self._expect is not Expect.START:
            raise LocalProtocolError("the handshake was started already")
        self._expect = Expect.HELLO
        return authentication.sized(self._noise.write(HANDSHAKE.encode(Offer(self._versions))))

    def receive(self, body: bytes) -> list[bytes]:
        """Take the host's next message; returns bodies to send.

        Raises Refused (REFUSAL, WRONG_HOST, CLOCK, SESSION_VERSION, or REFUSED when the code is wrong) and
        RemoteProtocolError (SESSION_PROTOCOL, TAMPERED).
        """
        expect, self._expect = self._expect, Expect.NOTHING
        if expect is Expect.HELLO:
            authentication.check_size(body)
            out = [self._message_3(body)]
            self._expect = Expect.CHALLENGE
            return out
        if expect not in (Expect.CHALLENGE, Expect.ADMISSION):
            raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "a handshake message out of order")
        message = authentication.open_body(self._receive, body)
        if isinstance(message, Refusal):
            raise _refusal(message)
        if expect is Expect.CHALLENGE and isinstance(message, Challenge):
            out = [self._confirm(message)]
            self._expect = Expect.ADMISSION
            return out
        if expect is Expect.CHALLENGE and isinstance(message, Wait) and self._chain:
            self._derive(schedule.chain_secret(self._chain))
            self._admission(message)
            return []
        if expect is Expect.CHALLENGE and isinstance(message, Wait) and self._ticket and message.seconds == 0:
            self._derive(schedule.ticket_secret(self._ticket))
            self.resumed = True
            self._admission(message)
            return []
        if expect is Expect.ADMISSION and isinstance(message, Wait):
            self._admission(message)
            return []
        raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, f"{type(message).__name__} out of order")

    def _derive(self, secret: bytes) -> None:
        self._keys = schedule.derive(self._noise.chaining_key, self._noise.handshake_hash, secret)

    def _message_3(self, body: bytes) -> bytes:
        hello = HANDSHAKE.decode(self._noise.read(body))
        if not isinstance(hello, HostHello):
            raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "message 2 carries no HOST_HELLO")
        if identity.device_number(hello.identity) != self._device_number or not identity.vouches_static(
            hello.identity,
            hello.signature,
            STATIC_HOST,
            self._noise.remote_static,
            hello.not_before,
            hello.not_after,
        ):
            raise Refused(CloseCode.WRONG_HOST)
        if not identity.valid_at(hello.not_before, hello.not_after, self._wall):
            raise identity.clocks_differ(hello.not_before, self._wall, "host")
        if hello.version not in self._versions:
            raise Refused(CloseCode.SESSION_VERSION)
        self.host_identity = hello.identity
        self.version = hello.version
        self._pake = cpace.Initiator(
            prs=authentication.code_string(self._code),
            ci=authentication.CHANNEL_IDENTIFIER,
            sid=self._noise.handshake_hash,
            ad=self._own.public,
            entropy=self._entropy,
        )
        not_before, not_after, signature = authentication.endorsement(self._own, STATIC_VIEWER, self._noise, self._wall)
        payload = ViewerHello(
            identity=self._own.public,
            not_before=not_before,
            not_after=not_after,
            signature=signature,
            name=self._name,
            permissions=self._permissions,
            share=self._pake.share,
            ticket=self._ticket,
            chain=self._chain,
        )
        message = self._noise.write(HANDSHAKE.encode(payload))
        self._send, self._receive = self._noise.split()
        return authentication.sized(message)

    def _confirm(self, challenge: Challenge) -> bytes:
        assert self._pake is not None
        if len(challenge.shares) != 2 or len(challenge.tags) != 2:
            raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "CHALLENGE carries two shares and two tags")
        runs = [self._pake.finish(share, self.host_identity) for share in challenge.shares]
        for which, (run, tag) in enumerate(zip(runs, challenge.tags, strict=True)):
            if hmac.compare_digest(run.responder_tag, tag):
                self.which = which
                self._derive(run.isk)
                return authentication.seal(self._send, Confirm(which, run.initiator_tag))
        raise Refused(CloseCode.REFUSED)

    def _admission(self, wait: Wait) -> None:
        if wait.seconds < 0:
            raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "WAIT for less than nothing")
        self.waiting = wait.seconds or None
        self.admitted = wait.seconds == 0
        self._expect = Expect.NOTHING if self.admitted else Expect.ADMISSION


class HostHandshake:
    """The responder. `wall` in Unix seconds; `encapsulate` draws ML-KEM's secret and is replaced only to make test
    vectors.

    Order of calls: `receive` message 1 and 3; when a step `asks`, `accept_chain` if its chain is good, or `redeem` if
    its ticket is, else count the try, then `challenge` (or `refuse`);
    `receive` CONFIRM; when a step is `confirmed`: `wait` as often as wanted, then `admit` or `refuse`.
    """

    def __init__(
        self,
        *,
        own: Identity,
        session_id: bytes,
        entropy: Callable[[int], bytes],
        wall: int,
        versions: tuple[int, ...] = SESSION_VERSIONS,
        encapsulate: noise.Encapsulate = noise.encapsulate,
    ) -> None:
        self._own = own
        self._entropy = entropy
        self._wall = wall
        self._versions = versions
        self._noise = noise.HandshakeState(
            initiator=False,
            prologue=authentication.prologue(session_id, own.number),
            static=entropy(32),
            entropy=entropy,
            encapsulate=encapsulate,
        )
        self._expect = Expect.START
        self._sid = b""
        self._hello: ViewerHello | None = None
        self._send: noise.CipherState | None = None
        self._receive = noise.CipherState()
        self._runs: list[cpace.Agreement | None] = []
        self._keys: SessionKeys | None = None
        self.version = 0

    @property
    def done(self) -> bool:
        """Whether the viewer proved that it knows a code, and the session's keys are known."""
        return self._keys is not None

    @property
    def keys(self) -> SessionKeys:
        """The session's keys. Raises LocalProtocolError before `done`."""
        if self._keys is None:
            raise LocalProtocolError("the handshake has no keys yet")
        return self._keys

    def receive(self, body: bytes) -> HostStep:
        """Take the viewer's next message.

        Raises Refused (SESSION_VERSION; CLOCK, or REFUSED for a bad endorsement or a wrong code: `refuse` may still be
        called) and RemoteProtocolError (SESSION_PROTOCOL, TAMPERED).
        """
        expect, self._expect = self._expect, Expect.NOTHING
        authentication.check_size(body)
        if expect is Expect.START:
            step = self._message_2(body)
            self._expect = Expect.HELLO
            return step
        if expect is Expect.HELLO:
            step = self._read_message_3(body)
            self._expect = Expect.CODES
            return step
        if expect is Expect.CONFIRM:
            step = self._check_confirm(authentication.open_body(self._receive, body))
            self._expect = Expect.ADMISSION
            return step
        raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "a handshake message out of order")

    def challenge(self, codes: tuple[str | None, str | None]) -> bytes:
        """CHALLENGE for the control and the view code (normalised; None: absent or exhausted). Count the try first
        (R-SEC-13).

        Raises RemoteProtocolError(SESSION_PROTOCOL) when the viewer's share is not a usable point.
        """
        if self._expect is not Expect.CODES or self._hello is None or self._send is None:
            raise LocalProtocolError("nobody waits for a challenge")
        self._expect = Expect.NOTHING
        shares, tags = [], []
        for code in codes:
            if code is not None and (not code or normalise_code(code) != code):
                raise LocalProtocolError("codes are given normalised and are not empty")
            prs = self._entropy(32) if code is None else authentication.code_string(code)
            pake = cpace.Responder(
                prs=prs, ci=authentication.CHANNEL_IDENTIFIER, sid=self._sid, ad=self._own.public, entropy=self._entropy
            )
            run = pake.finish(self._hello.share, self._hello.identity)
            shares.append(pake.share)
            tags.append(run.responder_tag)
            self._runs.append(None if code is None else run)
        self._expect = Expect.CONFIRM
        return authentication.seal(self._send, Challenge(tuple(shares), tuple(tags)))

    def redeem(self) -> None:
        """The viewer's ticket is good: it stands for code and consent; `admit` follows."""
        if self._expect is not Expect.CODES or self._hello is None or not self._hello.ticket:
            raise LocalProtocolError("nobody has presented a ticket")
        secret = schedule.ticket_secret(self._hello.ticket)
        self._keys = schedule.derive(self._noise.chaining_key, self._noise.handshake_hash, secret)
        self._expect = Expect.ADMISSION

    def accept_chain(self) -> None:
        """The viewer's chain is good: it stands for the code; `wait` or `admit` follows."""
        if self._expect is not Expect.CODES or self._hello is None or not self._hello.chain:
            raise LocalProtocolError("nobody has presented a chain")
        secret = schedule.chain_secret(self._hello.chain)
        self._keys = schedule.derive(self._noise.chaining_key, self._noise.handshake_hash, secret)
        self._expect = Expect.ADMISSION

    def wait(self, seconds: int) -> bytes:
        """WAIT: a person is being asked, for at most `seconds`, which is more than 0."""
        if self._expect is not Expect.ADMISSION or self._send is None or seconds <= 0:
            raise LocalProtocolError("only a confirmed viewer waits, and for more than no time")
        return authentication.seal(self._send, Wait(seconds))

    def admit(self) -> bytes:
        """The last handshake message: what follows on the stream, in both directions, are records."""
        if self._expect is not Expect.ADMISSION or self._send is None:
            raise LocalProtocolError("only a confirmed viewer is admitted")
        self._expect = Expect.NOTHING
        last, self._send = authentication.seal(self._send, Wait(0)), None
        return last

    def refuse(self, code: CloseCode, why: int = 0) -> bytes:
        """REFUSAL, at any time after message 3 and before admission; `why` of a chain (GrantRefusal)."""
        if self._send is None:
            raise LocalProtocolError("a viewer is refused after message 3 and before admission")
        self._expect = Expect.NOTHING
        last, self._send = authentication.seal(self._send, Refusal(int(code), why)), None
        return last

    def _message_2(self, body: bytes) -> HostStep:
        offer = HANDSHAKE.decode(self._noise.read(body))
        if not isinstance(offer, Offer):
            raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "message 1 carries no OFFER")
        common = set(self._versions) & set(offer.versions)
        if not common:
            raise Refused(CloseCode.SESSION_VERSION)
        self.version = max(common)
        not_before, not_after, signature = authentication.endorsement(self._own, STATIC_HOST, self._noise, self._wall)
        payload = HostHello(
            version=self.version,
            identity=self._own.public,
            not_before=not_before,
            not_after=not_after,
            signature=signature,
            methods=("code",),
            time_ms=self._wall * 1000,
        )
        message = self._noise.write(HANDSHAKE.encode(payload))
        self._sid = self._noise.handshake_hash
        return HostStep(send=(authentication.sized(message),))

    def _read_message_3(self, body: bytes) -> HostStep:
        hello = HANDSHAKE.decode(self._noise.read(body))
        self._receive, self._send = self._noise.split()
        if not isinstance(hello, ViewerHello):
            raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "message 3 carries no VIEWER_HELLO")
        if not identity.vouches_static(
            hello.identity,
            hello.signature,
            STATIC_VIEWER,
            self._noise.remote_static,
            hello.not_before,
            hello.not_after,
        ):
            raise Refused(CloseCode.REFUSED)
        if not identity.valid_at(hello.not_before, hello.not_after, self._wall):
            raise identity.clocks_differ(hello.not_before, self._wall, "viewer")
        self._hello = hello
        return HostStep(asks=Asks(hello.identity, hello.name, hello.permissions, hello.ticket, hello.chain))

    def _check_confirm(self, confirm: HandshakePayload) -> HostStep:
        if not isinstance(confirm, Confirm) or confirm.which not in (0, 1):
            raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "no CONFIRM of one of the two codes")
        run = self._runs[confirm.which]
        if run is None or not hmac.compare_digest(run.initiator_tag, confirm.tag):
            raise Refused(CloseCode.REFUSED)
        self._keys = schedule.derive(self._noise.chaining_key, self._noise.handshake_hash, run.isk)
        return HostStep(confirmed=confirm.which)


def _refusal(message: Refusal) -> Refused:
    if message.code == CloseCode.GRANT_REFUSED:
        known = message.why in GrantRefusal._value2member_map_
        return GrantRefused(GrantRefusal(message.why) if known else None)
    return Refused(_close_code(message.code))


def _close_code(code: int) -> CloseCode:
    return CloseCode(code) if code in CloseCode._value2member_map_ else CloseCode.REFUSED
