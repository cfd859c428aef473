"""Last pictures in the console: sealed by a host that the test plays, opened in Chromium by the key it made itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import expect
from sqlalchemy import insert

from avl_host.lastpictures.photograph import jpeg
from avl_protocol.crypto import hpke
from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.rights import jws, lastpicture
from avl_protocol.rights.chain import Trust
from avl_protocol.rights.lastpicture import verify_reader
from avl_protocol.rights.statements import RevocationList, device_audience
from avl_protocol.wire.messages import About, LastPicture, Readers
from avl_protocol.wire.target import parse_address
from avl_relay.live import number_text
from avl_relay.store.engine import Store, database_url
from avl_relay.store.tables import devices
from interop.bench.attack.hops import endpoint_at, host
from tests.browser.operating import Console, Operating, operating, picture

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

DESK, STRANGER = Identity(entropy(32)), Identity(entropy(32))
NUMBER = number_text(DESK.number)
#: The colour in the middle of what is shown.
MIDDLE = """() => {
    const canvas = document.querySelector("[data-key] .shot canvas");
    return [...canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data];
}"""


def plain(blue: int, green: int, red: int) -> bytes:
    """A desktop of one colour."""
    return jpeg(np.full((1080, 1920, 4), (blue, green, red, 255), np.uint8))


class Host:
    """A host that leaves pictures for whoever its owner has signed."""

    def __init__(self, owner: bytes) -> None:
        self._trust = Trust(
            owner=owner,
            audiences=frozenset({device_audience(DESK.number)}),
            revocation=RevocationList(sequence=0, issued=int(time.time())),
        )
        self.told = asyncio.Event()
        self.rows: tuple[str, ...] = ()

    async def come(self, made: Operating) -> None:
        self._hop = hop = host(jws.decode(made.here.relay["pin"].replace("=", "")), DESK)
        hop.on_message = self._said
        self._endpoint = await endpoint_at("127.0.0.1")
        await hop.dial(parse_address(made.here.relay["quic"]), self._endpoint)
        hop.hop.send(About(name="desk", pictures=1))

    def _said(self, message: object) -> None:
        if isinstance(message, Readers) and message.readers:
            self.rows = message.readers
            self.told.set()

    def leave(self, image: bytes, taken: int, sealed: bytes | None = None) -> None:
        (row,) = self.rows
        key, _, _ = verify_reader(row.split(" "), self._trust, time.time())
        self._hop.hop.send(LastPicture(key, taken, sealed or lastpicture.seal(DESK, key, taken, image, entropy)))

    def forged(self, image: bytes, taken: int) -> bytes:
        """What a relay could make itself, who knows the picture key as the host does."""
        (row,) = self.rows
        key, _, _ = verify_reader(row.split(" "), self._trust, time.time())
        signature = STRANGER.sign(lastpicture.statement_of(key, taken, image))
        return hpke.seal(key, lastpicture.info_of(DESK.number, taken), DESK.public + signature + image, entropy)

    async def close(self) -> None:
        await self._endpoint.close()


@pytest_asyncio.fixture(loop_scope="module")
async def console(tmp_path: Path) -> AsyncIterator[tuple[Operating, Console]]:
    async with operating(tmp_path) as made:
        tab = await made.tab()
        await made.with_key(tab)
        store = Store(database_url(None, made.here.folder / "relay"))
        await store.open(migrates=False)
        now, said = int(time.time()), {"software": "avl", "system": "Linux", "state": "active"}
        async with store.writing() as db:
            for number, name in ((NUMBER, "desk"), (number_text(STRANGER.number), "shed")):
                row = {"number": number, "name": name, "search": name, "reported": name, "owner": made.owner["person"]}
                row |= {"owner_key": made.owner["jwk"], "owner_thumbprint": made.owner["thumbprint"], **said}
                await db.execute(insert(devices).values(**row, enrolled=now, seen=now))
        await store.close()
        yield made, tab


async def test_a_desktop_is_on_its_card_for_who_has_the_key_and_for_nobody_else(
    console: tuple[Operating, Console],
) -> None:
    made, tab = console
    playing = Host(jws.public_of(made.owner["jwk"]))
    await tab.page.evaluate("localStorage.setItem('avl-console-devices', 'cards')")
    await tab.go("devices")
    await playing.come(made)
    async with asyncio.timeout(20):
        await playing.told.wait()
    now = int(time.time())
    playing.leave(plain(10, 20, 220), now - 300)
    shown = tab.page.locator(f"[data-key='{NUMBER}'] .shot")
    await expect(shown.locator("canvas")).to_have_attribute("aria-label", "Desktop of desk, 5 minutes ago")
    red, green, blue, _ = await tab.page.evaluate(MIDDLE)
    assert red > 200 and green < 50 and blue < 50
    await expect(tab.page.locator(f"[data-key='{number_text(STRANGER.number)}'] .shot")).to_have_text("No picture")
    assert await tab.axe() == []
    await picture(tab, "pictures-cards")
    playing.leave(plain(220, 20, 10), now)  # it comes while the page is open
    await expect(shown.locator("time")).to_have_text("just now")
    red, _, blue, _ = await tab.page.evaluate(MIDDLE)
    assert blue > 200 and red < 50
    playing.leave(b"", now - 900, sealed=None)  # older than what was shown
    await expect(shown).to_have_text("This is not a picture of this device")
    playing.leave(b"", now + 1, playing.forged(plain(0, 255, 0), now + 1))
    await tab.page.reload()
    await tab.shown("devices")
    await expect(shown).to_have_text("This is not a picture of this device")
    other = await made.tab()  # the same person, in a browser that does not have her key
    await other.page.add_init_script("localStorage.setItem('avl-console-devices', 'cards')")
    await other.go("devices")
    await expect(other.page.locator(f"[data-key='{NUMBER}']")).to_be_visible()
    await expect(other.page.locator(".shot")).to_have_count(0)
    assert tab.wrong == other.wrong == []
    await playing.close()
