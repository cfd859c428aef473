"""The console's pages for operating, in the system's Chromium: permissions, sessions, audit log, health, settings."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Route, expect
from sqlalchemy import insert

from avl_protocol.audit.compare import Missing
from avl_protocol.crypto.identity import Identity
from avl_protocol.rights import jws
from avl_protocol.wire.registry import CLOSE_CODES, CloseCode
from avl_relay.anomalies.alarms import missing_alarm
from avl_relay.store.alarms import Alarms, RaisedAlarm
from avl_relay.store.devices import Devices
from avl_relay.store.engine import Store, database_url
from avl_relay.store.tables import people, person_keys
from tests.browser.operating import HOSTILE, PHONE, WIDE, Console, Operating, number_of, operating, picture

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PAGES = ("matrix", "sessions", "alarms", "audit", "health", "settings")
#: People with keys, and some without.
WITH_KEYS, WITHOUT = ("Bo", "Cy", "Dee"), ("Eve", "Finn")
DEVICES = (
    "attic",
    "bench",
    "cellar",
    "desk",
    "easel",
    "forge",
    "garden",
    "hall",
    "icehouse",
    "jetty",
    "kitchen",
    "loft",
)
HOUR = 3600


def person(name: str) -> str:
    """The id of somebody."""
    return name.lower().ljust(22, "-")


async def enrol(made: Operating, device: str, name: str) -> None:
    """A host that runs is known as a device of the owner's."""
    store = Store(database_url(None, made.here.folder / "relay"))
    await store.open(migrates=False)
    try:
        async with store.writing() as db:
            await Devices(db).enrol(
                number=device,
                name=name,
                owner=made.owner["person"],
                owner_key=made.owner["jwk"],
                owner_thumbprint=made.owner["thumbprint"],
                now=int(time.time()),
            )
    finally:
        await store.close()


async def settle(made: Operating) -> None:
    """People beside the owner, some with keys."""
    store = Store(database_url(None, made.here.folder / "relay"))
    await store.open(migrates=False)
    now = int(time.time())
    try:
        async with store.writing() as db:
            for name in (*WITH_KEYS, *WITHOUT):
                row = {"id": person(name), "login": name.lower(), "name": name, "role": "member", "state": "active"}
                await db.execute(insert(people).values(**row, created=now))
            for name in WITH_KEYS:
                public = Identity(name.encode().ljust(32, b"-")).public
                values = {"thumbprint": jws.thumbprint(public), "jwk": jws.jwk_of(public), "created": now}
                await db.execute(insert(person_keys).values(person=person(name), **values))
    finally:
        await store.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def console(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Operating, Console]]:
    """A relay with devices and people, and a tab of its owner's with her key."""
    async with operating(tmp_path_factory.mktemp("console")) as made:
        tab = await made.tab()
        await made.with_key(tab)
        await made.enrol(DEVICES)
        await settle(made)
        yield made, tab


@pytest_asyncio.fixture(loop_scope="module")
async def tab(console: tuple[Operating, Console]) -> AsyncIterator[Console]:
    """A fresh tab of the owner's; nothing went wrong in it."""
    operating, first = console
    made = await operating.tab(within=first.page.context)
    yield made
    await made.page.unroute_all(behavior="ignoreErrors")
    await made.page.close()
    assert made.wrong == []


def session(at: int, **more: Any) -> dict[str, Any]:
    """A session as the API tells it."""
    figures = {
        "way": "webtransport",
        "host_way": "quic",
        "rtt_ms": 18.4 + at,
        "host_rtt_ms": 4.2,
        "target_bps": 8_000_000,
        "delivered_bps": 3_200_000 + at,
        "queue_ms": 1.5,
        "loss": 0.002,
        "skipped": 0,
        "channels": ["control", "input"],
    }
    return {
        "id": f"session{at}".ljust(22, "-"),
        "device": number_of(DEVICES[at % len(DEVICES)]),
        "name": DEVICES[at % len(DEVICES)],
        "who": "Bo" if at % 3 else "",
        "address": f"192.0.2.{at % 250}",
        "begun": int(time.time()) - 600,
        "person": person("Bo") if at % 3 else None,
        "link": False,
        "permissions": 257 if at % 3 else None,
        "figures": figures,
        **more,
    }


class Running:
    """Sessions that a tab is told of in place of the relay's own; what it asks to be done is noted."""

    def __init__(self, tab: Console, items: list[dict[str, Any]]) -> None:
        self.tab, self.items = tab, items
        #: Seconds that the relay's clock is ahead of the browser's.
        self.ahead = 0
        self.ended: list[str] = []
        self.said: list[str] = []
        self._told: asyncio.Queue[str] = asyncio.Queue()
        self._over = False

    async def __aenter__(self) -> Running:
        """Answer from now on."""
        await self.tab.page.route("**/api/v1/sessions**", self._sessions)
        await self.tab.page.route("**/api/v1/events", self._events)
        return self

    async def __aexit__(self, *error: object) -> None:
        self._over = True
        self._told.put_nowait("")
        await self.tab.page.unroute_all(behavior="ignoreErrors")

    async def over(self, name: str) -> None:
        """One ends by itself, and the relay says so."""
        self.items = [one for one in self.items if one["id"] != name]
        self._told.put_nowait(json.dumps({"id": name, "running": False, "device": ""}))

    async def _sessions(self, route: Route) -> None:
        if route.request.method == "DELETE":
            name = route.request.url.rsplit("/", 1)[1]
            known = any(one["id"] == name for one in self.items)
            self.ended.append(name)
            self.items = [one for one in self.items if one["id"] != name]
            problem = {"code": "not-found", "title": "There is no such thing here", "detail": "no session of that id"}
            await route.fulfill(status=204 if known else 404, body="" if known else json.dumps(problem))
            return
        if route.request.method == "POST":
            self.said.append(json.loads(route.request.post_data or "{}")["text"])
            await route.fulfill(status=204)
            return
        told = {"items": self.items, "next": None, "now": int(time.time()) + self.ahead}
        await route.fulfill(json=told)

    async def _events(self, route: Route) -> None:
        said = "" if self._over else await self._told.get()
        body = f"event: session\ndata: {said}\n\n" if said else ":\n\n"
        await route.fulfill(content_type="text/event-stream", body=body)


async def chosen(tab: Console, who: str, where: str) -> None:
    """Choose a cell of the matrix by its names."""
    row = tab.page.locator("table.matrix tbody tr", has=tab.page.locator("th", has_text=who))
    heads = await tab.page.locator("table.matrix thead th").all_inner_texts()
    await (
        row.locator("td")
        .nth(next(at for at, text in enumerate(heads) if text.startswith(where)))
        .locator("button")
        .click()
    )


@pytest.mark.parametrize(("colours", "size"), [("light", WIDE), ("dark", PHONE)], ids=["light-wide", "dark-phone"])
async def test_axe_finds_nothing_on_any_page(
    console: tuple[Operating, Console], colours: str, size: tuple[int, int]
) -> None:
    operating, first = console
    made = await operating.tab(within=first.page.context)
    await made.page.emulate_media(color_scheme=colours)  # type: ignore[arg-type]
    await made.page.set_viewport_size({"width": size[0], "height": size[1]})
    async with Running(made, [session(at) for at in range(5)]):
        for page in PAGES:
            await made.go(page)
            assert await made.axe() == [], page
            await picture(made, f"{page}-{'wide' if size == WIDE else 'phone'}-{colours}")
    await made.page.close()
    assert made.wrong == []


async def test_account_pages_take_the_colours_and_axe_finds_nothing(
    console: tuple[Operating, Console], tab: Console
) -> None:
    grounds = []
    for colours in ("light", "dark"):
        await tab.page.emulate_media(color_scheme=colours)
        await tab.page.goto(f"{console[0].origin}/account/#devices")
        await tab.shown("devices")
        assert await tab.axe() == []
        grounds.append(await tab.page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(244, 246, 249)", "rgb(16, 18, 22)"]


async def test_a_change_is_seen_before_it_is_signed_and_holds_after(tab: Console) -> None:
    await tab.go("matrix")
    await chosen(tab, "Bo", "bench")
    await chosen(tab, "Cy", "desk")
    await tab.page.click("#change")
    dialog = tab.page.locator("dialog[open]")
    await expect(dialog.locator("#plan-changes tbody tr")).to_have_count(2)  # the chosen cells, and no other
    await dialog.locator("[name='role']").select_option("OPERATOR")
    await expect(dialog.locator("#plan-changes tbody tr").first).to_contain_text("Operator")
    await expect(dialog.locator("#plan-own")).to_have_text("Your key signs 2 statements.")
    assert await tab.axe() == []
    await picture(tab, "plan-wide-light")
    await dialog.locator("button.primary").click()
    await expect(dialog).to_have_count(0)
    await expect(tab.page.locator(".toast")).to_contain_text("It holds now")
    cells = tab.page.locator("table.matrix .cell", has_text="Operator")
    await expect(cells).to_have_count(2)
    await expect(cells.first.locator(".by")).to_have_text("this device")
    await tab.page.click(".toast .undo")
    await expect(cells).to_have_count(0)  # the relay tells that rights have changed


async def test_a_limit_takes_from_everybody_its_owner_too_and_names_the_rule(tab: Console) -> None:
    await tab.go("matrix?device=garden")
    await tab.page.locator("table.matrix thead button").click()
    dialog = tab.page.locator("dialog[open]")
    await expect(dialog.locator("#plan-nothing")).to_be_visible()  # what is chosen first changes nothing
    await dialog.locator("[name='role']").select_option("VIEWER")
    await expect(dialog.locator("#plan-changes")).to_contain_text("Everything")
    await dialog.locator("button.primary").click()
    await expect(dialog).to_have_count(0)
    owner = tab.page.locator("table.matrix tbody tr", has_text="ada").locator(".cell")
    await expect(owner).to_contain_text("owner, limited")
    await owner.focus()
    await expect(tab.page.locator("#why")).to_contain_text("Limited to: see, hear, for this device")
    await expect(tab.page.locator("#why")).to_contain_text("Owns the device")


async def test_what_cant_be_had_is_said_before_anything_is_signed(tab: Console) -> None:
    await tab.go("matrix?device=hall")
    await chosen(tab, "Eve", "hall")
    await tab.page.click("#change")
    dialog = tab.page.locator("dialog[open]")
    await expect(dialog.locator("#plan-problems")).to_contain_text("Eve has made no key yet")
    await expect(dialog.locator("button.primary")).to_be_disabled()
    await tab.page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)


async def test_the_matrix_is_worked_by_keys_alone(tab: Console) -> None:
    await tab.go("matrix")
    await tab.page.locator("table.matrix .cell").first.focus()
    for key in ("ArrowDown", "ArrowRight", "Space", "Shift+ArrowDown", "Shift+ArrowRight"):
        await tab.page.keyboard.press(key)
    await expect(tab.page.locator(".chosen strong")).to_have_text("4 cells chosen")
    await expect(tab.page.locator(".cell[tabindex='0']")).to_have_count(1)
    await expect(tab.page.locator(".cell:focus")).to_have_attribute("data-at", "2 2")
    await tab.page.keyboard.press("Escape")
    await expect(tab.page.locator(".chosen")).to_be_hidden()
    await expect(tab.page.locator(".cell:focus")).to_have_count(1)


async def test_a_session_that_ends_while_its_dialog_is_open_says_so(tab: Console) -> None:
    async with Running(tab, [session(1), session(2)]) as running:
        await tab.go("sessions")
        await tab.page.locator("avl-list tbody tr button.danger").first.click()
        dialog = tab.page.locator("dialog[open]")
        await expect(dialog).to_contain_text("End the session of Bo?")
        await running.over(running.items[0]["id"])
        await expect(dialog.locator("[role='alert']")).to_have_text("This session has ended meanwhile.")
        await expect(dialog.locator(".row.end button")).to_have_count(1)
        assert await tab.axe() == []
        await tab.page.keyboard.press("Enter")  # on Close, which has the focus
        await expect(dialog).to_have_count(0)
        assert running.ended == []
        await expect(tab.page.locator("avl-list tbody tr[data-key]")).to_have_count(1)


async def test_a_session_is_ended_and_its_figures_change_without_moving_anything(tab: Console) -> None:
    async with Running(tab, [session(1), session(2)]) as running:
        await tab.go("sessions")
        trip = tab.page.locator("[data-figure='trip']").first
        await expect(trip).to_have_text("19 ms")
        button = await tab.page.locator("avl-list tbody tr button.danger").first.element_handle()
        running.items[0]["figures"]["rtt_ms"] = 77
        await expect(trip).to_have_text("77 ms")
        assert button is not None and await button.evaluate("one => one.isConnected")  # nobody presses into nothing
        await button.click()
        await tab.page.locator("dialog[open] button.danger").click()
        await expect(tab.page.locator("avl-list tbody tr[data-key]")).to_have_count(1)
        assert running.ended == [session(1)["id"]]


async def test_a_real_session_is_seen_as_it_begins_ended_and_found_in_the_log(
    console: tuple[Operating, Console], tab: Console
) -> None:
    here, code = console[0].here, "D0WN70WN"
    own = ["--relay", here.where, "--code", code, "--state", str(here.folder / "host")]
    host = here.run("host", "avl-host", "run", "--source", "pattern", *own)
    target = (await here.said(host, r"(avl://[^'\s]+)"))[1]
    device = target.split("/")[3].partition("?")[0].replace("-", "")
    await enrol(console[0], device, "real desk")
    await tab.go("sessions")
    await expect(tab.page.locator("avl-list .empty")).to_be_visible()
    viewer = here.run("viewer", "avl", "connect", target, "--code", code, "--state", str(here.folder / "viewer"))
    row = tab.page.locator("avl-list tbody tr[data-key]")
    await expect(row).to_contain_text("real desk", timeout=20_000)
    await expect(row.locator("[data-figure='way']")).to_have_text("QUIC")
    await expect(row.locator("[data-figure='trip']")).to_contain_text("ms")
    await expect(row).to_contain_text("Unverified")  # who came by a code
    await expect(row).to_contain_text("acts now")
    name = await row.get_attribute("data-key")
    await row.locator("button.danger").click()
    await tab.page.locator("dialog[open] button.danger").click()
    await expect(row).to_have_count(0)
    assert await here.ended(viewer) == CLOSE_CODES[CloseCode.OWNER_ENDED][1]
    for said in ("Session began", "Session ended"):
        entry = tab.page.locator("avl-list tbody tr[data-key]", has_text=said).first
        for _ in range(10):  # what has happened is in the log's file within a second
            await tab.go("sessions")
            await tab.go(f"audit?session={name}")
            with contextlib.suppress(AssertionError):
                await expect(entry).to_be_visible(timeout=1000)
                break
        await expect(entry).to_be_visible()


async def test_a_list_is_sorted_by_a_column_forth_and_back_by_keys(tab: Console) -> None:
    items = [session(at, name=name) for at, name in enumerate(("desk 10", "Attic", "desk 9"))]
    async with Running(tab, items):
        await tab.go("sessions")
        head = tab.page.locator("avl-list thead th").nth(1)
        names = tab.page.locator("avl-list tbody tr[data-key] td:nth-child(2)")
        await expect(names).to_have_text(["desk 10", "Attic", "desk 9"])
        for way, sorted_ in (
            ("ascending", ["Attic", "desk 9", "desk 10"]),
            ("descending", ["desk 10", "desk 9", "Attic"]),
            ("none", ["desk 10", "Attic", "desk 9"]),
        ):
            await head.locator("button").press("Enter")
            await expect(names).to_have_text(sorted_)
            await expect(head).to_have_attribute("aria-sort", way)
            assert await tab.axe() == []
            if way == "ascending":
                await picture(tab, "sorted-wide-light")


async def test_something_is_said_to_a_session_by_keys_alone(tab: Console) -> None:
    async with Running(tab, [session(1)]) as running:
        await tab.go("sessions")
        await tab.page.locator("avl-list tbody tr button").first.click()
        await tab.page.locator("dialog[open] button", has_text="Message").press("Enter")
        dialog = tab.page.locator("dialog[open]")
        await expect(dialog.locator("input")).to_be_focused()
        assert await tab.axe() == []
        await tab.page.keyboard.type("<b>Back at nine</b>")
        await picture(tab, "message-wide-light")
        await tab.page.keyboard.press("Enter")
        await expect(dialog).to_have_count(0)
        assert running.said == ["<b>Back at nine</b>"]


@pytest.mark.parametrize(("ahead", "said"), [(2 * HOUR, "behind the relay's"), (-2 * HOUR, "ahead of the relay's")])
async def test_where_clocks_differ_times_are_the_relays(tab: Console, ahead: int, said: str) -> None:
    async with Running(tab, [session(1, begun=int(time.time()) + ahead - 605)]) as running:
        running.ahead = ahead
        await tab.go("sessions")
        await expect(tab.page.locator("[data-figure='since']")).to_contain_text("10 min")
        await expect(tab.page.locator(".notice")).to_contain_text(said)
        await expect(tab.page.locator(".notice")).to_contain_text("2 h")


async def test_the_log_is_proved_in_the_browser_and_a_break_is_shouted(tab: Console) -> None:
    await tab.go("audit")
    verdict = tab.page.locator("#verdict")
    await expect(verdict).to_be_visible()
    await tab.page.locator("section.panel header button").first.click()
    await expect(verdict).to_have_attribute("data-verdict", "next")  # the tab's profile has seen it before
    await expect(tab.page.locator(".panel .quiet").first).to_contain_text("follow each other without a gap")
    kept = json.loads(await tab.page.evaluate("localStorage.getItem('avl-console-audit-head')"))

    async def kept_as(**changed: Any) -> None:
        await tab.page.evaluate(
            "head => localStorage.setItem('avl-console-audit-head', head)", json.dumps({**kept, **changed})
        )
        await tab.page.locator("section.panel header button").first.click()

    for changed, expected in (
        ({"root": "00" * 32}, "forked"),
        ({"size": kept["size"] + 10_000}, "older"),
        ({"key": "11" * 32}, "rekeyed"),
    ):
        await kept_as(**changed)
        await expect(verdict).to_have_attribute("data-verdict", expected)
        await expect(tab.page.locator(".panel.alarm[role='alert']")).to_have_count(1)
        still = json.loads(await tab.page.evaluate("localStorage.getItem('avl-console-audit-head')"))
        assert still == {**kept, **changed}  # what contradicts it does not take its place
    assert await tab.axe() == []
    await picture(tab, "audit-broken-wide-light")
    evidence = json.loads(await tab.page.evaluate("localStorage.getItem('avl-console-audit-evidence')"))
    assert evidence["kept"]["key"] == "11" * 32 and evidence["shown"]["key"] == kept["key"]
    await kept_as()
    await expect(verdict).to_have_attribute("data-verdict", "next")


async def test_a_head_that_the_key_has_not_signed_is_shouted_about(tab: Console) -> None:
    async def forged(route: Route) -> None:
        told = await (await route.fetch()).json()
        told["head"]["time_ms"] += 1
        await route.fulfill(json=told)

    await tab.page.route("**/api/v1/audit/head", forged)
    await tab.go("audit")
    await expect(tab.page.locator("#verdict")).to_have_attribute("data-verdict", "forged")
    await expect(tab.page.locator(".panel.alarm")).to_be_visible()


async def test_an_entry_that_was_changed_on_the_way_is_noticed(tab: Console) -> None:
    async def changed(route: Route) -> None:
        told = await (await route.fetch()).json()
        told["items"][1]["time_ms"] += 1
        await route.fulfill(json=told)

    await tab.page.route("**/api/v1/audit?**", changed)
    await tab.go("audit")
    await expect(tab.page.locator("#verdict")).to_have_attribute("data-verdict", "listed")


async def test_the_log_is_searched_and_exported(tab: Console) -> None:
    await tab.go("audit")
    await tab.page.select_option("[name='kind']", "factor_changed")
    rows = tab.page.locator("avl-list tbody tr[data-key]")
    await expect(rows.first).to_contain_text("Factor changed")
    await expect(tab.page.locator("avl-list tbody tr[data-key]", has_text="Statement signed")).to_have_count(0)
    await expect(rows.first).to_contain_text("ada")
    async with tab.page.expect_download() as asked:
        await tab.page.locator("a[download='audit.csv']").click()
    text = (await (await asked.value).path()).read_text("utf-8")
    assert "factor_changed" in text and "statement_stored" not in text
    await tab.page.fill("[name='text']", "nothing is called so")
    await expect(tab.page.locator(".empty h2")).to_have_text("Nothing was found")
    await tab.page.locator(".empty button").click()
    await expect(rows).not_to_have_count(0)
    await rows.first.locator("button").click()
    await expect(tab.page.locator("dialog[open] dl")).to_be_visible()


async def test_an_alarm_says_its_reasons_and_is_noted_as_seen(console: tuple[Operating, Console], tab: Console) -> None:
    await tab.go("alarms")
    await expect(tab.page.locator(".empty h2")).to_have_text("Nothing unusual")
    reasons = [
        {"feature": "hour", "usual": "as ever", "seen": "1 in 40", "text": "an hour that is rare for them"},
        {"feature": "reach", "usual": "2", "seen": "<b>12</b>", "text": "devices within an hour"},
    ]
    raised = RaisedAlarm(
        id="alarm".ljust(22, "-"),
        at=int(time.time()),
        kind="hour",
        person=person("Bo"),
        device=number_of("desk"),
        session="",
        score=180,
        detector="habits",
        reasons=reasons,
        acted="notify",
    )
    store = Store(database_url(None, console[0].here.folder / "relay"))
    await store.open(migrates=False)
    async with store.writing() as db:
        await Alarms(db).add(raised)
    await store.close()
    await tab.page.reload()
    await tab.shown("alarms")
    row = tab.page.locator("avl-list tbody tr[data-key]")
    await expect(row).to_contain_text("An hour that is rare for them")
    await expect(row).to_contain_text("Bo")
    await expect(row).to_contain_text("1 in 40; usually as ever")
    assert await tab.axe() == []
    await picture(tab, "alarms-wide-light")
    await row.locator("button.link").click()
    dialog = tab.page.locator("dialog[open]")
    await expect(dialog.locator("tbody tr")).to_have_count(2)
    await expect(dialog).to_contain_text("<b>12</b>")
    assert await tab.axe() == []
    await dialog.locator("button.primary").click()
    await expect(row).to_have_count(0)
    await tab.page.select_option("select[aria-label='Which alarms']", "all")
    await expect(row).to_contain_text("seen")


async def test_a_session_that_is_in_one_log_only_is_an_alarm_with_a_sentence(
    console: tuple[Operating, Console], tab: Console
) -> None:
    missing = Missing("m" * 22, 0, "host")
    alarm = missing_alarm(number_of("attic"), missing, time.time() + 5)
    store = Store(database_url(None, console[0].here.folder / "relay"))
    await store.open(migrates=False)
    async with store.writing() as db:
        reasons = [{"feature": one.feature, "usual": one.usual, "seen": one.seen} for one in alarm.reasons]
        raised = RaisedAlarm(
            id="missing".ljust(22, "-"),
            at=int(alarm.at),
            kind=alarm.kind,
            person=None,
            device=alarm.device,
            session=alarm.session,
            score=alarm.score,
            detector=alarm.detector,
            reasons=reasons,
            acted="notify",
        )
        await Alarms(db).add(raised)
    await store.close()
    await tab.go("alarms")
    row = tab.page.locator("avl-list tbody tr[data-key]").first
    await expect(row).to_contain_text("A session that is in one log only")
    await expect(row).to_contain_text("Missing in the host's log")
    await row.locator("button.link").click()
    await expect(tab.page.locator("dialog[open]")).to_contain_text("another machine runs with the host's identity")
    assert await tab.axe() == []
    await picture(tab, "alarm-missing-wide-light")


async def test_health_says_what_is_wrong_first(tab: Console) -> None:
    await tab.go("health")
    await expect(tab.page.locator("[data-tile='state'] dd")).to_have_text("Takes newcomers")
    await expect(tab.page.locator("[data-tile='database'] dd")).to_contain_text("SQLite")
    await expect(tab.page.locator("[data-tile='cpu'] dd")).to_contain_text("%")  # after a second look
    assert await tab.page.locator(".notice:visible").count() == 0

    async def sick(route: Route) -> None:
        told = await (await route.fetch()).json()
        told["audit"] = {"trouble": "the disk is full", "refuses": True}
        told["plane"] |= {"ready": False, "expected": 2, "drops": {"<b>no session</b>": 4}}
        told["plane"] |= {
            "limits_hit": {"handshakes": 90, "NAT tests": 3},
            "limits_by_network": {"handshakes 192.0.2.0/24": 60, "handshakes 2001:db8:1::/48": 30},
        }
        await route.fulfill(json=told)

    await tab.page.route("**/api/v1/health", sick)
    for said in ("the disk is full", "it takes nobody new", "Only 1 of 2 processes"):
        await expect(tab.page.locator(".notice", has_text=said)).to_be_visible()
    await expect(tab.page.locator("table", has_text="<b>no session</b>")).to_be_visible()
    handshakes = tab.page.locator("th", has_text="handshakes")
    await expect(handshakes.locator("div")).to_have_text(["192.0.2.0/24: 60", "2001:db8:1::/48: 30"])
    await expect(tab.page.locator("th", has_text="NAT tests").locator("div")).to_have_count(0)
    await picture(tab, "health-sick-wide-light")


async def test_settings_say_why_in_the_language_of_who_reads(console: tuple[Operating, Console]) -> None:
    made = await console[0].tab(size=PHONE, colours="dark", language="de")
    await made.go("settings")
    await made.page.fill("[type='search']", "Büro")
    await expect(made.page.locator("table.settings tbody tr", has_text="per_address")).to_contain_text(
        "hinter einem NAT"
    )
    assert await made.axe() == []
    await made.page.locator("table.settings").scroll_into_view_if_needed()
    await picture(made, "settings-phone-dark-de")
    await made.page.context.close()
    assert made.wrong == []


async def test_where_share_links_are_turned_off_the_page_says_so(tab: Console) -> None:
    async def me(route: Route) -> None:
        told = await (await route.fetch()).json()
        await route.fulfill(json={**told, "off": ["share_links"]})

    await tab.page.route("**/api/v1/me", me)
    await tab.go("shares")
    await expect(tab.page.locator(".notice", has_text="turned off at this relay")).to_be_visible()
    await expect(tab.page.locator("#new-link")).to_be_disabled()
    assert await tab.axe() == []
    await picture(tab, "shares-off-wide-light")


async def test_a_feature_is_turned_off_and_back_by_undo(tab: Console) -> None:
    await tab.go("settings")
    box = tab.page.locator("[name='share_links']")
    await expect(box).to_be_checked()
    await box.uncheck()
    await expect(tab.page.locator(".toast")).to_contain_text("Share links: turned off")
    await tab.page.reload()
    await tab.shown("settings")
    await expect(box).not_to_be_checked()
    await box.check()
    await tab.page.locator(".toast .undo").click()
    await expect(box).not_to_be_checked()
    await box.check()
    await expect(tab.page.locator("tr", has_text="drain")).to_contain_text("live")
    await tab.page.fill("[type='search']", "tls_cert")
    await expect(tab.page.locator("table.settings tbody tr").first).to_contain_text("needs a restart")


async def test_hostile_names_are_shown_as_text(tab: Console) -> None:
    async with Running(
        tab, [session(at, name=text, who=text, address=text[:64]) for at, text in enumerate(HOSTILE, 1)]
    ):

        async def hostile(route: Route) -> None:
            told = await (await route.fetch()).json()
            for at, one in enumerate([*told["items"], *told["columns"]]):
                one["name"] = HOSTILE[at % len(HOSTILE)]
            await route.fulfill(json=told)

        await tab.page.route("**/api/v1/matrix?**", hostile)
        for page in ("sessions", "matrix"):
            await tab.go(page)
            assert await tab.page.locator("main img, main script").count() == 0
            shown = await tab.page.locator("main").inner_text()
            assert not set(shown) & set("\u202e\u2066\u200b\u0007") and len(shown) < 20_000
            wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
            assert await tab.page.evaluate(wide)
            await picture(tab, f"hostile-{page}")


@pytest.mark.parametrize("language", ["de", "pt"])
async def test_pages_are_spoken_in_every_language(console: tuple[Operating, Console], language: str) -> None:
    operating, _ = console
    made = await operating.tab(language=language)
    for page in PAGES:
        await made.go(page)
        text = await made.page.locator("body").inner_text()
        assert f"{page}." not in text  # a key that has no words is shown as it is
    await picture(made, f"settings-{language}")
    await made.page.context.close()
    assert made.wrong == []
