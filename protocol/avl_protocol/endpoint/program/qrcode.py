"""An address as a QR code of characters, for a telephone held to a terminal."""

from __future__ import annotations

import io


def drawn(text: str) -> str:
    """The code in half blocks, with lines' ends; "" where segno, which draws it, is not installed."""
    try:
        import segno
    except ImportError:
        return ""
    out = io.StringIO()
    segno.make(text, micro=False, error="l").terminal(out, border=2, compact=True)
    return out.getvalue()
