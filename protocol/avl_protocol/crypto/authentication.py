"""What both ends of a handshake share: the prologue, the endorsement of static keys, and the sealed messages behind
message 3.

Spec 06-security, 6.2. The state machines themselves are in handshake.py.
"""

from __future__ import annotations

from avl_protocol.crypto import identity, noise
from avl_protocol.crypto.identity import Identity
from avl_protocol.crypto.lv import lv
from avl_protocol.wire.codec import HANDSHAKE
from avl_protocol.wire.device_id import NUMBER_BYTES
from avl_protocol.wire.endtoend import HandshakePayload
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import LABEL, MAX_HANDSHAKE_MESSAGE, CloseCode

#: Seconds that the endorsement of a Noise static key lasts; the key itself serves one handshake.
STATIC_LIFETIME = 3600
SESSION_BYTES = 16
#: CPace's channel identifier.
CHANNEL_IDENTIFIER = lv(b"avl/1 pake")


def prologue(session_id: bytes, device_number: int) -> bytes:
    """What both ends must agree on beforehand: the session's id (16 bytes) and the device the viewer means."""
    if len(session_id) != SESSION_BYTES:
        raise LocalProtocolError(f"a session id has {SESSION_BYTES} bytes")
    return lv(LABEL.encode(), session_id, device_number.to_bytes(NUMBER_BYTES, "big"))


def code_string(code: str) -> bytes:
    """CPace's password-related string of a normalised code."""
    return lv(b"code", code.encode())


def endorsement(own: Identity, label: bytes, state: noise.HandshakeState, wall: int) -> tuple[int, int, bytes]:
    """(not before, not after, signature) of our Noise static key."""
    not_after = wall + STATIC_LIFETIME
    return wall, not_after, identity.endorse_static(own, label, state.static_public, wall, not_after)


def seal(cipher: noise.CipherState, message: HandshakePayload) -> bytes:
    """The body that carries a message of the authentication phase."""
    return sized(cipher.encrypt(b"", HANDSHAKE.encode(message)))


def open_body(cipher: noise.CipherState, body: bytes) -> HandshakePayload:
    """The message of a body. Raises RemoteProtocolError (TAMPERED, SESSION_PROTOCOL)."""
    check_size(body)
    message = HANDSHAKE.decode(cipher.decrypt(b"", body))
    if message is None:
        raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "an unknown handshake message")
    return message


def sized(body: bytes) -> bytes:
    """The body itself. Raises LocalProtocolError when it is over the limit."""
    if len(body) > MAX_HANDSHAKE_MESSAGE:
        raise LocalProtocolError(f"a handshake message of {len(body)} bytes is over the limit: is the name too long?")
    return body


def check_size(body: bytes) -> None:
    """Raises RemoteProtocolError(SESSION_PROTOCOL) when a body of the peer's is over the limit (R-SEC-5)."""
    if len(body) > MAX_HANDSHAKE_MESSAGE:
        raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, f"a handshake message of {len(body)} bytes")
