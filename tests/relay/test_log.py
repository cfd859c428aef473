"""What a relay logs is one line of ASCII, whatever stands in an event."""

from __future__ import annotations

import subprocess
import sys


def test_an_event_is_one_line_whatever_a_stranger_called_itself() -> None:
    program = (
        "import structlog; from avl_relay.operators.log import configure_log; configure_log(); "
        "structlog.get_logger('relay').info('host online', device='\\x1b[2J\\n\\u202e' + 'x' * 5000, why=None, port=7)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    (line,) = done.stderr.splitlines()
    assert "x1b" in line and "port=7" in line
    assert line.isascii() and line.isprintable() and len(line) < 400
