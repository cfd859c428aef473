"""Writer: bits of headers, for vectors of what is read bit by bit."""

from __future__ import annotations

#: What a NAL unit begins with (H.264, annex B).
START = b"\x00\x00\x00\x01"


class Writer:
    """Bits, those of a NAL unit among them (H.264, 7.2 and 9.1)."""

    def __init__(self) -> None:
        self._bits = ""

    def bits(self, value: int, count: int) -> Writer:
        """u(n)."""
        self._bits += f"{value:0{count}b}"
        return self

    def numbers(self, *values: int) -> Writer:
        """ue(v), each."""
        for value in values:
            digits = f"{value + 1:b}"
            self._bits += "0" * (len(digits) - 1) + digits
        return self

    def data(self) -> bytes:
        """What was written, filled up with zeros."""
        bits = self._bits + "0" * (-len(self._bits) % 8)
        return int(bits or "0", 2).to_bytes(len(bits) // 8, "big")

    def unit(self, header: bytes) -> bytes:
        """A NAL unit, with its start code, stop bit and emulation prevention."""
        self._bits += "1"
        out = bytearray()
        for byte in self.data():
            if out[-2:] == b"\x00\x00" and byte <= 3:
                out.append(3)
            out.append(byte)
        return START + header + bytes(out)
