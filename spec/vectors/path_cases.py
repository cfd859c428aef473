"""Vectors of paths: punches that are read and that are not, connection IDs, and candidates that may be sent to."""

from __future__ import annotations

from typing import Any

from avl_protocol.path.candidate import Candidate, Site, from_rows, reachable
from avl_protocol.path.punch import Punch, PunchKey
from avl_protocol.wire.registry import MAX_CANDIDATES, CandidateKind, RawType
from spec.vectors.notation import drawn

LOCAL, OBSERVED, MAPPED = (int(kind) for kind in CandidateKind)
SITE = Site(("192.168.1.7/24", "2001:db8:7::9/64", "fd00:1::7/64"), ("203.0.113.5",))

#: Rows of CANDIDATES that name no address.
BAD_ROWS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("too short", (LOCAL, "192.0.2.1")),
    ("too long", (LOCAL, "192.0.2.1", 4433, 0)),
    ("an unknown kind", (9, "192.0.2.1", 4433)),
    ("a name", (LOCAL, "host.example", 4433)),
    ("an address in brackets", (LOCAL, "[2001:db8::1]", 4433)),
    ("an address with a zone", (LOCAL, "fe80::1%eth0", 4433)),
    ("an address in octal", (LOCAL, "192.0.2.010", 4433)),
    ("an address as bytes", (LOCAL, b"\xc0\x00\x02\x01", 4433)),
    ("port 0", (LOCAL, "192.0.2.1", 0)),
    ("port 65536", (LOCAL, "192.0.2.1", 65536)),
    ("a port as text", (LOCAL, "192.0.2.1", "4433")),
    ("a port that is true", (LOCAL, "192.0.2.1", True)),
)

#: What must be sent nothing, whoever names it, at SITE and without a common address outside.
FORBIDDEN: tuple[tuple[str, str], ...] = (
    ("multicast", "224.0.0.251"),
    ("multicast", "ff02::fb"),
    ("broadcast", "255.255.255.255"),
    ("our network's broadcast", "192.168.1.255"),
    ("our network itself", "192.168.1.0"),
    ("reserved", "240.0.0.1"),
    ("loopback", "127.0.0.1"),
    ("loopback", "::1"),
    ("unspecified", "0.0.0.0"),
    ("unspecified", "::"),
    ("our own", "192.168.1.7"),
    ("our own", "2001:db8:7::9"),
    ("loopback, mapped", "::ffff:127.0.0.1"),
    ("our own, mapped", "::ffff:192.168.1.7"),
    ("private", "10.0.0.1"),
    ("private", "172.31.255.254"),
    ("private", "192.168.2.1"),
    ("shared (RFC 6598)", "100.64.0.1"),
    ("link-local", "169.254.1.1"),
    ("link-local", "fe80::1"),
    ("unique local", "fd00:2::1"),
    ("private, mapped", "::ffff:10.1.1.1"),
)
ALLOWED = ("192.168.1.8", "fd00:1::8", "2001:db8:7::10", "8.8.8.8", "2a00::1", "172.32.0.1", "::ffff:8.8.4.4")


def punches() -> dict[str, Any]:
    """Punch datagrams of one session, and its connection IDs."""
    secret, nonce = drawn("punch", 32), drawn("punch nonce", 8)
    key, other = PunchKey(secret), PunchKey(drawn("another session's punch", 32))
    made = {
        (answer, from_viewer): key.make(Punch(answer, nonce), from_viewer)
        for answer in (False, True)
        for from_viewer in (True, False)
    }
    punch = made[False, True]
    refused = {
        "another session's": other.make(Punch(False, nonce), True),
        "the direction is the other": made[False, False],
        "a punch called an answer": bytes((RawType.ANSWER,)) + punch[1:],
        "another type": bytes((RawType.LOCATE,)) + punch[1:],
        "a byte short": punch[:-1],
        "a byte long": punch + b"\0",
        "empty": b"",
        **{f"byte {at} is changed": _flipped(punch, at) for at in (1, 8, 9, 16, 17, 32)},
    }
    named = key.connection_id(nonce)
    foreign = {
        "another session's": other.connection_id(nonce),
        "the MAC is changed": _flipped(named, len(named) - 1),
        "the nonce is changed": _flipped(named, 0),
        "a byte short": named[:-1],
        "empty": b"",
    }
    return {
        "key": secret.hex(),
        "tag": key.tag.hex(),
        "valid": [
            {"answer": answer, "from_viewer": from_viewer, "nonce": nonce.hex(), "encoded": data.hex()}
            for (answer, from_viewer), data in made.items()
        ],
        "refused": [{"why": why, "from_viewer": True, "encoded": data.hex()} for why, data in refused.items()],
        "connection_ids": {
            "valid": [{"nonce": nonce.hex(), "id": named.hex()}],
            "refused": [{"why": why, "id": data.hex()} for why, data in foreign.items()],
        },
        "candidates": _candidates(),
    }


def _candidates() -> dict[str, Any]:
    for why, row in BAD_ROWS:
        assert from_rows([row]) == [], why
    good = [(LOCAL, "192.168.1.8", 1), (OBSERVED, "2001:DB8::1", 65535), (MAPPED, "::ffff:192.0.2.1", 4433)]
    beside = Candidate(CandidateKind.OBSERVED, SITE.observed[0], 4433)
    private = [Candidate(CandidateKind.LOCAL, "10.0.0.1", 4433), beside]
    for why, host in FORBIDDEN:
        assert reachable([Candidate(CandidateKind.LOCAL, host, 4433)], SITE) == [], (why, host)
    for host in ALLOWED:
        assert reachable([Candidate(CandidateKind.LOCAL, host, 4433)], SITE), host
    assert reachable(private, SITE) == [beside]
    assert [candidate.host for candidate in reachable(private, SITE, near=True)] == ["10.0.0.1", SITE.observed[0]]
    return {
        "most": MAX_CANDIDATES,
        "rows": [
            {"row": list(row), "candidate": [int(c.kind), c.host, c.port]} for row in good for c in from_rows([row])
        ],
        "ignored": [{"why": why, "row": [_plain(value) for value in row]} for why, row in BAD_ROWS],
        "networks": list(SITE.networks),
        "observed": list(SITE.observed),
        "forbidden": [{"why": why, "host": host} for why, host in FORBIDDEN],
        "allowed": list(ALLOWED),
        "behind_one_address": {"private": "10.0.0.1", "observed": SITE.observed[0]},
    }


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


def _plain(value: Any) -> Any:
    return {"bytes": value.hex()} if isinstance(value, bytes) else value
