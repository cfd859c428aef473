"""LV(x), the length-value encoding that keeps concatenated inputs of hashes apart (spec 06-security, notation)."""

from __future__ import annotations


def lv(*parts: bytes) -> bytes:
    """Each part preceded by its length in unsigned LEB128, all concatenated (as in draft-irtf-cfrg-cpace-21)."""
    out = bytearray()
    for part in parts:
        length = len(part)
        while length > 0x7F:
            out.append(length & 0x7F | 0x80)
            length >>= 7
        out.append(length)
        out += part
    return bytes(out)
