"""The account pages in a real browser, with a real relay, host and commands: what a new user does."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pyotp
import pytest

import avl_viewer
from avl_protocol.rights.effective import OWNER
from avl_protocol.wire.registry import Permission
from tests.browser.accounts import PASSWORD, AccountPage, desktop, enrolled, logged_in, output, premises, set_up, window
from tests.browser.desk import BIN

pytestmark = pytest.mark.browser


#: Whether the page keeps a head of the relay's audit log.
KEEPS_A_HEAD = """new Promise((done) => {
  const opening = indexedDB.open("avl-heads", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("heads");
  opening.onsuccess = () => {
    const all = opening.result.transaction("heads").objectStore("heads").getAll();
    all.onsuccess = () => {
      opening.result.close();
      done(all.result.length === 1 && all.result[0].head.size > 0);
    };
  };
})"""


async def test_from_the_setup_code_to_a_host_of_ones_own(tmp_path: Path) -> None:
    async with premises(tmp_path) as here, window(tmp_path) as browser:
        tab = await AccountPage.opened(browser, here.address)
        await tab.view("setup")  # while nobody is here, whatever the address says
        await set_up(tab, here.setup)
        assert "No device yet" in await tab.text("#devices .empty")
        assert f"avl-host enroll '{here.where}'" in await tab.text("#commands")
        await tab.go("#you")
        await tab.view("you")
        owner = await tab.text("#my-fingerprint")
        assert await tab.page.evaluate("document.querySelectorAll('#copies li').length") == 2

        host = here.run(
            "enrol",
            "avl-host",
            "enroll",
            here.where,
            "--state",
            str(tmp_path / "host"),
            "--owner",
            owner,
            "--name",
            "lab",
        )
        code = (await here.said(host, r"code: ([A-Z-]+)"))[1]
        device = (await here.said(host, r"approve:\s+(\S+)"))[1]
        await tab.go(f"#code={code}")
        await tab.view("approve")
        assert await tab.text("#host-fingerprint") == device
        assert await tab.text("#owner-fingerprint") == owner
        await tab.fill(name="The lab")
        await tab.send("#approve")
        await tab.view("devices")
        assert "The lab" in await tab.text("#devices [data-device]")
        assert await here.ended(host) == 0, host.log.read_text()

        status = here.run("status", "avl-host", "status", "--state", str(tmp_path / "host"))
        assert await here.ended(status) == 0
        assert owner in status.log.read_text() and "The lab" in status.log.read_text()
        assert not [line for line in tab.page.console if "uncaught" in line or "Content Security" in line]


async def test_one_click_opens_a_desktop_and_a_name_does_in_a_command(tmp_path: Path) -> None:
    async with premises(tmp_path) as here, window(tmp_path) as browser:
        tab = await AccountPage.opened(browser, here.address)
        await set_up(tab, here.setup)
        device = await enrolled(here, tab, "lab")

        state = tmp_path / "viewer"
        await logged_in(here, tab, state)
        status, said = await output(here, "devices", "avl", "devices", "--json", "--state", str(state))
        assert status == 0 and '"name": "lab"' in said and '"online": true' in said
        picture = tmp_path / "now.png"
        status, said = await output(here, "shot", "avl", "screenshot", "lab", "-o", str(picture), "--state", str(state))
        assert status == 0, said
        assert picture.stat().st_size > 1000
        kept = ("--state", str(state))
        status, said = await output(here, "hold", "avl", "connect", "lab", "--background", *kept)
        assert status == 0, said
        status, said = await output(here, "held", "avl", "type", "lab", "held", *kept)
        assert status == 0, said
        assert (await output(here, "let-go", "avl", "disconnect", "lab", *kept))[0] == 0
        assert (await output(here, "gone", "avl", "disconnect", "lab", *kept))[0] == 1
        async with avl_viewer.connect("LAB", state=state) as seen:
            await seen.press("enter")
            assert seen.permissions == OWNER & ~Permission.AUDIO_IN, "a host without a microphone lends none"
        status, said = await output(here, "wrong", "avl", "type", "lba", "x", "--state", str(state))
        assert status == 2 and "did you mean lab?" in said

        viewer = await browser.page(f"http://{here.relay['http']}/#d={device}&a=1")
        await desktop(viewer)
        assert not [line for line in viewer.console if "uncaught" in line or "Content Security" in line]
        await viewer.until(KEEPS_A_HEAD)
        assert await viewer.evaluate("document.getElementById('warning').hidden")

        await here.without_accounts()
        status, said = await output(
            here, "again", "avl", "screenshot", "lab", "-o", str(picture), "--state", str(state)
        )
        assert status == 0, f"what is kept opens it while the relay's accounts are gone: {said}"
        await viewer.send("Page.reload")
        await desktop(viewer)


async def test_a_program_that_has_the_owners_key_shares_permits_and_takes_back(tmp_path: Path) -> None:
    async with premises(tmp_path) as here, window(tmp_path) as browser:
        tab = await AccountPage.opened(browser, here.address)
        recovery = await set_up(tab, here.setup)
        await enrolled(here, tab, "lab")
        state = ("--state", str(tmp_path / "viewer"))
        await logged_in(here, tab, tmp_path / "viewer", typed=True)
        status, said = await output(here, "nokey", "avl", "type", "lab", "x", *state)
        assert status == 3 and "avl login --key" in said
        status, said = await output(here, "noshare", "avl", "share", "lab", *state)
        assert status == 3 and "avl login --key" in said

        (tmp_path / "key").write_text(recovery + "\n")
        bring = f"exec {BIN / 'avl'} login --key {' '.join(state)} < {tmp_path / 'key'}"
        status, said = await output(here, "key", "/bin/sh", "-c", bring)
        assert status == 0, said
        status, said = await output(here, "type", "avl", "type", "lab", "hello", *state)
        assert status == 0, said
        status, link = await output(here, "share", "avl", "share", "lab", "--for", "1h", *state)
        assert status == 0 and "#d=" in link
        guest = await browser.page(link.strip())
        await desktop(guest)
        status, said = await output(here, "sessions", "avl", "sessions", *state)
        if "lab" not in said:  # a busy machine: the list is of a moment ago
            status, said = await output(here, "again", "avl", "sessions", *state)
        assert status == 0 and "lab" in said, said
        status, said = await output(here, "give", "avl", "grants", "give", "lab", "nobody", *state)
        assert status == 2 and "nobody is called" in said
        status, said = await output(here, "logout", "avl", "logout", *state)
        assert status == 0, said
        assert sorted(file.name for file in (tmp_path / "viewer").iterdir() if file.is_file()) == [
            "identity.key",
            "relay-heads.json",
        ]


async def test_another_browser_comes_in_with_a_second_factor_and_opens_the_key(tmp_path: Path) -> None:
    async with premises(tmp_path) as here, window(tmp_path) as browser:
        tab = await AccountPage.opened(browser, here.address)
        recovery = await set_up(tab, here.setup)
        await tab.go("#you")
        await tab.view("you")
        await tab.click("#add-totp")
        secret = await tab.text("#totp-secret")
        assert await tab.page.evaluate("document.querySelector('.qr path') !== null")
        await tab.fill(code=pyotp.TOTP(secret).now())
        await tab.send("#dialog")
        await tab.there("[data-factor='totp']")
        await tab.click("#new-codes")
        await tab.there("#recovery-codes li")
        codes = await tab.page.evaluate(
            "[...document.querySelectorAll('#recovery-codes li')].map((one) => one.textContent)"
        )
        assert len(codes) == 10
        async with window(tmp_path) as elsewhere:
            other = await AccountPage.opened(elsewhere, here.address)
            await other.view("signin")
            await other.fill(login="ada", password="wrong horse battery")
            await other.send()
            await other.there(".error:not([hidden])")
            await other.fill(login="ada", password=PASSWORD)
            await other.send()
            await other.view("factor")
            await other.fill(recovery=codes[0])
            await other.click("details button[type='submit']")
            await other.view("devices")
            await other.fill(recovery="AAAAA-AAAAA-AAAAA-AAAAA-AAAAA-A")
            await other.send("#key-card")
            await other.there("#key-card .error:not([hidden])")
            await other.fill(recovery=recovery.lower())
            await other.send("#key-card")
            await other.gone("#key-card")

        await tab.click("#dialog .primary")
        async with window(tmp_path) as third:
            other = await AccountPage.opened(third, here.address)
            await other.view("signin")
            await other.fill(login="ada", password=PASSWORD)
            await other.send()
            await other.view("factor")
            await other.fill(code=pyotp.TOTP(secret).at(time.time() + 30))
            await other.send()
            await other.there("#go-on")
            await tab.go("#you")
            await tab.view("you")
            await tab.click("#signed-in .primary")
            await tab.gone("#signed-in .primary")
            await other.click("#go-on")
            await other.view("devices")

            await tab.click("#leave")
            await tab.view("signin")
            await tab.click("#by-passkey")
            await tab.view("devices")
            await tab.gone("#key-card")

            first = (await tab.asked("GET", "/me"))["key"]["thumbprint"]
            await other.click("#give-up-key")  # as who has lost all that opens it
            await other.click("#dialog .danger")
            await other.gone("#give-up-key")
            await other.click("#key-card button[type='submit']")
            await other.click("#recovery-noted")
            await other.gone("#key-card")
            assert (await other.asked("GET", "/me"))["key"]["thumbprint"] != first
            assert len((await other.asked("GET", "/me/key-copies"))["items"]) == 1


async def test_a_share_link_opens_one_desktop_elsewhere_until_it_is_taken_back(tmp_path: Path) -> None:
    async with premises(tmp_path) as here, window(tmp_path) as browser:
        tab = await AccountPage.opened(browser, here.address)
        await set_up(tab, here.setup)
        await enrolled(here, tab, "lab")
        await tab.click("[data-act='share']")
        await tab.send("#dialog")
        link = await tab.text("#share-link")
        async with window(tmp_path) as elsewhere:
            guest = await elsewhere.page(link)
            await desktop(guest)
            assert await guest.evaluate("location.hash") == "", "the secret does not stay in the address"
            assert await guest.evaluate("document.getElementById('view-only').hidden") is False
            await tab.go("#people")
            await tab.view("people")
            await tab.click("[data-act='unshare']")
            await tab.click("#dialog .danger")
            await guest.until("['ended', 'refused'].includes(document.documentElement.dataset.state)")
            again = await elsewhere.page(link)
            await desktop(again, "refused")


async def test_somebody_who_was_invited_does_what_was_permitted_and_no_longer(tmp_path: Path) -> None:
    async with premises(tmp_path) as here, window(tmp_path) as browser:
        tab = await AccountPage.opened(browser, here.address)
        await set_up(tab, here.setup)
        device = await enrolled(here, tab, "lab")
        await tab.go("#people")
        await tab.view("people")
        await tab.click("#invite")
        await tab.fill(login="bo", name="Bo")
        await tab.send("#dialog")
        invitation = (await tab.text("#invite-link")).partition("#")[2]
        async with window(tmp_path) as theirs:
            bo = await AccountPage.opened(theirs, here.address)
            await bo.go(f"#{invitation}")
            await bo.view("invite")
            await bo.fill(password="plinth oyster decimal weather")
            await bo.send()
            await bo.view("devices")
            await bo.click("#key-card button[type='submit']")
            await bo.click("#recovery-noted")
            await bo.gone("#key-card")
            assert "No device yet" in await bo.text("#devices .empty")

            await tab.go("#devices")
            await tab.view("devices")
            await tab.click("[data-act='permit']")
            await tab.send("#dialog")
            await tab.page.until("!document.getElementById('dialog').open")
            assert "lab" in await bo.text("#devices [data-device]"), "it appears in the page that is open"
            viewer = await theirs.page(f"http://{here.relay['http']}/#d={device}&a=1")
            await desktop(viewer)

            await tab.go("#people")
            await tab.view("people")
            await tab.click("[data-act='revoke']")
            await tab.click("#dialog .danger")
            await viewer.until("['ended', 'refused'].includes(document.documentElement.dataset.state)")
            await bo.page.send("Page.bringToFront")
            assert "No device yet" in await bo.text("#devices .empty"), "and goes from it"


async def test_a_key_that_the_relay_does_not_know_is_not_signed_for(tmp_path: Path) -> None:
    async with premises(tmp_path) as here, window(tmp_path) as browser:
        tab = await AccountPage.opened(browser, here.address)
        await set_up(tab, here.setup)
        program = here.run("login", "avl", "login", here.where, "--state", str(tmp_path / "viewer"))
        code = (await here.said(program, r"code: ([A-Z-]+)"))[1]
        await tab.go(f"#code={code}&k={'A' * 43}")
        await tab.view("approve")
        await tab.send("#approve")
        await tab.there("#approve .error:not([hidden])")
        assert "do not let it in" in await tab.wrong()
        await tab.click("#deny")
        await tab.view("devices")
        assert await here.ended(program) == 3
        assert "denied" in program.log.read_text()


async def test_a_relay_that_is_closed_lets_in_who_has_an_account_or_a_share_link(tmp_path: Path) -> None:
    async with premises(tmp_path, "--require-account") as here, window(tmp_path) as browser:
        tab = await AccountPage.opened(browser, here.address)
        await set_up(tab, here.setup)
        device = await enrolled(here, tab, "lab")
        await logged_in(here, tab, tmp_path / "viewer")
        status, said = await output(here, "type", "avl", "type", "lab", "x", "--state", str(tmp_path / "viewer"))
        assert status == 0, said
        await tab.click("[data-act='share']")
        await tab.send("#dialog")
        link = await tab.text("#share-link")
        await desktop(await browser.page(f"http://{here.relay['http']}/#d={device}&a=1"))
        async with window(tmp_path) as elsewhere:
            await desktop(await elsewhere.page(link))
        target = f"avl://{here.relay['quic']}/{device}?pin={here.relay['pin']}"
        status, said = await output(here, "code", "avl", "type", target, "x", "--code", "ABCD-EFGH")
        assert status != 0, "a code alone is not let in"


async def test_a_permission_is_taken_away_and_given_back_while_it_is_used(tmp_path: Path) -> None:
    async with premises(tmp_path) as here, window(tmp_path) as browser:
        tab = await AccountPage.opened(browser, here.address)
        await set_up(tab, here.setup)
        device = await enrolled(here, tab, "lab")
        viewer = await browser.page(f"http://{here.relay['http']}/#d={device}&a=1")
        await desktop(viewer)
        await viewer.until("document.getElementById('view-only').hidden")
        for most, lost in (("Viewer", True), ("What was permitted", False)):
            await tab.page.send("Page.bringToFront")
            await tab.click("[data-act='limit']")
            await tab.there("#dialog [name='most']")
            await tab.page.evaluate(
                "[...document.querySelector('[name=most]').options]"
                f".find((one) => one.text.startsWith('{most}')).selected = true"
            )
            await tab.send("#dialog")
            await tab.page.until("!document.getElementById('dialog').open")
            await viewer.send("Page.bringToFront")
            await viewer.until(f"document.getElementById('view-only').hidden !== {json.dumps(lost)}")
            assert await viewer.evaluate("document.documentElement.dataset.state") == "running"


async def test_a_smaller_permission_is_found_when_the_larger_one_was_taken_back(tmp_path: Path) -> None:
    async with premises(tmp_path) as here, window(tmp_path) as browser:
        tab = await AccountPage.opened(browser, here.address)
        await set_up(tab, here.setup)
        device = await enrolled(here, tab, "lab")
        await tab.go("#people")
        await tab.view("people")
        await tab.click("#invite")
        await tab.fill(login="bo", name="Bo")
        await tab.send("#dialog")
        invitation = (await tab.text("#invite-link")).partition("#")[2]
        async with window(tmp_path) as theirs:
            bo = await AccountPage.opened(theirs, here.address)
            await bo.go(f"#{invitation}")
            await bo.view("invite")
            await bo.fill(password="plinth oyster decimal weather")
            await bo.send()
            await bo.view("devices")
            await bo.click("#key-card button[type='submit']")
            await bo.click("#recovery-noted")
            await bo.gone("#key-card")
            await bo.go(f"#{invitation}")
            await bo.view("invite")
            await bo.fill(password="plinth oyster decimal weather")
            await bo.send()
            await bo.there(".error:not([hidden])")
            assert "expired" in await bo.wrong(), "an invitation works once, also where somebody is signed in"
            for role in ("VIEWER", "OPERATOR"):
                await tab.go("#devices")
                await tab.view("devices")
                await tab.click("[data-act='permit']")
                await tab.there("#dialog [name='role']")
                await tab.page.evaluate(f"document.querySelector('#dialog [name=role]').value = '{role}'")
                await tab.send("#dialog")
                await tab.page.until("!document.getElementById('dialog').open")
            address = f"http://{here.relay['http']}/#d={device}&a=1"
            viewer = await theirs.page(address)
            await desktop(viewer)
            await tab.go("#people")
            await tab.view("people")
            await tab.page.evaluate(
                "[...document.querySelectorAll('[data-grant]')].find((one) => one.textContent.includes('Operator'))"
                ".querySelector('button').click()"
            )
            await tab.click("#dialog .danger")
            await viewer.until("document.getElementById('view-only').hidden === false")
            await desktop(viewer)
            again = await theirs.page(address)
            await desktop(again)
            await again.until("document.getElementById('view-only').hidden === false")
