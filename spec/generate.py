"""Generates wire/registry.py and web/wire/registry.js from registry.json; `--check` fails when they differ from what
is committed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / "protocol/avl_protocol/wire/registry.py"
SCRIPT = ROOT / "viewer/avl_viewer/web/wire/registry.js"

#: registry section -> (Python enum, base class, JavaScript constant)
ENUMS = {
    "stream_types": ("StreamType", "IntEnum", "STREAM"),
    "channels": ("Channel", "IntEnum", "CHANNEL"),
    "datagram_types": ("DatagramType", "IntEnum", "DATAGRAM"),
    "raw_types": ("RawType", "IntEnum", "RAW"),
    "carrier_frames": ("CarrierFrame", "IntEnum", "CARRIER_FRAME"),
    "candidate_kinds": ("CandidateKind", "IntEnum", "CANDIDATE"),
    "object_flags": ("ObjectFlag", "IntFlag", "FLAG"),
    "track_kinds": ("TrackKind", "IntEnum", "TRACK_KIND"),
    "track_entries": ("TrackEntry", "IntEnum", "TRACK_ENTRY"),
    "exact_codings": ("ExactCoding", "IntEnum", "EXACT_CODING"),
    "priorities": ("Priority", "IntEnum", "PRIORITY"),
    "roles": ("Role", "IntEnum", "ROLE"),
    "record_types": ("RecordType", "IntEnum", "RECORD"),
    "permissions": ("Permission", "IntFlag", "PERMISSION"),
    "grant_refusals": ("GrantRefusal", "IntEnum", "GRANT_REFUSAL"),
    "rights_reasons": ("RightsReason", "IntEnum", "RIGHTS_REASON"),
    "modifiers": ("Modifier", "IntFlag", "MODIFIER"),
    "input_events": ("InputKind", "IntEnum", "INPUT"),
    "input_devices": ("InputDevice", "IntFlag", "INPUT_DEVICE"),
    "touch_phases": ("TouchPhase", "IntEnum", "TOUCH_PHASE"),
    "pen_states": ("PenState", "IntFlag", "PEN_STATE"),
    "clipboard_states": ("ClipboardState", "IntEnum", "CLIPBOARD_STATE"),
    "file_kinds": ("FileKind", "IntEnum", "FILE_KIND"),
    "file_overwrites": ("FileOverwrite", "IntEnum", "FILE_OVERWRITE"),
    "file_verdicts": ("FileVerdict", "IntEnum", "FILE_VERDICT"),
    "file_reasons": ("FileReason", "IntEnum", "FILE_REASON"),
    "sound_states": ("SoundState", "IntEnum", "SOUND_STATE"),
    "microphone_states": ("MicrophoneState", "IntEnum", "MICROPHONE_STATE"),
    "control_modes": ("ControlMode", "IntEnum", "CONTROL_MODE"),
    "control_acts": ("ControlAct", "IntEnum", "CONTROL_ACT"),
    "fit_states": ("FitState", "IntEnum", "FIT_STATE"),
    "chroma": ("Chroma", "IntEnum", "CHROMA"),
    "codecs": ("VideoCodec", "IntEnum", "CODEC"),
}
MESSAGES = {
    "hop_messages": "HOP",
    "control_messages": "CONTROL",
    "input_messages": "INPUT",
    "bulk_messages": "BULK",
    "file_messages": "FILE",
    "sound_messages": "SOUND",
    "handshake_payloads": "HANDSHAKE",
}


def python_text(registry: dict[str, Any]) -> str:
    """The Python module."""
    protocol = registry["protocol"]
    out = [
        '"""Every number that travels, generated from spec/registry.json by spec/generate.py: do not edit."""',
        "",
        "# ruff: noqa: E501",
        "",
        "from __future__ import annotations",
        "",
        "from enum import IntEnum, IntFlag",
        "",
        f'LABEL = "{protocol["label"]}"',
        f'ALPN = "{protocol["alpn"]}"',
        f'PATH = "{protocol["path"]}"',
        f"HOP_VERSIONS = {tuple(protocol['hop_versions'])}",
        f"SESSION_VERSIONS = {tuple(protocol['session_versions'])}",
        f"CELL = {protocol['cell']}  # pixels of a cell's side (05-media, 5.7.1)",
        "",
    ]
    for name, (value, about) in registry["limits"].items():
        out.append(f"MAX_{name} = {value}  # {about}")
    out.append("")
    for name, (value, about) in registry["timers_ms"].items():
        out.append(f"T_{name} = {value / 1000}  # seconds: {about}")
    out += ["", "# Timing of paths, in seconds (spec 08-paths)."]
    for name, (value, about) in registry["path_timers_ms"].items():
        seconds = tuple(one / 1000 for one in value) if isinstance(value, list) else value / 1000
        out.append(f"T_PATH_{name} = {seconds}  # {about}")
    out += [f"PATH_{name} = {value}  # {about}" for name, (value, about) in registry["path_factors"].items()]
    for section, (name, base, _) in ENUMS.items():
        out += ["", "", f"class {name}({base}):", f'    """Registry section "{section}"."""', ""]
        for member, (value, about, *_) in registry[section].items():
            out.append(f"    {member} = {value}  # {about}")
    out += ["", "", "#: channel -> (permissions, any of which opens it; none: it is always open, whether it is bulk)"]
    out += ["CHANNELS: dict[int, tuple[Permission, bool]] = {"]
    for name, (_, _, row) in registry["channels"].items():
        opened = " | ".join(f"Permission.{one}" for one in row["opened_by"]) or "Permission(0)"
        out.append(f"    Channel.{name}: ({opened}, {row['bulk']}),")
    out.append("}")
    lanes = ", ".join(f"Channel.{name}" for name, (_, _, row) in registry["channels"].items() if row.get("lane"))
    out += ["#: channels that are opened when they are first needed", f"LANES: tuple[Channel, ...] = ({lanes})"]
    out += ["", "", "#: permission -> what who has it may", "PERMISSION_WORDS: dict[Permission, str] = {"]
    out += [f'    Permission.{name}: "{about}",' for name, (_, about) in registry["permissions"].items()]
    out.append("}")
    out += ["", "", "#: role -> the permissions that it stands for", "PRESETS: dict[str, Permission] = {"]
    for name, (members, about) in registry["presets"].items():
        listed = " | ".join(f"Permission.{member}" for member in members)
        out.append(f'    "{name}": {listed},  # {about}')
    out.append("}")
    out += ["", "", "#: why a grant is refused -> the sentence a person is shown", "GRANT_REFUSALS: dict[int, str] = {"]
    out += [f'    GrantRefusal.{name}: "{about}",' for name, (_, about) in registry["grant_refusals"].items()]
    out.append("}")
    out += [
        "",
        "",
        "#: why a file was not copied -> the sentence a person is shown",
        "FILE_REASONS: dict[int, str] = {",
    ]
    out += [f'    FileReason.{name}: "{about}",' for name, (_, about) in registry["file_reasons"].items()]
    out.append("}")
    out += ["", "", "class CloseCode(IntEnum):"]
    out += ['    """Why a connection or a session ended; registry section "close_codes"."""', ""]
    codes = registry["close_codes"]
    out += [f"    {name} = {row[0]}" for name, row in codes.items()]
    out += ["", "", "#: code -> (whose range, exit code of the command line, the sentence a person is shown)"]
    out += ["CLOSE_CODES: dict[CloseCode, tuple[str, int, str]] = {"]
    out += [f'    CloseCode.{name}: ("{row[1]}", {row[2]}, "{row[3]}"),' for name, row in codes.items()]
    out.append("}")
    for name, (members, about) in registry["close_classes"].items():
        listed = ", ".join(f"CloseCode.{member}" for member in members)
        out += ["", f"#: {about[0].upper()}{about[1:]}.", f"{name}: frozenset[CloseCode] = frozenset(({listed}))"]
    out += ["", "#: message name -> (number, ((key, field, type), ...)), one table for each kind of stream"]
    for section, constant in MESSAGES.items():
        out += [f"{constant}_MESSAGES: dict[str, tuple[int, tuple[tuple[int, str, str], ...]]] = {{"]
        for name, message in registry[section].items():
            fields = "".join(f'({key}, "{field}", "{kind}"), ' for key, field, kind, *_ in message["fields"]).rstrip()
            out.append(f'    "{name}": ({message["number"]}, ({fields})),')
        out += ["}"]
    return "\n".join(out) + "\n"


def script_text(registry: dict[str, Any]) -> str:
    """The JavaScript module."""
    protocol = registry["protocol"]
    out = ["// Every number that travels, generated from spec/registry.json by spec/generate.py: do not edit.", ""]
    for name, value in protocol.items():
        out.append(f"export const {name.upper()} = {json.dumps(value)};")
    out.append("export const MAX = Object.freeze({")
    out += [f"  {name}: {value}," for name, (value, _) in registry["limits"].items()]
    out += ["});", "/** Milliseconds. */", "export const TIMER = Object.freeze({"]
    out += [f"  {name}: {value}," for name, (value, _) in registry["timers_ms"].items()]
    out.append("});")
    out += ["/** Timing of paths, in milliseconds. */", "export const PATH_TIMER = Object.freeze({"]
    out += [f"  {name}: {json.dumps(value)}," for name, (value, _) in registry["path_timers_ms"].items()]
    out += ["});", "export const PATH_FACTOR = Object.freeze({"]
    out += [f"  {name}: {value}," for name, (value, _) in registry["path_factors"].items()]
    out.append("});")
    for section, (_, _, constant) in ENUMS.items():
        out += [f"export const {constant} = Object.freeze({{"]
        out += [f"  {name}: {row[0]}," for name, row in registry[section].items()]
        out.append("});")
    out += ["/** Permission -> what who has it may. */", "export const PERMISSION_WORDS = Object.freeze({"]
    out += [f"  {number}: {json.dumps(about)}," for number, about in registry["permissions"].values()]
    out.append("});")
    out += ["/** Role -> the permissions that it stands for. */", "export const PRESETS = Object.freeze({"]
    for name, (members, _) in registry["presets"].items():
        out.append(f"  {name}: {sum(registry['permissions'][member][0] for member in members)},")
    out += ["});", "/** Why a grant is refused -> the sentence a person is shown. */"]
    out += ["export const GRANT_REFUSALS = Object.freeze({"]
    out += [f"  {number}: {json.dumps(about)}," for number, about in registry["grant_refusals"].values()]
    out += ["});", "/** Why a file was not copied -> the sentence a person is shown. */"]
    out += ["export const FILE_REASONS = Object.freeze({"]
    out += [f"  {number}: {json.dumps(about)}," for number, about in registry["file_reasons"].values()]
    out.append("});")
    out += ["export const CLOSE = Object.freeze({"]
    out += [f"  {name}: {row[0]}," for name, row in registry["close_codes"].items()]
    out += ["});", "/** Close code -> the sentence a person is shown. */", "export const CLOSE_TEXT = Object.freeze({"]
    out += [f"  {row[0]}: {json.dumps(row[3])}," for row in registry["close_codes"].values()]
    out.append("});")
    for name, (members, about) in registry["close_classes"].items():
        listed = ", ".join(str(registry["close_codes"][member][0]) for member in members)
        out += [f"/** {about[0].upper()}{about[1:]}. @type {{ReadonlySet<number>}} */"]
        out += [f"export const {name} = new Set([{listed}]);"]
    for section, constant in MESSAGES.items():
        out += ["/** Message name -> [number, [[key, field, type, default], ...]]; no default: it has to be there. */"]
        out += [f"export const {constant}_MESSAGES = Object.freeze({{"]
        for name, message in registry[section].items():
            out.append(f"  {name}: {json.dumps([message['number'], message['fields']])},")
        out.append("});")
    out += ["/** Channel -> permissions, any of which opens it (0: always open), whether it is bulk, its messages. */"]
    out += ["export const CHANNELS = Object.freeze({"]
    for number, _, row in registry["channels"].values():
        opened = sum(registry["permissions"][one][0] for one in row["opened_by"])
        table = f"{MESSAGES[row['messages']]}_MESSAGES"
        out.append(f"  {number}: {{ openedBy: {opened}, bulk: {json.dumps(row['bulk'])}, messages: {table} }},")
    out.append("});")
    lanes = [number for number, _, row in registry["channels"].values() if row.get("lane")]
    out += ["/** Channels that are opened when they are first needed. @type {ReadonlySet<number>} */"]
    out.append(f"export const LANES = new Set({json.dumps(lanes)});")
    return "\n".join(out) + "\n"


def main() -> int:
    """Write both files, or compare them with `--check`."""
    registry = json.loads((ROOT / "spec/registry.json").read_text(encoding="utf-8"))
    stale = []
    for path, text in ((PYTHON, python_text(registry)), (SCRIPT, script_text(registry))):
        if "--check" in sys.argv:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(str(path.relative_to(ROOT)))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if stale:
        print("out of date, run spec/generate.py:", ", ".join(stale), file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
