"""The console in the system's Chromium: what an operator does there, by keys alone where that is said."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Request, Route, expect

from tests.browser.accounts import AUTHENTICATOR, PASSWORD, premises
from tests.browser.operating import HOSTILE, PHONE, WIDE, Console, Operating, number_of, operating, picture

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

MANY = 1000
#: Each page, and what opens its dialog.
PAGES = (
    ("devices?query=desk+000", "[data-key] .name a"),
    ("people", "[data-key] .name a"),
    ("people?query=a", "#invite"),
    ("groups", "#new-group"),
    ("groups?kind=devices", "#new-group"),
    ("shares", "#new-link"),
)
#: How many things can be used; within a list and a group of radio buttons arrows go on from the one that Tab reaches.
USABLE = """() => {
    const within = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document;
    const all = [...within.querySelectorAll("a[href], button, input, select, textarea, summary")];
    const usable = all.filter((one) => !one.disabled && one.checkVisibility() && one.tabIndex === 0);
    return usable.filter((one) => one.type !== "radio").length;
}"""
#: Marks what has the focus; whether that is new.
MARK = """() => {
    const now = document.activeElement;
    if (!now || now === document.body || now.dataset.reached) return false;
    now.dataset.reached = "1";
    return now.type !== "radio";
}"""
#: What can be pressed in a row or a card, and lies beyond its edge.
OUTSIDE = """() => [...document.querySelectorAll("[data-key] :is(a, button)")].filter((one) =>
    one.getBoundingClientRect().right > one.closest("[data-key]").getBoundingClientRect().right
).map((one) => one.outerHTML)"""
#: Whether so many devices are shown to be there.
LIT = "least => document.querySelectorAll('[data-key] .presence .dot.on').length >= least"
#: Lets a sign-in that waits for it go on, as the account pages do.
APPROVE = """async () => {
    const { Desk } = await import("/console/desk.js");
    const { api } = new Desk();
    await api.call("GET", "/session");
    const [one] = (await api.call("GET", "/me/sessions")).items.filter((each) => each.stage === "approval");
    await api.call("POST", `/me/sessions/${one.id}/approve`, {});
}"""
SHIFTS = """() => new Promise((resolve) => {
    const seen = [];
    new PerformanceObserver((list) => seen.push(...list.getEntries().map((one) => one.value)))
        .observe({ type: "layout-shift", buffered: true });
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => resolve(seen), 50)));
})"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def console(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Operating, Console]]:
    """A relay with a thousand devices, and a tab of its owner's with her key."""
    async with operating(tmp_path_factory.mktemp("console")) as made:
        tab = await made.tab()
        await made.with_key(tab)
        await made.enrol([f"desk {number:04}" for number in range(MANY)], ("lab",))
        yield made, tab


@pytest_asyncio.fixture(loop_scope="module")
async def tab(console: tuple[Operating, Console]) -> AsyncIterator[Console]:
    """A fresh tab of the owner's; nothing went wrong in it."""
    operating, first = console
    made = await operating.tab(within=first.page.context)
    yield made
    await made.page.close()
    assert made.wrong == []


async def reached(tab: Console) -> tuple[int, int]:
    """How many of the things that can be used Tab reaches, and how many there are."""
    await tab.page.evaluate("for (const one of document.querySelectorAll('[data-reached]')) delete one.dataset.reached")
    there = int(await tab.page.evaluate(USABLE))
    found = int(await tab.page.evaluate(MARK))
    for _ in range(there + 8):
        await tab.page.keyboard.press("Tab")
        found += int(await tab.page.evaluate(MARK))
    return found, there


async def tab_to(tab: Console, selector: str, most: int = 120) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(most):
        if await tab.page.evaluate("one => document.activeElement?.matches(one) ?? false", selector):
            return
        await tab.page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {selector}")


async def closed(tab: Console) -> None:
    """Wait until no dialog is open."""
    await expect(tab.page.locator("dialog[open]")).to_have_count(0)


async def test_signing_in_with_a_password_and_an_app(console: tuple[Operating, Console]) -> None:
    operating, first = console
    tab = await operating.tab(signed_in=False)
    await tab.page.goto(tab.address)
    await tab.shown("signin")
    assert await tab.axe() == []
    await tab.page.fill("[name='login']", "ada")
    await tab.page.fill("[name='password']", "wrong in every way")
    await tab.page.keyboard.press("Enter")
    await expect(tab.page.locator("form .error")).to_contain_text("That is not right")
    await tab.page.fill("[name='password']", PASSWORD)
    await tab.page.keyboard.press("Enter")
    await tab.shown("factor")
    assert await tab.axe() == []
    await tab.page.fill("[name='code']", operating.code())
    await tab.page.keyboard.press("Enter")
    await expect(tab.page.locator(".card")).to_contain_text("You have not signed in from here before")
    await first.page.evaluate(APPROVE)
    await tab.page.get_by_role("button", name="Go on").click()
    await tab.shown("devices")
    await expect(tab.page.locator("#key-notice")).to_be_visible()  # this browser has no key: it says what to do
    refused = [line for line in tab.wrong if "status of 401" not in line]  # Chromium writes each down itself
    assert refused == []
    await tab.page.context.close()


async def test_presence_changes_and_nothing_moves(console: tuple[Operating, Console], tab: Console) -> None:
    numbers = [number_of(f"desk {number:04}") for number in range(12)]
    told = [{"number": number, "device": number, "online": True} for number in numbers]
    said = "retry: 600000\n\n" + "".join(f"event: presence\ndata: {json.dumps(one)}\n\n" for one in told)
    go = asyncio.Event()

    async def events(route: Route) -> None:
        await go.wait()
        await route.fulfill(status=200, headers={"content-type": "text/event-stream"}, body=said)

    await tab.page.route("**/api/v1/events", events)
    for how in ("As a table", "As cards"):
        go.clear()
        await tab.go("devices")
        await tab.page.click(f"[aria-label='{how}']")
        await expect(tab.page.locator("main [data-key] .dot.on")).to_have_count(0)
        before = await tab.page.evaluate(SHIFTS)
        go.set()
        await tab.page.wait_for_function(LIT, arg=12)
        assert await tab.page.evaluate(SHIFTS) == before == [], how
        await tab.page.reload()
    await tab.go("devices")
    await tab.page.evaluate("document.querySelector('.filters').before('A line that pushes all others down')")
    assert await tab.page.evaluate(SHIFTS) != [], "what moves is seen"
    await tab.page.unroute_all(behavior="ignoreErrors")
    await tab.page.evaluate("localStorage.removeItem('avl-console-devices')")


async def test_a_name_is_changed_and_undone_and_other_tabs_see_it(
    console: tuple[Operating, Console], tab: Console
) -> None:
    _, other = console
    await other.go("devices?query=desk+0007")
    row = other.page.locator(f"[data-key='{number_of('desk 0007')}'] .name a")
    await expect(row).to_have_text("desk 0007")
    await tab.go("devices")
    await tab.page.fill("[name='search']", "desk 0007")
    await expect(tab.page.locator("[data-key]")).to_have_count(1)
    await tab.page.click("[data-key] .name a")
    await tab.page.fill("dialog [name='name']", "desk 0007 of Ada")
    await tab.page.fill("dialog [name='labels']", "lab, window")
    await tab.page.keyboard.press("Enter")
    await closed(tab)
    await expect(row).to_have_text("desk 0007 of Ada")
    await tab.page.click(".toast .undo")
    await expect(row).to_have_text("desk 0007")
    await expect(other.page.locator("[data-key] .tag")).to_have_text(["lab"])


async def test_a_walk_by_keys_alone(console: tuple[Operating, Console], tab: Console) -> None:
    """Past the menu, down the list, into a device, its name changed, undone; a person invited; without a pointer."""
    keys = tab.page.keyboard
    await tab.go("devices")
    await keys.press("Tab")
    assert await tab.page.evaluate("document.activeElement.className") == "skip"
    await keys.press("Enter")
    assert await tab.page.evaluate("document.activeElement.id") == "view"
    await tab_to(tab, "[data-key] .name a")
    for _ in range(3):
        await keys.press("ArrowDown")
    assert await tab.page.evaluate("document.activeElement.textContent") == "desk 0003"
    await keys.press("End")
    assert str(await tab.page.evaluate("document.activeElement.textContent")) > "desk 0050", "the end of what was told"
    await keys.press("Home")
    await keys.press("Enter")
    await expect(tab.page.locator("dialog[open]")).to_be_visible()
    assert await tab.page.evaluate("document.activeElement.name") == "name"
    await keys.press("ControlOrMeta+a")
    await keys.type("desk 0000 by keys")
    await keys.press("Enter")
    await closed(tab)
    await expect(tab.page.locator("[data-key] .name a").first).to_have_text("desk 0000 by keys")
    assert await tab.page.evaluate("document.activeElement.closest('[data-key], #view') !== null"), "the focus is back"
    await tab_to(tab, ".toast .undo", 8)
    await keys.press("Enter")
    await expect(tab.page.locator("[data-key] .name a").first).to_have_text("desk 0000")

    await tab.page.reload()
    await tab.shown("devices")
    await tab_to(tab, "[data-page='people']")
    await keys.press("Enter")
    await tab.shown("people")
    assert await tab.page.evaluate("document.activeElement.tagName") == "H1"
    await tab_to(tab, "#invite")
    await keys.press("Enter")
    await expect(tab.page.locator("dialog[open]")).to_be_visible()
    await keys.press("Escape")
    await closed(tab)
    assert await tab.page.evaluate("document.activeElement.id") == "invite"
    await keys.press("Enter")
    await keys.type("grace")
    await keys.press("Tab")
    await keys.type("Grace")
    await keys.press("Enter")
    await expect(tab.page.locator("#invite-link")).to_contain_text("#invite=")
    await keys.press("Escape")
    await closed(tab)
    await expect(tab.page.locator("[data-key] .name a")).to_contain_text(["Grace", "ada"], use_inner_text=True)


async def test_tab_reaches_everything_and_axe_finds_nothing(console: tuple[Operating, Console]) -> None:
    """Every page and every dialog, wide and on a phone, light and dark."""
    _, first = console
    await first.go("devices")
    page = first.page
    for colours, size in (("light", WIDE), ("dark", PHONE)):
        await page.set_viewport_size({"width": size[0], "height": size[1]})
        await page.emulate_media(color_scheme=colours)  # type: ignore[arg-type]
        short = f"{'phone' if size == PHONE else 'wide'}-{colours}"
        for name, opens in PAGES:
            await first.go(name)
            await picture(first, f"{name.partition('?')[0]}-{short}")
            assert await first.axe() == [], (name, short)
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, short)
            found, there = await reached(first)
            assert found >= there > 3, (name, short)
            await page.locator(opens).first.click()
            await expect(page.locator("dialog[open]")).to_be_visible()
            await picture(first, f"{name.partition('?')[0]}-dialog-{short}")
            assert await first.axe() == [], (opens, short)
            found, there = await reached(first)
            assert found >= there > 2, (opens, short)
            await page.keyboard.press("Escape")
            await closed(first)
    await first.page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
    assert first.wrong == []


async def test_one_click_opens_the_browsers_client_in_a_tab_of_its_own(
    console: tuple[Operating, Console], tab: Console
) -> None:
    await tab.go("devices?query=desk+0003")
    link = tab.page.locator("[data-key] .row a")
    number = number_of("desk 0003")
    dashed = "-".join(number[at : at + 4] for at in range(0, 28, 4))
    await expect(link).to_have_attribute("href", f"../#d={dashed}&a=1")
    await expect(link).to_have_accessible_name("Connect to desk 0003")
    async with tab.page.expect_popup() as popup:
        await link.click()
    opened = await popup.value
    await opened.wait_for_function("() => document.documentElement.dataset.state")
    assert opened.url.startswith(f"{console[0].origin}/#") or opened.url == f"{console[0].origin}/"
    await opened.close()


async def test_people_are_disabled_and_back_and_grouped(console: tuple[Operating, Console], tab: Console) -> None:
    page = tab.page
    await tab.go("people")
    await page.click("#invite")
    await page.fill("dialog [name='login']", "linus")
    await page.keyboard.press("Enter")
    link = await page.text_content("#invite-link")
    await page.keyboard.press("Escape")
    invite = str(link).partition("#invite=")[2]
    body = json.dumps({"invite": invite, "password": PASSWORD})
    headers = {"content-type": "application/json", "origin": console[0].origin}
    guest = await console[0].browser.new_context()
    answer = await guest.request.post(f"{console[0].origin}/api/v1/invitations", data=body, headers=headers)
    assert answer.ok, await answer.text()
    member = await console[0].tab(within=guest)
    for name, nothing in (
        ("devices", "No device yet"),
        ("groups", "No group of people yet"),
        ("shares", "No link is out"),
    ):
        await member.go(name)
        await expect(member.page.locator("main .empty")).to_contain_text(nothing)
    await member.go("people")
    await expect(member.page.locator("#invite")).to_have_count(0)
    await expect(member.page.locator("[data-page='audit']")).to_have_count(0)
    assert member.wrong == [], "who administers nothing sees their part of it, and no error"
    await guest.close()
    row = page.locator("[data-key]").filter(has_text="linus")
    await page.reload()
    await expect(row).to_contain_text("Active")
    await row.locator("a").click()
    await page.get_by_role("button", name="Disable").click()
    await expect(row).to_contain_text("Disabled")
    await page.click(".toast .undo")
    await expect(row).to_contain_text("Active")

    await tab.go("groups")
    await page.click("#new-group")
    await page.fill("dialog [name='group']", "Night shift")
    await page.get_by_label("linus").check()
    await page.locator("dialog button[type='submit']").click()
    group = page.locator("[data-key]").filter(has_text="Night shift")
    await expect(group).to_contain_text("1 person")
    await group.get_by_role("button").click()
    await page.get_by_role("button", name="Remove").click()
    await expect(page.locator("[data-key]")).to_have_count(0)
    await page.click(".toast .undo")
    await expect(group).to_contain_text("1 person")


async def test_a_group_of_devices_is_signed_and_limited(console: tuple[Operating, Console], tab: Console) -> None:
    page = tab.page
    await tab.go("groups?kind=devices")
    await page.click("#new-group")
    await page.fill("dialog [name='group']", "Bench, left")
    await page.get_by_label("desk 0010").check()
    await page.get_by_label("desk 0011").check()
    await page.locator("dialog button[type='submit']").click()
    await closed(tab)
    group = page.locator("[data-key]").filter(has_text="Bench, left")
    await expect(group).to_contain_text("2 devices")
    await group.get_by_role("button", name="Limit").click()
    await page.select_option("dialog [name='most']", label="Viewer: sees and hears")
    await page.locator("dialog button[type='submit']").click()
    await closed(tab)
    policies = await page.evaluate(
        """async () => {
            const { Desk } = await import("/console/desk.js");
            const { PRESETS } = await import("/wire/registry.js");
            const desk = new Desk();
            await desk.api.call("GET", "/session");
            await desk.meet();
            return [(await desk.lastPolicy("group:Bench, left")).p === PRESETS.VIEWER,
                    (await desk.api.call("GET", "/devices?group=Bench%2C+left")).items.map((one) => one.name)];
        }"""
    )
    assert policies == [True, ["desk 0010", "desk 0011"]]
    await page.click(".toast .undo >> nth=-1")
    await expect(page.locator(".toast")).to_contain_text("Undone")


async def test_a_link_is_made_and_taken_back(console: tuple[Operating, Console], tab: Console) -> None:
    page = tab.page
    await tab.go("shares")
    await expect(page.locator(".empty h2")).to_be_visible()
    await page.click("#first-link")
    await page.locator("dialog [type='search']").fill("0042")
    await page.get_by_label("desk 0042").check()
    await page.locator("dialog button[type='submit']").click()
    await page.fill("dialog [name='uses']", "3")
    await page.locator("dialog button[type='submit']").click()
    link = str(await page.text_content("#share-link"))
    assert "#d=" in link and "&s=" in link
    await page.keyboard.press("Escape")
    await expect(page.locator("[data-key]")).to_contain_text(["desk 0042"])
    await page.locator("[data-key] button").click()
    await page.locator("dialog .danger").click()
    await expect(page.locator(".empty h2")).to_be_visible()


async def test_a_device_is_revoked_only_when_that_is_confirmed(
    console: tuple[Operating, Console], tab: Console
) -> None:
    page = tab.page
    await tab.go("devices?query=desk+0099")
    for confirmed in (False, True):
        await page.click("[data-key] .name a")
        await page.get_by_role("button", name="Revoke").click()
        await expect(page.locator("dialog h2")).to_have_text("Revoke desk 0099?")
        assert await page.evaluate("document.activeElement.textContent") == "Cancel"
        if confirmed:
            await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await closed(tab)
        said = "Revoked" if confirmed else "Seen"
        await expect(page.locator("[data-key] .presence")).to_contain_text(said)
    await expect(page.locator("[data-key] .row button")).to_be_disabled()


async def test_a_second_factor_is_asked_for_where_the_relay_wants_it(
    console: tuple[Operating, Console], tab: Console
) -> None:
    asked: list[str] = []

    async def stale(route: Route, request: Request) -> None:
        if request.method != "POST" or asked:
            await route.continue_()
            return
        asked.append(request.url)
        body = {"type": "urn:avl:problem:step-up", "title": "", "status": 403, "detail": "again", "code": "step-up"}
        await route.fulfill(status=403, content_type="application/problem+json", body=json.dumps(body))

    await tab.page.route("**/api/v1/people", stale)
    await tab.go("people")
    await tab.page.click("#invite")
    await tab.page.fill("dialog [name='login']", "barbara")
    await tab.page.keyboard.press("Enter")
    code = tab.page.locator("dialog [name='code']")
    await expect(code).to_be_focused()
    assert await tab.axe() == []
    await code.fill("000000")
    await tab.page.keyboard.press("Enter")
    await expect(tab.page.locator("dialog >> nth=-1").locator("form .error")).to_contain_text("That is not right")
    await code.fill(console[0].code())
    await tab.page.keyboard.press("Enter")
    await expect(tab.page.locator("#invite-link")).to_be_visible()
    assert len(asked) == 1
    tab.wrong = [line for line in tab.wrong if "status of 40" not in line]  # Chromium writes each down itself


def answering(body: str) -> Callable[[Route], Awaitable[None]]:
    """Answers with this in place of the relay."""

    async def answer(route: Route) -> None:
        await route.fulfill(content_type="application/json", body=body)

    return answer


async def test_hostile_names_stay_text_in_their_cells(console: tuple[Operating, Console], tab: Console) -> None:
    """In every column of every page, whatever the relay lets through: it is asked for what no relay would tell."""
    name = " ".join(HOSTILE)
    now = int(time.time())
    link = {"device": number_of("desk 0001"), "expires": now, "created": now}
    device = {"owner": name, "mine": True, "owner_key": {}, "owner_thumbprint": name, "groups": [*HOSTILE], "seen": now}
    device |= {"labels": [*HOSTILE], "software": name, "system": name, "state": "active", "online": True, "since": now}
    person = {"key": None, "jwk": None, "state": "active", "role": "member", "factors": ["totp"], "created": now}
    lists: dict[str, list[dict[str, Any]]] = {
        "devices": [
            {**device, "number": number_of(text), "name": text, "reported": text, "enrolled": now} for text in HOSTILE
        ],
        "people": [{**person, "id": f"person-{at}", "name": text, "login": text} for at, text in enumerate(HOSTILE)],
        "groups": [
            {"id": f"group-{at}", "kind": "people", "name": text, "size": 1, "created": now}
            for at, text in enumerate(HOSTILE)
        ],
        "shares": [{**link, "id": f"share-{at}", "name": text, "jti": text} for at, text in enumerate(HOSTILE)],
    }
    for kind, items in lists.items():
        await tab.page.route(f"**/api/v1/{kind}?*", answering(json.dumps({"items": items, "next": None})))
    for kind, how in (("devices", "a table"), ("devices", "cards"), ("people", ""), ("groups", ""), ("shares", "")):
        await tab.go(kind)
        if how:
            await tab.page.click(f"[aria-label='As {how}']")
        rows = tab.page.locator("[data-key]")
        await expect(rows).to_have_count(len(HOSTILE))
        heights = await rows.evaluate_all("all => [...new Set(all.map((one) => one.getBoundingClientRect().height))]")
        assert len(heights) == 1, (kind, how, heights)
        assert await tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), kind
        assert await tab.page.evaluate("document.querySelectorAll('main :is(script, img, b)').length") == 0
        assert await tab.page.evaluate(OUTSIDE) == [], (kind, how)
        text = str(await tab.page.evaluate("document.querySelector('main').textContent"))
        assert not set(text) & set("\u202e\u202c\u2066\u2069\u200b\u0000\u0007"), kind
        assert "onerror" in text and "longlong" in text
        await picture(tab, f"hostile-{kind}-{how[-5:]}")
    await tab.page.evaluate("localStorage.removeItem('avl-console-devices')")
    await tab.page.unroute_all(behavior="ignoreErrors")


async def test_language_and_colours_are_kept(console: tuple[Operating, Console]) -> None:
    operating, _ = console
    tab = await operating.tab(language="de-DE")
    await tab.go("people")
    await expect(tab.page.locator("h1")).to_have_text("Personen")
    await tab.page.select_option("[name='language']", "pt")
    await expect(tab.page.locator("h1")).to_have_text("Pessoas")
    await tab.page.select_option("[name='theme']", "dark")
    await tab.page.reload()
    await tab.shown("people")
    assert await tab.page.evaluate("[document.documentElement.lang, document.documentElement.dataset.theme]") == [
        "pt",
        "dark",
    ]
    ground = await tab.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(16, 18, 22)"
    assert tab.wrong == []
    await tab.page.context.close()


async def test_recovery_codes_and_passkeys_sign_in_too(console: tuple[Operating, Console]) -> None:
    operating, first = console
    tab = await operating.tab(signed_in=False)
    sides = [await one.page.context.new_cdp_session(one.page) for one in (first, tab)]
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
    made: list[str] = []
    for cdp in sides:
        await cdp.send("WebAuthn.enable")
        answer = await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        made.append(answer["authenticatorId"])
    codes = await first.page.evaluate(
        """async () => {
            const { Desk } = await import("/console/desk.js");
            const passkey = await import("/account/passkey.js");
            const { api } = new Desk();
            await api.call("GET", "/session");
            const { credential } = await passkey.make(await api.call("POST", "/me/factors/passkey/options", {}));
            await api.call("POST", "/me/factors/passkey", { credential, name: "Passkey" });
            return (await api.call("POST", "/me/factors/recovery", {})).codes;
        }"""
    )
    held = await sides[0].send("WebAuthn.getCredentials", {"authenticatorId": made[0]})
    await sides[0].send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": made[0]})
    await tab.page.goto(tab.address)
    await tab.shown("signin")
    for one in held["credentials"]:
        await sides[1].send("WebAuthn.addCredential", {"authenticatorId": made[1], "credential": one})
    await tab.page.click("#by-passkey")
    await tab.shown("devices")

    await tab.page.context.clear_cookies()
    await tab.page.reload()
    await tab.shown("signin")
    await tab.page.fill("[name='login']", "ada")
    await tab.page.fill("[name='password']", PASSWORD)
    await tab.page.keyboard.press("Enter")
    await tab.shown("factor")
    await tab.page.click("summary")
    await tab.page.fill("[name='recovery']", codes[0])
    await tab.page.keyboard.press("Enter")
    await tab.shown("devices")
    await tab.page.context.close()


async def test_a_first_start_leads_over_the_account_pages_to_a_console_with_a_key(
    console: tuple[Operating, Console], tmp_path: Path
) -> None:
    """The setup code, a passkey, a key; and from another browser the same passkey signs in and unlocks the key."""
    operating, _ = console
    async with premises(tmp_path) as here:
        context = await operating.browser.new_context(reduced_motion="reduce")
        page = await context.new_page()
        cdp = await context.new_cdp_session(page)
        await cdp.send("WebAuthn.enable")
        await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        tab = Console(page, f"http://{here.relay['http']}/console/")
        await page.goto(tab.address)
        await tab.shown("setup")
        await page.click(".card a.primary")
        await page.fill("[name='code']", here.setup)
        await page.fill("[name='login']", "ada")
        await page.fill("[name='password']", PASSWORD)
        await page.keyboard.press("Enter")
        await page.click("#enrol-passkey")
        await page.click("#key-card button[type='submit']")
        await page.click("#recovery-noted")
        await expect(page.locator("#key-card")).to_have_count(0)
        await page.click("#tabs a[href='../console/']")
        await expect(page.locator("main .empty")).to_contain_text("No device yet")
        await expect(page.locator("main .empty code")).to_contain_text("?pin=")
        await expect(page.locator("#key-notice")).to_have_count(0)

        await page.evaluate("indexedDB.deleteDatabase('avl-account')")
        await context.clear_cookies()
        await page.reload()
        await tab.shown("signin")
        await page.click("#by-passkey")
        await tab.shown("devices")
        await expect(page.locator("#key-notice")).to_have_count(0)
        await context.close()
