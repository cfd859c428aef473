"""Settings over the API: who sees them, and features turned off and on at all processes of a relay."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.settings.faults import BadSettings
from avl_protocol.endpoint.settings.load import from_flags
from avl_protocol.endpoint.settings.report import as_json
from avl_protocol.wire.registry import CloseCode
from avl_relay.api.identity import Role
from avl_relay.api.operations import Resource
from avl_relay.api.people import PeopleList
from avl_relay.api.settings import SettingList, Turned
from avl_relay.figures import Figures
from avl_relay.live import Happening, Live
from avl_relay.settings.changed import FILE, changed
from avl_relay.settings.live import LiveSettings
from avl_relay.settings.model import Features
from avl_relay.settings.sources import relay_settings
from avl_relay.store.engine import Store, database_url
from tests.relay.apis import BEGUN, Desk, Hands, who

PEOPLE = {
    "ada": who("ada", Role.OWNER),
    "bo": who("bo", Role.ADMIN),
    "old": who("old", Role.ADMIN, mfa_at=BEGUN - 3600),
    "cy": who("cy"),
}


class Process:
    """One of a relay's processes, and its API. What it announces reaches the others."""

    def __init__(self, folder: Path, number: int, store: Store, **flags: Any) -> None:
        def read(variables: dict[str, str] | None = None) -> Any:
            return relay_settings(folder / "a.toml", folder, [from_flags(flags)], {})

        self.told: list[Turned] = []
        self.settings = LiveSettings(read(), read, worker=number)
        self.live = Live(wall=lambda: float(BEGUN), worker=number)
        self.live.listen(self._happened)
        clock = Hands()
        resources: list[Resource] = [
            SettingList(self.settings, self.live, turned=self.told.append),
            PeopleList(self.live, page=lambda: "", entropy=entropy),
        ]
        off = lambda: self.settings.settings.control().off  # noqa: E731
        self.api = Desk(resources, store, PEOPLE, clock, off)

    def _happened(self, happening: Happening) -> None:
        if happening.kind == "settings":
            self.settings.look()

    def on(self, feature: str) -> bool:
        return bool(getattr(self.settings.settings.features, feature))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = Store(database_url(None, tmp_path))
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def two(tmp_path: Path, store: Store) -> AsyncIterator[tuple[Process, Process]]:
    (tmp_path / "a.toml").write_text("drain = 4\n[features]\ninvitations = true\n")
    made = Process(tmp_path, 0, store), Process(tmp_path, 1, store)
    for one, other in (made, made[::-1]):
        one.live.join(_Hands(), lambda news, other=other, one=one: other.live.told(0, news))  # type: ignore[misc]
    yield made
    for one in made:
        await one.api.close()


class _Hands:
    """A worker that does nothing."""

    def end_session(self, handle: int, code: CloseCode) -> None: ...

    def tell_session(self, handle: int, text: str) -> None: ...

    def figures(self) -> dict[int, Figures]:
        return {}

    def send_away(self, device: int) -> None: ...

    def push(self, device: int) -> None: ...
    def read_anew(self) -> None: ...


async def test_who_administers_sees_settings_with_their_reasons(two: tuple[Process, Process]) -> None:
    answer = await two[0].api.ask("bo", "GET", "/settings")
    rows = {row["name"]: row for row in answer.json()["items"]}
    assert answer.status_code == 200 and rows["drain"]["value"] == 4 and rows["drain"]["place"].endswith("a.toml:1")
    assert rows["features.invitations"]["live"] and len(rows["features.invitations"]["reason"]) > 20
    for name, status in (("cy", 403), (None, 401)):
        assert (await two[0].api.ask(name, "GET", "/settings")).status_code == status
        change = await two[0].api.ask(name, "PATCH", "/settings", {"features": {}})
        assert change.status_code == status


def test_the_console_has_the_reason_of_each_setting_in_its_words(tmp_path: Path) -> None:
    reasons = json.loads((files("avl_relay") / "console/words/en.json").read_text())["settings"]["reasons"]
    rows = as_json(relay_settings(None, tmp_path))
    assert reasons == {row["name"].replace(".", "-"): row["reason"] for row in rows}


async def test_a_feature_is_turned_off_everywhere_at_once_and_for_good(
    two: tuple[Process, Process], store: Store, tmp_path: Path
) -> None:
    body = {"login": "dee", "name": "Dee"}
    assert (await two[1].api.ask("ada", "POST", "/people", body)).status_code == 201
    answer = await two[0].api.ask("ada", "PATCH", "/settings", {"features": {"invitations": False}})
    assert answer.status_code == 200
    rows = {row["name"]: row for row in answer.json()["items"]}
    assert rows["features.invitations"]["value"] is False and FILE in rows["features.invitations"]["place"]
    assert not any(one.on("invitations") for one in two) and all(one.on("share_links") for one in two)
    for one in two:
        refused = await one.api.ask("ada", "POST", "/people", body)
        assert (refused.status_code, refused.json()["code"]) == (403, "turned-off")
    assert two[0].told == [Turned(person="ada", feature="invitations", on=False)] and two[1].told == []
    again = Process(tmp_path, 0, store)
    assert not again.on("invitations") and again.settings.settings.drain == 4
    await again.api.close()


async def test_turning_a_feature_as_it_is_says_nothing(two: tuple[Process, Process], tmp_path: Path) -> None:
    assert (await two[0].api.ask("ada", "PATCH", "/settings", {"features": {"enrolment": True}})).status_code == 200
    assert two[0].told == [] and not (tmp_path / FILE).exists()


async def test_two_processes_that_change_features_keep_each_others(two: tuple[Process, Process]) -> None:
    await two[0].api.ask("ada", "PATCH", "/settings", {"features": {"enrolment": False}})
    await two[1].api.ask("bo", "PATCH", "/settings", {"features": {"share_links": False}})
    for one in two:
        assert {name for name in Features.model_fields if not one.on(name)} == {"enrolment", "share_links"}


async def test_a_change_takes_nothing_else_of_the_file_with_it(two: tuple[Process, Process], tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("this is not TOML")
    assert (await two[0].api.ask("ada", "PATCH", "/settings", {"features": {"enrolment": False}})).status_code == 200
    assert not two[1].on("enrolment") and two[1].settings.settings.drain == 4


async def test_a_change_needs_a_second_factor_of_the_last_minutes(two: tuple[Process, Process]) -> None:
    answer = await two[0].api.ask("old", "PATCH", "/settings", {"features": {"enrolment": False}})
    assert answer.json()["code"] == "step-up" and two[0].on("enrolment")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"features": {"enrolment": "no"}},
        {"features": {"enrolment": 0}},
        {"features": {"listen": False}},
        {"drain": 3},
        {"features": {"enrolment": False}, "drain": 3},
        {"features": []},
        [],
    ],
)
async def test_what_is_no_change_of_features_is_refused(
    body: Any, two: tuple[Process, Process], tmp_path: Path
) -> None:
    answer = await two[0].api.ask("ada", "PATCH", "/settings", body)
    assert answer.status_code == 422 and not (tmp_path / FILE).exists()


async def test_what_flags_or_the_environment_say_the_console_does_not_change(tmp_path: Path, store: Store) -> None:
    (tmp_path / "a.toml").write_text("")
    process = Process(tmp_path, 0, store, features={"share_links": True})
    answer = await process.api.ask("ada", "PATCH", "/settings", {"features": {"share_links": False}})
    assert answer.status_code == 409 and "features.share_links is set by --features" in answer.json()["detail"]
    assert not (tmp_path / FILE).exists()
    await process.api.close()


async def test_a_damaged_file_of_features_changes_nothing_and_is_said(
    two: tuple[Process, Process], tmp_path: Path
) -> None:
    (tmp_path / FILE).write_text("[features]\nenrolment = maybe\n")
    answer = await two[0].api.ask("ada", "PATCH", "/settings", {"features": {"share_links": False}})
    assert answer.status_code == 503 and f"{FILE}:2" in answer.json()["detail"]
    assert two[0].on("share_links") and two[0].on("enrolment")
    for text, said in (("[features]\nnone = true\n", "no setting is called"), ("drain = 3\n", "only features")):
        (tmp_path / FILE).write_text(text)
        with pytest.raises(BadSettings, match=said):
            relay_settings(tmp_path / "a.toml", tmp_path, (), {})
    (tmp_path / FILE).unlink()
    assert changed(tmp_path).values == {}
