"""Vectors of channels: what both ends are told to do, step by step, and what they must answer."""

from __future__ import annotations

from typing import Any

from avl_protocol.crypto.channel import SecureChannel, open_channel, read_resume_header
from avl_protocol.crypto.schedule import SessionKeys
from avl_protocol.wire.errors import RemoteProtocolError
from spec.vectors.notation import drawn

SESSION = drawn("session", 16)
KEYS = SessionKeys(drawn("master", 32), drawn("handshake hash", 32))


class Script:
    """Drives both ends and writes down what happens."""

    def __init__(self, channel: int) -> None:
        self.channel = channel
        self.ends = {side: open_channel(KEYS, channel, side == "viewer", SESSION) for side in ("viewer", "host")}
        self.steps: list[dict[str, Any]] = []

    def _note(self, end: str, do: str, out: object, **given: object) -> None:
        state: SecureChannel = self.ends[end]
        answer = out if isinstance(out, dict) else {"out": out.hex() if isinstance(out, bytes) else out}
        self.steps.append({"end": end, "do": do, **given, **answer, "retained": state.retained})

    def send(self, end: str, data: bytes) -> bytes:
        """Send; what goes on the stream."""
        out = self.ends[end].send(data)
        self._note(end, "send", out, data=data.hex())
        return out

    def finish(self, end: str) -> bytes:
        """Send FIN."""
        out = self.ends[end].finish()
        self._note(end, "finish", out)
        return out

    def receive(self, end: str, data: bytes) -> bytes:
        """Receive, then take what is due; returns that."""
        try:
            got = self.ends[end].receive(data)
        except RemoteProtocolError as error:
            self._note(end, "receive", {"error": error.code.name}, data=data.hex())
            return b""
        self._note(end, "receive", [chunk.hex() for chunk in got], data=data.hex())
        out = self.ends[end].take_output()
        self._note(end, "take_output", out)
        return out

    def suspend(self, end: str) -> None:
        """The stream is lost."""
        self.ends[end].suspend()
        self._note(end, "suspend", b"")

    def header(self, end: str, epoch: int, binding: bytes = b"") -> bytes:
        """Our Channel Resume, on a carrier of this binding."""
        out = self.ends[end].resume_header(epoch, binding)
        self._note(end, "resume_header", out, epoch=epoch, binding=binding.hex())
        return out

    def resume(self, end: str, header: bytes, binding: bytes = b"") -> bytes:
        """Accept the peer's Channel Resume, or refuse it."""
        found = read_resume_header(header)
        assert found is not None and found[1] == len(header)
        try:
            out = self.ends[end].resume(found[0], binding)
        except RemoteProtocolError as error:
            self._note(end, "resume", {"error": error.code.name}, header=header.hex(), binding=binding.hex())
            return b""
        self._note(end, "resume", out, header=header.hex(), binding=binding.hex())
        return out

    def done(self, about: str) -> dict[str, Any]:
        """The script as it is published."""
        return {"about": about, "channel": self.channel, "steps": self.steps}


def _plain() -> dict[str, Any]:
    script = Script(1)
    up = script.send("viewer", b"key down") + script.send("viewer", b"key up")
    script.receive("host", up[:50])
    script.receive("host", up[50:])
    script.receive("viewer", script.send("host", b"echo"))
    script.receive("host", script.finish("viewer"))
    return script.done("two directions of the input channel, cut anywhere, ended by FIN")


def _acknowledged() -> dict[str, Any]:
    script = Script(0)
    for number in range(33):
        due = script.receive("host", script.send("viewer", b"%d" % number))
        if due:
            script.receive("viewer", due)
    return script.done("an acknowledgement after 32 records")


def _moved() -> dict[str, Any]:
    script = Script(2)
    script.receive("host", script.send("viewer", b"arrived "))
    script.send("viewer", b"lost ")
    down = script.send("host", b"down")
    script.receive("viewer", down[:9])
    script.suspend("viewer")
    script.send("viewer", b"meanwhile")
    first = script.header("viewer", 1)
    forged = first[:-1] + bytes((first[-1] ^ 1,))
    script.resume("host", forged)
    repeated = script.resume("host", first)
    answer = script.header("host", 1)
    script.resume("host", first)
    up = script.resume("viewer", answer)
    script.receive("host", up)
    script.receive("viewer", repeated)
    script.receive("host", script.send("viewer", b"!"))
    second = script.header("viewer", 300)
    script.resume("viewer", answer)
    script.resume("host", second)
    script.resume("viewer", script.header("host", 300))
    return script.done("a channel that moves to another stream twice; forged and old headers")


def _bound() -> dict[str, Any]:
    script = Script(0)
    certificate, another = drawn("certificate", 32), drawn("another certificate", 32)
    script.send("viewer", b"lost")
    header = script.header("viewer", 1, certificate)
    script.resume("host", header)
    script.resume("host", header, another)
    repeated = script.resume("host", header, certificate)
    answer = script.header("host", 1, certificate)
    script.resume("viewer", answer, another)
    script.receive("host", script.resume("viewer", answer, certificate))
    script.receive("viewer", repeated)
    return script.done("a move to a direct way is good on that connection alone")


def _tampered() -> dict[str, Any]:
    script = Script(0)
    up = script.send("viewer", b"first")
    script.receive("host", up[:-1] + bytes((up[-1] ^ 1,)))
    return script.done("a changed record")


def _oversized() -> dict[str, Any]:
    script = Script(0)
    script.receive("host", b"\xff\xff" + bytes(10))
    return script.done("a record longer than any")


def channels() -> dict[str, Any]:
    """All scripts, under one session's keys."""
    return {
        "master": KEYS.master.hex(),
        "handshake_hash": KEYS.handshake_hash.hex(),
        "session": SESSION.hex(),
        "keys": {
            label: KEYS.label(label).hex()
            for label in ("channel 0 i2r", "channel 0 r2i", "channel 1 i2r", "channel 2 r2i", "move", "wrap")
        },
        "scripts": [_plain(), _acknowledged(), _moved(), _bound(), _tampered(), _oversized()],
    }
