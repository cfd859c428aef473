"""Session list: the sessions of a running host as `avl-host sessions` and `avl-host control` show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from avl_protocol.wire.foreign import for_terminal
from avl_protocol.wire.registry import PRESETS

if TYPE_CHECKING:
    from avl_protocol.rights.chain import ChainRights

#: The name of the running host's socket in the state folder.
SOCKET = "control.sock"

#: Who came by a code: nobody has signed who that is.
UNVERIFIED = "unverified"
#: Columns of a viewer's name at most.
NAME = 32
#: What the control code admits to, as the console calls it.
_ALL = {str(one.name).lower() for one in PRESETS["CODE"]}
_WAYS = {"none": "lost, kept"}


def whose(rights: ChainRights) -> str:
    """Who somebody is by the chain that was verified: as those say who signed it, the owner first."""
    if rights.owner:
        return f"owner: {rights.name}" if rights.name else "owner"
    return f"{rights.name or 'somebody'} ({rights.role})" if rights.role else rights.name or "somebody"


def table(sessions: list[dict[str, Any]]) -> str:
    """One line a session, with a heading."""
    if not sessions:
        return "nobody is here"
    rows = [("SESSION", "DEVICE", "MAY", "FOR", "WAY", "DELAY", "WHO", "NAME")]
    for one in sessions:
        rows.append(
            (
                str(int(one["number"])),
                for_terminal(str(one["device"])),
                _permissions(one["permissions"]),
                span(float(one["seconds"])),
                _WAYS.get(one["way"], for_terminal(str(one["way"]))),
                "-" if one.get("delay_ms") is None else f"{int(one['delay_ms'])} ms",
                for_terminal(str(one.get("who") or UNVERIFIED), NAME),
                for_terminal(str(one["name"]), NAME),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    )


#: What the mode of control means to the person at the host.
_MODES = {
    "shared": "everybody below who may act does",
    "one": "one viewer at a time acts",
    "host": "nobody but you acts",
}


def control_table(answer: dict[str, Any]) -> str:
    """Who has control: the rule, then one line for each viewer that may act or draw."""
    lines = [_MODES.get(answer["mode"], for_terminal(str(answer["mode"])))]
    for one in answer["people"]:
        what = (
            "has control"
            if one["holds"]
            else "asks for control"
            if one["asks"]
            else ""
            if one["acts"]
            else "draws only"
        )
        lines.append(f"  {int(one['number']):>4}  {for_terminal(str(one['name']), NAME):{NAME}}  {what}".rstrip())
    return "\n".join(lines)


def _permissions(names: list[Any]) -> str:
    given = {str(name) for name in names} & _ALL
    return "everything" if given == _ALL else ",".join(sorted(given))


def span(seconds: float) -> str:
    """A span of time in its largest unit."""
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"
