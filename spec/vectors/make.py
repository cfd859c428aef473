"""Writes the vectors beside it, the same bytes on every run: `python -m spec.vectors.make [--check]` at the root.

Each file holds one subject: inputs, what they become, and inputs that must be refused with a named close code. The
Python side made them; the JavaScript side and every other implementation is held to them, and Python itself to what was
published once. `kem.json` is the one file that is read, not written: ML-KEM draws at random when it encapsulates, so a
key, a ciphertext and a secret were drawn once.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from spec.vectors import (
    audit_cases,
    bounds_cases,
    carrier_cases,
    channel_cases,
    crypto_cases,
    exact_cases,
    feedback_cases,
    file_cases,
    gesture_cases,
    handshake_cases,
    input_cases,
    message_cases,
    parity_cases,
    path_cases,
    picture_cases,
    plan_cases,
    rights_cases,
    selector_cases,
    sound_cases,
    track_cases,
    wire_cases,
)

HERE = Path(__file__).resolve().parent


def vectors() -> dict[str, Any]:
    """File name without suffix -> its content."""
    kem = json.loads((HERE / "kem.json").read_text("utf-8"))
    return {
        "varint": wire_cases.varints(),
        "packing": wire_cases.packings(),
        "datagram": wire_cases.datagrams(),
        "carrier": carrier_cases.carriers(),
        "parity": parity_cases.parities(),
        "bounds": bounds_cases.cases(),
        "track": track_cases.tracks(),
        "exact": exact_cases.exacts(),
        "sound": sound_cases.sounds(),
        "jitter": sound_cases.jitters(),
        "feedback": feedback_cases.feedbacks(),
        "device_id": wire_cases.device_ids(),
        "target": wire_cases.targets(),
        "clipformats": wire_cases.clipformats_of(),
        "cliptext": wire_cases.cliptexts(),
        "typable": wire_cases.typables(),
        "messages": message_cases.all_tables(),
        "files": file_cases.files(),
        "identity": crypto_cases.identities(),
        "cpace": crypto_cases.agreements(),
        "record": crypto_cases.records(),
        "sframe": crypto_cases.objects(),
        "channel": channel_cases.channels(),
        "punch": path_cases.punches(),
        "selector": selector_cases.selectors(),
        "silence": selector_cases.silences(),
        "plan": plan_cases.plans(),
        "outbox": input_cases.outboxes(),
        "inputledger": input_cases.ledgers(),
        "inputsender": input_cases.senders(),
        "inputgate": input_cases.gates(),
        "gestures": gesture_cases.gestures(),
        "rights": rights_cases.rights(),
        "lastpicture": picture_cases.last_pictures(),
        "audit": audit_cases.audits(),
        "handshake": handshake_cases.handshakes(kem),
    }


def text(content: Any) -> str:
    """A file as it is committed."""
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Write all files, or compare them with `--check`."""
    stale = []
    for name, content in vectors().items():
        path = HERE / f"{name}.json"
        if "--check" not in sys.argv:
            path.write_text(text(content), encoding="utf-8")
        elif not path.exists() or path.read_text("utf-8") != text(content):
            stale.append(path.name)
    if stale:
        print("differ from what was published, run python -m spec.vectors.make:", ", ".join(stale), file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
