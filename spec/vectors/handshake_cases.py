"""Vectors of whole handshakes as the viewer lives through them: what it is told, what it answers, where it stops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from avl_protocol.crypto import authentication
from avl_protocol.crypto.handshake import HostHandshake, ViewerHandshake
from avl_protocol.crypto.identity import Identity
from avl_protocol.crypto.noise import HandshakeState
from avl_protocol.wire.endtoend import Challenge, Refusal, Wait
from avl_protocol.wire.errors import GrantRefused, Refused, RemoteProtocolError
from avl_protocol.wire.registry import CloseCode, GrantRefusal
from spec.vectors.notation import drawn

WALL = 1_800_000_000
SESSION = drawn("session", 16)
HOST_SEED, VIEWER_SEED = drawn("host", 32), drawn("viewer", 32)
CODE = "7K3P-9QX2"
TICKET = drawn("ticket", 32)
#: What the handshake makes of statements does not depend on what they say.
CHAIN = ("a.grant.token", "a.key.token")
Codes = tuple[str | None, str | None]


class Story:
    """One handshake, written down from the viewer's side."""

    def __init__(self, kem: dict[str, str], about: str, host_seed: bytes = HOST_SEED, **changes: Any) -> None:
        self._draws: list[str] = []
        self.steps: list[dict[str, Any]] = []
        self.about = about
        self.viewer_values: dict[str, Any] = {
            "code": CODE,
            "name": "a viewer",
            "permissions": 31,
            "versions": (1,),
            "wall": WALL,
            "ticket": b"",
            "chain": (),
            **changes.get("viewer", {}),
        }
        self._kem_seed = bytes.fromhex(kem["seed"])
        made = bytes.fromhex(kem["secret"]), bytes.fromhex(kem["ciphertext"])
        number = Identity(HOST_SEED).number
        self.viewer = ViewerHandshake(
            own=Identity(VIEWER_SEED),
            device_number=number,
            session_id=SESSION,
            entropy=self._entropy,
            **self.viewer_values,
        )
        entropy = self._counting("host entropy")
        values: dict[str, Any] = {"wall": WALL, "versions": (1,), **changes.get("host", {})}
        self.host = HostHandshake(
            own=Identity(host_seed), session_id=SESSION, entropy=entropy, encapsulate=lambda public: made, **values
        )
        if host_seed != HOST_SEED:  # an impostor does not say its own number
            self.host._noise = HandshakeState(
                initiator=False,
                prologue=authentication.prologue(SESSION, number),
                static=entropy(32),
                entropy=entropy,
                encapsulate=lambda public: made,
            )
        self.number = number

    def _entropy(self, size: int) -> bytes:
        value = self._kem_seed if size == 64 else drawn(f"viewer entropy {len(self._draws)}", size)
        self._draws.append(value.hex())
        return value

    @staticmethod
    def _counting(label: str) -> Callable[[int], bytes]:
        count = iter(range(1000))
        return lambda size: drawn(f"{label} {next(count)}", size)

    def start(self) -> bytes:
        """Message 1."""
        first = self.viewer.start()
        self.steps.append({"do": "start", "send": [first.hex()]})
        return first

    def tell(self, body: bytes) -> list[bytes]:
        """Give the viewer a body; nothing when it stops there."""
        step: dict[str, Any] = {"do": "receive", "body": body.hex()}
        self.steps.append(step)
        try:
            sent = self.viewer.receive(body)
        except RemoteProtocolError as error:
            step["error"] = error.code.name
            return []
        except Refused as refused:
            step["refused"] = refused.code.name
            if isinstance(refused, GrantRefused):
                step["why"] = 0 if refused.why is None else int(refused.why)
            return []
        step["send"] = [one.hex() for one in sent]
        step["waiting"] = self.viewer.waiting
        step["admitted"] = self.viewer.admitted
        return sent

    def second(self) -> bytes:
        """Message 2."""
        return self.host.receive(self.start()).send[0]

    def challenge(self, codes: Codes = ("7K3P9QX2", "V1EWC0DE")) -> bytes:
        """All up to CHALLENGE."""
        (third,) = self.tell(self.second())
        self.host.receive(third)
        return self.host.challenge(codes)

    def confirm(self, codes: Codes = ("7K3P9QX2", "V1EWC0DE")) -> None:
        """All up to CONFIRM."""
        (confirm,) = self.tell(self.challenge(codes))
        self.host.receive(confirm)

    def done(self) -> dict[str, Any]:
        """The story as it is published."""
        out: dict[str, Any] = {
            "about": self.about,
            "viewer": {
                **self.viewer_values,
                "versions": list(self.viewer_values["versions"]),
                "ticket": self.viewer_values["ticket"].hex(),
                "chain": list(self.viewer_values["chain"]),
            },
            "entropy": self._draws,
            "steps": self.steps,
        }
        if self.viewer.done:
            keys = self.viewer.keys
            assert keys == self.host.keys or not self.host.done
            out["keys"] = {
                "which": self.viewer.which,
                "resumed": self.viewer.resumed,
                "version": self.viewer.version,
                "host_identity": self.viewer.host_identity.hex(),
                "handshake_hash": keys.handshake_hash.hex(),
                "master": keys.master.hex(),
                **{label: keys.label(label).hex() for label in ("channel 0 i2r", "channel 0 r2i", "move")},
            }
        return out


def _flipped(body: bytes, place: int) -> bytes:
    return body[:place] + bytes((body[place] ^ 1,)) + body[place + 1 :]


def _ticket_stories(story: Callable[..., Story]) -> None:
    one = story("a ticket that the host takes in the place of a code", viewer={"code": "", "ticket": TICKET})
    (third,) = one.tell(one.second())
    one.host.receive(third)
    one.host.redeem()
    one.tell(one.host.admit())
    one.tell(b"more")
    one = story("a ticket that the host does not take: the code is asked for", viewer={"ticket": TICKET})
    one.confirm()
    one.tell(one.host.admit())
    one = story("a wait for a person where a ticket was presented", viewer={"ticket": TICKET})
    (third,) = one.tell(one.second())
    one.host.receive(third)
    assert one.host._send is not None
    one.tell(authentication.seal(one.host._send, Wait(30)))
    one = story("an admission without a code or a ticket")
    (third,) = one.tell(one.second())
    one.host.receive(third)
    assert one.host._send is not None
    one.tell(authentication.seal(one.host._send, Wait(0)))


def _chain_stories(story: Callable[..., Story]) -> None:
    def shown(about: str, **viewer: Any) -> Story:
        one = story(about, viewer={"code": "", "chain": CHAIN, **viewer})
        (third,) = one.tell(one.second())
        one.host.receive(third)
        return one

    one = shown("a chain that the host takes in the place of a code")
    one.host.accept_chain()
    one.tell(one.host.admit())
    one.tell(b"more")
    one = shown("a chain whose person is asked about first")
    one.host.accept_chain()
    one.tell(one.host.wait(30))
    one.tell(one.host.admit())
    one = shown("a chain that the host takes before the ticket beside it", ticket=TICKET)
    one.host.accept_chain()
    one.tell(one.host.admit())
    for why in GrantRefusal:
        one = shown(f"a chain that is refused: {why.name}")
        one.tell(one.host.refuse(CloseCode.GRANT_REFUSED, why))
    one = shown("a chain that is refused for a reason that nobody knows")
    assert one.host._send is not None
    one.tell(authentication.seal(one.host._send, Refusal(CloseCode.GRANT_REFUSED, 999)))
    one = shown("a chain that the host, which asks for a code instead, does not look at", code=CODE)
    (confirm,) = one.tell(one.host.challenge(("7K3P9QX2", None)))
    one.host.receive(confirm)
    one.tell(one.host.admit())


def handshakes(kem: dict[str, str]) -> dict[str, Any]:
    """All stories."""
    stories = []

    def story(about: str, **changes: Any) -> Story:
        stories.append(Story(kem, about, **changes))
        return stories[-1]

    one = story("the control code, a person who is asked, admission")
    one.confirm()
    one.tell(one.host.wait(30))
    one.tell(one.host.admit())
    one.tell(b"more")
    one = story("the view code in another spelling", viewer={"code": " view-code ", "name": "Zoë", "permissions": 1})
    one.confirm()
    one.tell(one.host.admit())
    one = story("the highest common version", viewer={"versions": (1, 2, 9)}, host={"versions": (1, 2)})
    one.confirm()
    one = story("a wrong code")
    one.tell(one.challenge(("AAAAAAAA", None)))
    one = story("no code at all at the host")
    one.tell(one.challenge((None, None)))
    one = story("refused after waiting")
    one.confirm()
    one.tell(one.host.wait(30))
    one.tell(one.host.refuse(CloseCode.DENIED))
    one = story("refused instead of a challenge")
    (third,) = one.tell(one.second())
    one.host.receive(third)
    one.tell(one.host.refuse(CloseCode.LIMIT))
    for place in (0, 40, 1140, 1200, -1):
        one = story(f"message 2 with byte {place} changed")
        body = one.second()
        one.tell(_flipped(body, place % len(body)))
    one = story("message 2 cut short")
    one.tell(one.second()[:1000])
    one = story("message 2 that is too long")
    one.tell(one.second() + bytes(4000))
    one = story("a low-order key in message 2")
    one.tell(bytes(32) + one.second()[32:])
    one = story("another device that lies about its number", host_seed=drawn("impostor", 32))
    one.tell(one.second())
    one = story("an endorsement from the future", host={"wall": WALL + 86_401})
    one.tell(one.second())
    one = story("an endorsement of the past", host={"wall": WALL - 86_400 - 3601})
    one.tell(one.second())
    one = story("a clock that is a day off", host={"wall": WALL + 86_400})
    one.confirm()
    one = story("a changed challenge")
    one.tell(_flipped(one.challenge(), 20))
    for about, forged in (
        ("a challenge with a low-order share", Challenge((bytes(32), bytes(32)), (bytes(64), bytes(64)))),
        ("a challenge with one share", Challenge((drawn("u", 32),), (bytes(64),))),
    ):
        one = story(about)
        (third,) = one.tell(one.second())
        one.host.receive(third)
        assert one.host._send is not None
        one.tell(authentication.seal(one.host._send, forged))
    one = story("a wait where a challenge is due")
    (third,) = one.tell(one.second())
    one.host.receive(third)
    assert one.host._send is not None
    one.tell(authentication.seal(one.host._send, Wait(30)))
    _ticket_stories(story)
    _chain_stories(story)
    return {
        "host_seed": HOST_SEED.hex(),
        "viewer_seed": VIEWER_SEED.hex(),
        "device": Identity(HOST_SEED).number.to_bytes(17, "big").hex(),
        "session": SESSION.hex(),
        "stories": [one.done() for one in stories],
    }
