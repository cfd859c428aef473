"""COMPOUND_TEXT: how X11 programs older than UTF-8 write every alphabet (X Consortium, Compound Text Encoding 1.1).

ISO 2022 with fixed starting sets: ASCII on the left, Latin-1 on the right. What Latin-1 lacks is written as a segment
of UTF-8, which every Xlib since XFree86 4 reads; all the sets that others write are read.
"""

from __future__ import annotations

import re

_UTF8_BEGIN, _UTF8_END = b"\x1b%G", b"\x1b%@"
#: Final byte -> codec, of sets of 96 (they sit on the right), of 94 (either side) and of 94 x 94 (either side).
_SETS_96 = {
    b"A": "iso8859-1",
    b"B": "iso8859-2",
    b"C": "iso8859-3",
    b"D": "iso8859-4",
    b"F": "iso8859-7",
    b"G": "iso8859-6",
    b"H": "iso8859-8",
    b"L": "iso8859-5",
    b"M": "iso8859-9",
    b"V": "iso8859-10",
    b"Y": "iso8859-13",
    b"_": "iso8859-14",
    b"b": "iso8859-15",
    b"f": "iso8859-16",
    b"T": "tis-620",
}
_SETS_94 = {b"B": "ascii", b"J": "ascii", b"I": "katakana"}
_SETS_94X94 = {b"A": "gb2312", b"B": "euc_jp", b"C": "euc_kr", b"D": "jisx0212"}
#: Everything that is no plain byte: a designation, a UTF-8 segment, an extended segment's head, a direction.
_ESCAPE = re.compile(
    rb"\x1b(?:%G(?P<utf8>.*?)(?:\x1b%@|$)|%/(?P<kind>[0-4])(?P<size>[\x80-\xff]{2})"
    rb"|(?P<side>[()\-]|\$[()]?)(?P<final>[0-~]))|\x9b[12]?\]",
    re.DOTALL,
)


def encode(text: str) -> bytes:
    """The bytes of a text."""
    out = b""
    for wide, run in _runs(text):
        out += _UTF8_BEGIN + run.encode() + _UTF8_END if wide else run.encode("latin-1")
    return out


def _runs(text: str) -> list[tuple[bool, str]]:
    """Stretches of plain characters, and of those that Latin-1 lacks or that would be taken for an escape."""
    found = re.findall(r"[\x00-\x1a\x1c-\x7e\xa0-\xff]+|[^\x00-\x1a\x1c-\x7e\xa0-\xff]+", text)
    return [(re.match(r"[\x00-\x1a\x1c-\x7e\xa0-\xff]", run) is None, run) for run in found]


def decode(data: bytes) -> str:
    """The text of these bytes. Raises UnicodeError for a set that is not known, and for bytes that it lacks."""
    left, right = "ascii", "iso8859-1"
    out, at = [], 0
    while (escape := _ESCAPE.search(data, at)) is not None:
        out.append(_plain(data[at : escape.start()], left, right))
        at = escape.end()
        if escape["utf8"] is not None:
            out.append(escape["utf8"].decode())
        elif escape["kind"] is not None:
            high, low = escape["size"]
            end = at + (high - 128) * 128 + low - 128
            name, _, content = data[at:end].partition(b"\x02")
            out.append(content.decode(_codec(name)))
            at = end
        elif escape["side"] is not None:
            side, final = escape["side"], escape["final"]
            table = _SETS_96 if side == b"-" else _SETS_94X94 if side.startswith(b"$") else _SETS_94
            if final not in table:
                raise UnicodeError(f"compound text of an unknown set {side + final!r}")
            if side in (b"-", b")", b"$)"):
                right = table[final]
            else:
                left = table[final]
    out.append(_plain(data[at:], left, right))
    return "".join(out)


def _codec(name: bytes) -> str:
    found = name.decode("ascii", "replace").lower()
    try:
        "".encode(found)
    except LookupError:
        raise UnicodeError(f"compound text in an unknown encoding {found!r}") from None
    return found


def _plain(data: bytes, left: str, right: str) -> str:
    """Bytes between escapes: control characters, and those of the left and of the right set."""
    out = []
    for run in re.findall(rb"[\x00-\x20\x7f-\x9f]+|[\x21-\x7e]+|[\xa0-\xff]+", data):
        side = left if run[0] < 0x7F else right
        if run[0] <= 0x20 or 0x7F <= run[0] < 0xA0:
            out.append(run.decode("latin-1"))
        elif side == "katakana":
            out.append(bytes(byte | 0x80 for byte in run).decode("shift_jis"))
        elif side == "jisx0212":
            out.append(_pairs(run, b"\x8f").decode("euc_jp"))
        elif side in _SETS_94X94.values():
            out.append(_pairs(run, b"").decode(side))
        else:
            out.append(run.decode(side))
    return "".join(out)


def _pairs(run: bytes, before: bytes) -> bytes:
    """Two bytes a character, as EUC writes them."""
    high = bytes(byte | 0x80 for byte in run)
    return b"".join(before + high[at : at + 2] for at in range(0, len(high), 2))
