"""The command `avl`: in a session that is held where there is one, else by itself (cli.py).

A command in a held session is a question to another process. It loads next to nothing, so that it takes a fraction of
what coming in takes.
"""

from __future__ import annotations

import base64
import os
import sys
from pathlib import Path

from avl_protocol.endpoint.program.folders import default_folder
from avl_protocol.endpoint.program.localcontrol import ControlError, NobodyThere, ask
from avl_protocol.wire.device_id import from_text
from avl_viewer.held.sockets import ACTIONS, device_called, socket_of

#: Seconds that a command may take in a held session: `avl stats --seconds` and long texts included.
PATIENCE = 24 * 3600.0
#: Options with which a command wants a session of its own.
OWN = ("--code", "--qlog", "--timeout", "--help")


def main() -> None:
    """Run the command line."""
    arguments = sys.argv[1:]
    path = _held_socket(arguments)
    status = _in_session(path, arguments) if path is not None else None
    if status is not None:
        sys.exit(status)
    from avl_viewer.cli import main as alone

    alone()


def _held_socket(arguments: list[str]) -> Path | None:
    """Where the session that these arguments mean is held; None when there is none, or another is wanted."""
    if not arguments or arguments[0] not in ACTIONS or any(one.split("=")[0] in OWN for one in arguments):
        return None
    state = next((arguments[at + 1] for at, one in enumerate(arguments[:-1]) if one == "--state"), "")
    state = next((one.partition("=")[2] for one in arguments if one.startswith("--state=")), state)
    folder = Path(state) if state else default_folder("viewer")
    device = _device(arguments, folder)
    if device is None:
        return None
    path = socket_of(folder, device)
    return path if path.exists() else None


def _device(arguments: list[str], folder: Path) -> int | None:
    """The device that a target, or a name in its place, means."""
    target = next((one for one in arguments if one.startswith("avl://")), "")
    if not target:
        return device_called(folder, arguments[1]) if len(arguments) > 1 else None
    try:
        return from_text(target.rpartition("/")[2].partition("?")[0])
    except ValueError:
        return None


def _in_session(path: Path, arguments: list[str]) -> int | None:
    """Let the holder run the command; its exit status, or None when nobody holds the session any more."""
    given = sys.stdin.buffer.read() if "-" in arguments else b""
    token = f"{os.getpid()}"
    request = {
        "do": "run",
        "arguments": arguments,
        "folder": os.getcwd(),
        "input": base64.b64encode(given).decode(),
        "terminal": sys.stdout.isatty(),
        "token": token,
    }
    try:
        answer = ask(path, request, PATIENCE)
    except NobodyThere:
        if given:
            sys.stderr.write("avl: the held session has just ended; connect again\n")
            return 4
        return None
    except ControlError as error:
        from avl_protocol.wire.foreign import for_terminal

        sys.stderr.write(for_terminal(f"avl: {error}\n", None, lines=True))
        return 1
    except KeyboardInterrupt:
        ask(path, {"do": "cancel", "token": token})
        return 130
    for stream, text in ((sys.stdout, answer["out"]), (sys.stderr, answer["err"])):
        stream.buffer.write(text.encode("utf-8", "surrogateescape"))  # as the command wrote it, for this very terminal
        stream.flush()
    return int(answer["status"])
