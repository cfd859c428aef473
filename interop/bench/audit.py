"""What an audit log costs, and what tampering with one goes unseen: `./dev bench audit` (spec 14).

CPU time of this process, the least of several rounds, so that what else the machine does weighs little.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

from avl_protocol.audit.chain import Chain
from avl_protocol.audit.entry import Entry, encode, link
from avl_protocol.audit.head import TreeHead
from avl_protocol.audit.verify import verify_lines
from avl_protocol.audit.witness import ALARMS, Witness
from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.program.auditfiles import read_lines, segments_of, verify_folder
from avl_protocol.endpoint.program.auditlog import AuditLog

KEY = Identity(b"k" * 32)
NOW_MS = 1_800_000_000_000
DEVICE = "ABCDEFGHJKMNPQRSTVWXYZ012345"


def event(number: int) -> tuple[str, dict[str, object]]:
    """What a relay logs, as it comes: of each ten events four begin and four end sessions."""
    session = {"session": f"c2Vzc2lvbiBudW1iZXI{number // 2:06}", "device": DEVICE}
    kind = number % 10
    if kind < 8:
        if kind % 2:
            return "session_ended", {**session, "why": "ended", "seconds": number}
        return "session_began", {**session, "way": "relay", "address": f"192.0.2.{number % 250}"}
    if kind == 8:
        return "signed_in", {"person": "cGVyc29uIG9mIHRoZSBs", "how": "passkey", "address": "2001:db8::7"}
    return "grant_changed", {"grant": f"anRpIG9mIGdyYW50IGF{number:03}", "what": "kept", "by": "cGVyc29uIG9mIHRoZSBs"}


def chained(entries: list[Entry], at: int) -> list[Entry]:
    """The log as somebody leaves it who can write all of it: right in itself."""
    made, prev = entries[:at], link(encode(entries[at - 1])) if at else bytes(32)
    for seq, entry in enumerate(entries[at:], at):
        one = replace(entry, seq=seq, prev=prev)
        prev = link(encode(one))
        made.append(one)
    return made


TAMPERING: dict[str, Callable[[list[Entry], int], list[Entry]]] = {
    "edit": lambda log, at: chained([*log[:at], replace(log[at], time_ms=log[at].time_ms + 1), *log[at + 1 :]], at),
    "delete": lambda log, at: chained([*log[:at], *log[at + 1 :]], at),
    "insert": lambda log, at: chained([*log[:at], log[at], *log[at:]], at),
    "truncate": lambda log, at: log[:at],
    "fork": lambda log, at: chained([*log[:at], *(replace(one, kind="alarm") for one in log[at : at + 500])], at),
}


def seen(kept: TreeHead, log: list[Entry]) -> bool:
    """Whether a client with this head notices, whatever proof the log's keeper makes."""
    chain = Chain()
    for entry in log:
        chain.add(entry)
    witness = Witness()
    witness.hear(kept, ())
    proof = chain.tree.consistency(kept.size, chain.size) if chain.size >= kept.size else ()
    return witness.hear(chain.head(KEY, NOW_MS), proof).verdict in ALARMS


def least(work: Callable[[], object], rounds: int) -> float:
    """CPU seconds."""
    taken = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return min(taken)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="./dev bench audit", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tries", type=int, default=4, help="places at which each kind of tampering is tried")
    asked = parser.parse_args()
    events = [event(number) for number in range(asked.entries)]
    with tempfile.TemporaryDirectory() as folder:
        appended = []
        for number in range(asked.rounds):
            log = AuditLog(Path(folder) / str(number), KEY, entropy=os.urandom, program="bench", software="bench")
            log.open(NOW_MS)
            begun = time.process_time()
            for place, (kind, said) in enumerate(events):
                log.append(kind, said, NOW_MS + place)
            log.flush()
            appended.append((time.process_time() - begun) / asked.entries)
            log.close(NOW_MS)
        last = Path(folder) / str(asked.rounds - 1)
        lines = [line + b"\n" for _, file in segments_of(last) for line in read_lines(file)]
        in_files = least(lambda: verify_folder(last, KEY.public), asked.rounds)
    print(f"append            {1e6 * min(appended):6.1f} us an entry, to the system (goal 50)")
    verified = least(lambda: verify_lines(lines).tree.root(), asked.rounds)
    print(f"verify            {verified:6.2f} s for {len(lines)} entries, with the root (goal 1)")
    print(f"verify, of files  {in_files:6.2f} s")
    print(f"a line            {sum(map(len, lines)) / len(lines):6.0f} bytes")
    chain, entries = Chain(), []
    for place, (kind, said) in enumerate(events):
        entries.append(chain.append(kind, said, now_ms=NOW_MS + place, entropy=os.urandom))
    grown = least(lambda: chain.tree.consistency(asked.entries // 3, asked.entries), asked.rounds)
    hashes = len(chain.tree.consistency(asked.entries // 3, asked.entries))
    print(f"a proof           {1e6 * grown:6.0f} us, {hashes} hashes")
    random, tried, caught = Random(1), 0, 0
    for what, tamper in TAMPERING.items():
        found = 0
        for _ in range(asked.tries):
            at = random.randrange(1, asked.entries - 1)
            size = random.randrange(at + 1, asked.entries + 1)
            before = Chain()
            for entry in entries[:size]:
                before.add(entry)
            found += seen(before.head(KEY, NOW_MS), tamper(entries, at))
        tried, caught = tried + asked.tries, caught + found
        print(f"{what:<17} {found:6} of {asked.tries} noticed by a client with one earlier head")
    print(f"in all            {caught:6} of {tried}")


if __name__ == "__main__":
    main()
