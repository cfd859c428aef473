"""A browser that fills the screen with one page."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from interop.bench.rig.layout import SIZE
from interop.cdp import FLAGS

_KIOSK = [
    *(flag for flag in FLAGS if flag != "--remote-debugging-pipe"),
    "--kiosk",
    "--window-position=0,0",
    f"--window-size={SIZE[0]},{SIZE[1]}",
    "--test-type",
    "--deny-permission-prompts",
    "--password-store=basic",
    "--disable-features=Translate,MediaRouter,OptimizationHints",
]


def kiosk(url: str, profile: Path) -> list[str | Path]:
    """The command. Its page may do what pages of this machine and of TLS may, although it comes over a cable."""
    page = urlsplit(url)
    trusted = f"--unsafely-treat-insecure-origin-as-secure={page.scheme}://{page.netloc}"
    return ["chromium", *_KIOSK, trusted, f"--user-data-dir={profile}", url]
