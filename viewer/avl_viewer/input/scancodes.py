"""Scan codes of the window system -> USB HID usages (page 7): by the place of a key, not its label.

X11 and Wayland number keys as the Linux kernel does (input-event-codes.h), plus 8. Elsewhere Qt's own names serve.
"""

from __future__ import annotations

from PySide6.QtCore import Qt

#: The kernel's key code -> HID usage, from "HID Usage Tables" section 10 and the kernel's own translation of it.
KERNEL: dict[int, int] = {
    **dict(zip(range(2, 12), range(0x1E, 0x28), strict=True)),  # 1 to 0
    **dict(zip(range(16, 26), (0x14, 0x1A, 0x08, 0x15, 0x17, 0x1C, 0x18, 0x0C, 0x12, 0x13), strict=True)),  # Q to P
    **dict(zip(range(30, 39), (0x04, 0x16, 0x07, 0x09, 0x0A, 0x0B, 0x0D, 0x0E, 0x0F), strict=True)),  # A to L
    **dict(zip(range(44, 51), (0x1D, 0x1B, 0x06, 0x19, 0x05, 0x11, 0x10), strict=True)),  # Z to M
    **dict(zip(range(59, 69), range(0x3A, 0x44), strict=True)),  # F1 to F10
    **dict(zip((87, 88), (0x44, 0x45), strict=True)),  # F11, F12
    **dict(zip(range(183, 195), range(0x68, 0x74), strict=True)),  # F13 to F24
    **dict(zip((82, 79, 80, 81, 75, 76, 77, 71, 72, 73), (0x62, *range(0x59, 0x62)), strict=True)),  # keypad 0 to 9
    1: 0x29,  # Escape
    12: 0x2D,  # Minus
    13: 0x2E,  # Equal
    14: 0x2A,  # Backspace
    15: 0x2B,  # Tab
    26: 0x2F,  # left bracket
    27: 0x30,  # right bracket
    28: 0x28,  # Enter
    39: 0x33,  # Semicolon
    40: 0x34,  # Quote
    41: 0x35,  # Backquote
    43: 0x31,  # Backslash
    51: 0x36,  # Comma
    52: 0x37,  # Period
    53: 0x38,  # Slash
    57: 0x2C,  # Space
    58: 0x39,  # Caps Lock
    69: 0x53,  # Num Lock
    70: 0x47,  # Scroll Lock
    86: 0x64,  # the key beside left Shift
    # keypad
    55: 0x55,
    74: 0x56,
    78: 0x57,
    83: 0x63,
    96: 0x58,
    98: 0x54,
    117: 0x67,
    121: 0x85,
    # navigation
    99: 0x46,  # Print Screen
    119: 0x48,  # Pause
    102: 0x4A,  # Home
    103: 0x52,  # Up
    104: 0x4B,  # Page Up
    105: 0x50,  # Left
    106: 0x4F,  # Right
    107: 0x4D,  # End
    108: 0x51,  # Down
    109: 0x4E,  # Page Down
    110: 0x49,  # Insert
    111: 0x4C,  # Delete
    # Japanese and Korean
    85: 0x94,
    89: 0x87,
    90: 0x92,
    91: 0x93,
    92: 0x8A,
    93: 0x88,
    94: 0x8B,
    95: 0x8C,
    122: 0x90,
    123: 0x91,
    124: 0x89,
    # media and editing keys of page 7
    113: 0x7F,
    114: 0x81,
    115: 0x80,
    116: 0x66,
    127: 0x65,  # Menu
    128: 0x78,
    129: 0x79,
    130: 0x76,
    131: 0x7A,
    132: 0x77,
    133: 0x7C,
    134: 0x74,
    135: 0x7D,
    136: 0x7E,
    137: 0x7B,
    138: 0x75,
    # modifiers
    29: 0xE0,
    42: 0xE1,
    56: 0xE2,
    125: 0xE3,
    97: 0xE4,
    54: 0xE5,
    100: 0xE6,
    126: 0xE7,
}

_K = Qt.Key
_NAMED: dict[int, int] = {
    **{int(_K.Key_A) + index: 0x04 + index for index in range(26)},
    **{int(_K.Key_1) + index: 0x1E + index for index in range(9)},
    **{int(_K.Key_F1) + index: 0x3A + index for index in range(12)},
    **{int(_K.Key_F13) + index: 0x68 + index for index in range(12)},
    int(_K.Key_0): 0x27,
    int(_K.Key_Return): 0x28,
    int(_K.Key_Escape): 0x29,
    int(_K.Key_Backspace): 0x2A,
    int(_K.Key_Tab): 0x2B,
    int(_K.Key_Backtab): 0x2B,
    int(_K.Key_Space): 0x2C,
    int(_K.Key_Minus): 0x2D,
    int(_K.Key_Equal): 0x2E,
    int(_K.Key_BracketLeft): 0x2F,
    int(_K.Key_BracketRight): 0x30,
    int(_K.Key_Backslash): 0x31,
    int(_K.Key_Semicolon): 0x33,
    int(_K.Key_Apostrophe): 0x34,
    int(_K.Key_QuoteLeft): 0x35,
    int(_K.Key_Comma): 0x36,
    int(_K.Key_Period): 0x37,
    int(_K.Key_Slash): 0x38,
    int(_K.Key_CapsLock): 0x39,
    int(_K.Key_Print): 0x46,
    int(_K.Key_ScrollLock): 0x47,
    int(_K.Key_Pause): 0x48,
    int(_K.Key_Insert): 0x49,
    int(_K.Key_Home): 0x4A,
    int(_K.Key_PageUp): 0x4B,
    int(_K.Key_Delete): 0x4C,
    int(_K.Key_End): 0x4D,
    int(_K.Key_PageDown): 0x4E,
    int(_K.Key_Right): 0x4F,
    int(_K.Key_Left): 0x50,
    int(_K.Key_Down): 0x51,
    int(_K.Key_Up): 0x52,
    int(_K.Key_NumLock): 0x53,
    int(_K.Key_Enter): 0x58,
    int(_K.Key_Menu): 0x65,
    int(_K.Key_Control): 0xE0,
    int(_K.Key_Shift): 0xE1,
    int(_K.Key_Alt): 0xE2,
    int(_K.Key_Meta): 0xE3,
    int(_K.Key_AltGr): 0xE6,
}

#: Keys of the keypad by Qt's name, with Num Lock on and off.
_KEYPAD: dict[int, int] = {
    **{int(_K.Key_1) + index: 0x59 + index for index in range(9)},
    int(_K.Key_0): 0x62,
    int(_K.Key_Period): 0x63,
    int(_K.Key_Comma): 0x63,
    int(_K.Key_Slash): 0x54,
    int(_K.Key_Asterisk): 0x55,
    int(_K.Key_Minus): 0x56,
    int(_K.Key_Plus): 0x57,
    int(_K.Key_Enter): 0x58,
    int(_K.Key_Equal): 0x67,
    int(_K.Key_End): 0x59,
    int(_K.Key_Down): 0x5A,
    int(_K.Key_PageDown): 0x5B,
    int(_K.Key_Left): 0x5C,
    int(_K.Key_Clear): 0x5D,
    int(_K.Key_Right): 0x5E,
    int(_K.Key_Home): 0x5F,
    int(_K.Key_Up): 0x60,
    int(_K.Key_PageUp): 0x61,
    int(_K.Key_Insert): 0x62,
    int(_K.Key_Delete): 0x63,
}
#: The arrows, which macOS counts among the keypad.
_ARROWS = frozenset(int(key) for key in (_K.Key_Left, _K.Key_Right, _K.Key_Up, _K.Key_Down))

#: What Qt calls the platforms that number keys as the kernel does, plus 8.
KERNEL_PLATFORMS = ("xcb", "wayland")


def usage(platform: str, scan_code: int, key: int, keypad: bool = False) -> int | None:
    """The HID usage of a key event: Qt's platform name, nativeScanCode(), key() and its KeypadModifier. None for a key
    without a usage.
    """
    if platform in KERNEL_PLATFORMS and (found := KERNEL.get(scan_code - 8)) is not None:
        return found
    if keypad and not (platform == "cocoa" and key in _ARROWS) and key in _KEYPAD:
        return _KEYPAD[key]
    return _NAMED.get(key)
