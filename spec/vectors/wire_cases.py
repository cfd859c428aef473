"""Vectors of the wire's alphabet: integers, packing, datagram headers, device IDs, targets."""

from __future__ import annotations

from functools import partial
from typing import Any

from avl_protocol.crypto.identity import Identity
from avl_protocol.wire import clipfiles, clipformats, cliptext, datagram, device_id, packing, target, typable, varint
from avl_protocol.wire.datagram import MediaHeader
from avl_protocol.wire.registry import (
    MAX_CLIPBOARD_DATA,
    MAX_CLIPBOARD_FORMAT,
    MAX_CLIPBOARD_TEXT,
    MAX_FILE_PATH,
    MAX_FRAGMENT_PAYLOAD,
    DatagramType,
    ObjectFlag,
)
from spec.vectors.notation import drawn, error_of, tagged


def typables() -> dict[str, Any]:
    """Texts by code points, and where in each the first character is that can't be typed (3.4.3), from 0."""
    controls = [0x00, 0x08, 0x09, 0x0A, 0x0D, 0x1B, 0x1F, 0x7F, 0x85, 0x9F]
    surrogates = [0xD7FF, 0xD800, 0xDFFF, 0xE000]
    noncharacters = [0xFDCF, 0xFDD0, 0xFDEF, 0xFDF0, 0xFFFD, 0xFFFE, 0xFFFF, 0x10000, 0x1FFFE, 0x10FFFD, 0x10FFFF]
    without_a_glyph = [0x20, 0x7E, 0xA0, 0x378, 0x200B, 0x200D, 0x2028, 0x3000, 0xFEFF, 0x1FAE8]
    points = [*controls, *surrogates, *noncharacters, *without_a_glyph]
    texts = [[], *([point] for point in points), [0x61, 0x1F600, 0x1B, 0x07]]
    return {"texts": [{"points": text, "untypable": typable.untypable("".join(map(chr, text)))} for text in texts]}


def varints() -> dict[str, Any]:
    """RFC 9000, section 16, with its own examples. `wide`: beyond 53 bits, which only some implementations take."""
    values = [0, 1, 37, 63, 64, 15293, 16383, 16384, 494878333, (1 << 30) - 1, 1 << 30, (1 << 53) - 1]
    wide = [1 << 53, 151288809941952652, varint.MAX]
    longer = ["4025", "80000025", "c000000000000025"]
    return {
        "valid": [{"value": value, "encoded": varint.encode(value).hex()} for value in values],
        "wide": [{"value": str(value), "encoded": varint.encode(value).hex()} for value in wide],
        "longer_than_needed": [{"value": 37, "encoded": text} for text in longer],
        "cut": ["", "40", "800000", "c0000000000000"],
    }


def packings() -> dict[str, Any]:
    """Values with their one encoding, and bytes that are not one."""
    integers = [0, 1, 127, 128, 255, 256, 65535, 65536, (1 << 32) - 1, 1 << 32, (1 << 53) - 1, 1 << 53, (1 << 64) - 1]
    integers += [-1, -32, -33, -128, -129, -32768, -32769, -(1 << 31), -(1 << 31) - 1, -(1 << 53), -(1 << 63)]
    values: list[Any] = [None, False, True, *integers]
    values += ["", "a", "x" * 31, "x" * 32, "y" * 255, "y" * 256, "Zoë – 遠隔 \U0001f5a5", "\ufeffmark", "\0"]
    values += [b"", b"\0\xff", bytes(255), bytes(256)]
    values += [[], [1, "two", b"3", None, True], list(range(15)), list(range(16)), [[[[[[[[]]]]]]]]]
    values += [{}, {0: "a", 1: b"b"}, {-1: 0, 1 << 53: 1}, {n: n for n in range(15)}, {n: n for n in range(16)}]
    values += [{1: {2: {3: {4: {5: {6: {7: {8: None}}}}}}}}]
    bad = {
        "empty": "",
        "bytes left over": "c0c0",
        "cut text": "a36162",
        "cut list": "93c0",
        "cut length": "c5ff",
        "one byte where none is needed": "cc7f",
        "two bytes where one is enough": "cd00ff",
        "four bytes where two are enough": "ce0000ffff",
        "eight bytes where four are enough": "cf00000000ffffffff",
        "signed where unsigned is meant": "d07f",
        "signed byte where fewer bits are enough": "d0e0",
        "two signed bytes where one is enough": "d1ff80",
        "four signed bytes where two are enough": "d2ffff8000",
        "eight signed bytes where four are enough": "d3ffffffff80000000",
        "long text header": "d90161",
        "long text header of two bytes": "da000161",
        "long bytes header": "c50001ff",
        "long list header": "dc0001c0",
        "long map header": "de000100c0",
        "float": "ca3f800000",
        "double": "cb3ff0000000000000",
        "extension": "d40100",
        "never used": "c1",
        "text key": "81a16100",
        "boolean key": "81c300",
        "nil key": "81c000",
        "keys not ascending": "82010000 00".replace(" ", ""),
        "key twice": "8201000100",
        "text that is not UTF-8": "a1ff",
        "text with a surrogate": "a3eda080",
        "nested too deeply": "91" * 9 + "c0",
        "map nested too deeply": "8101" * 9 + "c0",
        "a length that lies": "dfffffffff",
    }
    return {
        "valid": [{"value": tagged(value), "encoded": packing.pack(value).hex()} for value in values],
        "invalid": [
            {"why": why, "encoded": text, "error": error_of(partial(packing.unpack, bytes.fromhex(text)))}
            for why, text in bad.items()
        ],
    }


def datagrams() -> dict[str, Any]:
    """Media headers with their fragments, and datagrams that are not well formed."""
    fragment = drawn("fragment", MAX_FRAGMENT_PAYLOAD)
    headers = [
        (
            MediaHeader(
                handle=1, type=DatagramType.MEDIA, track=1, object=0, flags=ObjectFlag.KEY, fragment=0, length=10
            ),
            fragment[:10],
        ),
        (
            MediaHeader(
                handle=300, type=DatagramType.MEDIA, track=255, object=(1 << 32) - 1, flags=15, fragment=0, length=5000
            ),
            fragment,
        ),
        (
            MediaHeader(handle=7, type=DatagramType.REPAIR, track=2, object=77, flags=0, fragment=4, length=5000),
            fragment[: 5000 - 4 * MAX_FRAGMENT_PAYLOAD],
        ),
        (
            MediaHeader(
                handle=16383,
                type=DatagramType.MEDIA,
                track=1,
                object=5,
                flags=0,
                fragment=1,
                length=2 * MAX_FRAGMENT_PAYLOAD,
            ),
            fragment,
        ),
        (
            MediaHeader(handle=7, type=DatagramType.PROBE, track=0, object=0, flags=0, fragment=0, length=0),
            fragment[:100],
        ),
        (
            MediaHeader(handle=7, type=DatagramType.PARITY, track=1, object=9, flags=0, fragment=3, length=64),
            fragment[:64],
        ),
        (
            MediaHeader(handle=7, type=DatagramType.PARITY, track=1, object=9, flags=0, fragment=127, length=5000),
            fragment,
        ),
        (
            MediaHeader(
                handle=7,
                type=DatagramType.PARITY,
                track=1,
                object=9,
                flags=0,
                fragment=128 + 127,
                length=128 * MAX_FRAGMENT_PAYLOAD + 5,
            ),
            fragment[:5],
        ),
    ]
    good = datagram.encode(*headers[0]).hex()
    bad = {
        "empty": "",
        "does not begin with zero": "01" + good[2:],
        "cut in its header": good[:14],
        "fragment too short": good[:-2],
        "fragment too long": good + "00",
        "object of no length": "0001000100000000010000",
        "object too large": "00010001000000000000" + "80100001" + fragment.hex(),
        "no such fragment": "000100010000000000" + "05" + "0a" + fragment[:10].hex(),
        "no such fragment, and nothing of it": "000100010000000000" + "05" + "0a",
        "parity of no length": "0001010100000000010000",
        "parity too short": "000101010000000000" + "05" + "0a" + fragment[:9].hex(),
        "parity too long": "000101010000000000" + "05" + "0a" + fragment[:11].hex(),
        "parity as short as the last fragment": "000101010000000000" + "00" + "5388" + fragment[:488].hex(),
        "parity of no such block": "000101010000000000" + "4080" + "0a" + fragment[:10].hex(),
        "over the limit": "00" + "00" * 1152,
    }
    return {
        "valid": [
            {
                "handle": header.handle,
                "type": int(header.type),
                "track": header.track,
                "object": header.object,
                "flags": int(header.flags),
                "fragment": header.fragment,
                "length": header.length,
                "payload": payload.hex(),
                "encoded": datagram.encode(header, payload).hex(),
            }
            for header, payload in headers
        ],
        "invalid": [
            {"why": why, "encoded": text, "error": error_of(partial(datagram.decode, bytes.fromhex(text)))}
            for why, text in bad.items()
        ],
    }


def device_ids() -> dict[str, Any]:
    """Public keys with numbers and IDs, IDs as people type them, IDs with errors, and codes as they are compared."""
    publics = [Identity(drawn(f"identity {number}", 32)).public for number in range(4)]
    identities = [Identity(drawn(f"identity {number}", 32)) for number in range(4)]
    text = identities[0].device_id
    swapped = next(n for n in range(27) if text[n] != text[n + 1] and "-" not in text[n : n + 2])
    return {
        "valid": [
            {"public": public.hex(), "number": one.number.to_bytes(17, "big").hex(), "text": one.device_id}
            for public, one in zip(publics, identities, strict=True)
        ]
        + [{"number": n.to_bytes(17, "big").hex(), "text": device_id.to_text(n)} for n in (0, 1, 1021, (1 << 130) - 1)],
        "typed": [
            {"typed": typed, "number": device_id.from_text(typed).to_bytes(17, "big").hex()}
            for typed in (
                text.lower(),
                text.replace("-", ""),
                f"  {text.replace('-', ' ')} ",
                text.replace("0", "o").replace("1", "l"),
                text.replace("1", "I").replace("0", "O"),
            )
        ],
        "invalid": [
            text[:-1],
            text + "0",
            "",
            text[:-1] + ("0" if text[-1] != "0" else "2"),
            text[:swapped] + text[swapped + 1] + text[swapped] + text[swapped + 2 :],
            "U" + text[1:],
            "é" + text[1:],
        ],
        "codes": [
            {"typed": typed, "normalised": device_id.normalise_code(typed)}
            for typed in ("7k3p-9qx2", " 7K3P 9QX2\n", "oil-OIL", "été 2", "", "–—", "a.b_c")
        ],
        "shown": [{"code": code, "shown": device_id.show_code(code)} for code in ("7K3P9QX2", "ABC", "ABCDE", "")],
    }


def clipformats_of() -> dict[str, Any]:
    """Names that systems have for formats, and what travels for them; rows of an offer, and what they offer."""
    names = ["image/png", "IMAGE/PNG", "text/html", "Text/HTML", "text/rtf", "application/rtf", "text/richtext"]
    names += ["image/x-ms-bmp", "image/jpg", "image/svg+xml", "text/plain;charset=utf-8", "text/plain", "UTF8_STRING"]
    names += [
        "TARGETS",
        "",
        "/",
        "image/",
        "image/a b",
        "image/a\n",
        "image/../etc/passwd",
        "image/\u00e4",
        "image/\u212a",
    ]
    names += ["image/" + "a" * (MAX_CLIPBOARD_FORMAT - 6), "image/" + "a" * (MAX_CLIPBOARD_FORMAT - 5)]
    names += ["text/uri-list", "application/x-avl-origin", "application/octet-stream", "text/html;charset=utf-16"]
    names += ["application/x-avl-files", "x-special/gnome-copied-files", "x-special/nautilus-clipboard"]
    rows: list[list[Any]] = [["image/png", 5], ["image/png", 7], ["text/html", 0], ["IMAGE/PNG", 1], ["image/bmp", -1]]
    rows += [[], ["image/gif"], [5, 5], ["image/gif", "5"], ["image/gif", True], ["text/uri-list", 4]]
    rows += [["image/tiff", MAX_CLIPBOARD_DATA], ["image/bmp", MAX_CLIPBOARD_DATA + 1], ["text/rtf", 9, "more"]]
    rows += [["application/x-avl-files", 0]]
    many = [[f"image/x-{number}", number] for number in range(40)]
    lists = [b"", b"/a\n/b c\n/a", "gr\u00fcn/\u6f22".encode(), b"/a\n\n\r\n/b\x7f\n/c\x00", b"/bad\xff"]
    lists += [
        "\n".join(map(str, range(300))).encode(),
        b"a" * (MAX_FILE_PATH + 1),
        "\u00e4".encode() * (MAX_FILE_PATH // 2),
    ]
    return {
        "names": [
            {"name": name, "format": (found := clipformats.format_of(name)), "kind": clipformats.kind_of(found)}
            for name in names
        ],
        "offers": [
            {"rows": each, "offered": [[one.name, one.size] for one in clipformats.offered(map(tuple, each))]}
            for each in (rows, many, [])
        ],
        "files": [{"data": each.hex(), "listed": list(clipfiles.listed(each))} for each in lists],
    }


def cliptexts() -> dict[str, Any]:
    """What a clipboard with a text holds, and what CLIPBOARD means. `units`: the text in UTF-16, `times` repeated;
    `begins`: what travels of one repetition, of `length` characters in all."""
    fits = MAX_CLIPBOARD_TEXT // 2
    texts = [
        ("a\r\nb\rc\nd\r\n", 1),
        ("\r\n\r\r", 1),
        ("", 1),
        ("\0", 1),
        ("a\0", 1),
        ("\ud83d", 1),
        ("a\ude00b", 1),
        ("\U0001f600", 1),
        ("\u00e4", fits),
        ("\u00e4", fits + 1),
        ("\r\n", MAX_CLIPBOARD_TEXT),
    ]
    contents = []
    for text, times in texts:
        state, whole = cliptext.as_told(cliptext.content_of(text * times))
        raw = text.encode("utf-16-be", "surrogatepass")
        units = [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]
        begins = whole[: len(whole) // times]
        contents.append({"units": units, "times": times, "state": state, "begins": begins, "length": len(whole)})
    told = [(0, "a\r\n"), (0, ""), (1, "ignored"), (3, ""), (5, ""), (99, "unknown")]
    means = [list(cliptext.as_told(cliptext.told(state, text))) for state, text in told]
    return {
        "contents": contents,
        "told": [
            {"state": state, "text": text, "means": mean} for (state, text), mean in zip(told, means, strict=True)
        ],
    }


def targets() -> dict[str, Any]:
    """Targets and relay addresses as people copy them, and what is none."""
    text = Identity(drawn("identity 0", 32)).device_id
    pin = target.show_pin(drawn("pin", 32))
    good = [
        f"avl://relay.example:4433/{text}?pin={pin}",
        f"avl://[::1]:443/{text}",
        f" avl://127.0.0.1:1/{text.lower().replace('-', '')}/ ",
        f"AVL://Relay.Example:65535/{text}?other=1&pin={pin}",
    ]
    bad = [
        "",
        f"https://relay.example:4433/{text}",
        f"avl://relay.example/{text}",
        f"avl://relay.example:0/{text}",
        f"avl://relay.example:99999/{text}",
        f"avl://:4433/{text}",
        f"avl://user@relay.example:4433/{text}",
        "avl://relay.example:4433/",
        f"avl://relay.example:4433/{text[:-2]}",
        f"avl://relay.example:4433/{text}?pin=short",
        f"avl://relay.example:4433/{text}?pin=",
        f"avl://::1:4433/{text}",
    ]
    for wrong in bad:
        try:
            target.parse_target(wrong)
        except ValueError:
            continue
        raise AssertionError(f"{wrong} should have been refused")
    parsed = [(one, target.parse_target(one)) for one in good]
    return {
        "valid": [
            {
                "text": one,
                "host": value.relay.host,
                "port": value.relay.port,
                "pin": value.relay.pin.hex() if value.relay.pin else None,
                "device": value.device.to_bytes(17, "big").hex(),
                "shown": str(value),
            }
            for one, value in parsed
        ],
        "invalid": bad,
        "relays": [
            {"text": one, "host": relay.host, "port": relay.port, "pin": relay.pin.hex() if relay.pin else None}
            for one in (f"relay.example:4433?pin={pin}", "[2001:db8::1]:4433", " 10.0.0.1:80 ")
            for relay in (target.parse_relay(one),)
        ],
    }
