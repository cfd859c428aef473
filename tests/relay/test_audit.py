"""A relay's audit log: what gets into it, over several processes, and what it does when it can't be written."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from avl_protocol.audit.entry import Entry
from avl_protocol.audit.events import KINDS, NotLogged, checked
from avl_protocol.audit.head import TreeHead, head_of
from avl_protocol.audit.limits import MOST_NAMED
from avl_protocol.audit.merkle import verify_consistency
from avl_protocol.audit.witness import Verdict, Witness
from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.loop.world import system_world
from avl_protocol.endpoint.program.auditfiles import FOLDER, entries_of, segments_of, verify_folder
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.wire.messages import Attached, Close, Detach, Head, HeadKnown, HopMessage
from avl_protocol.wire.registry import CloseCode
from avl_relay.api.audit import AuditResource
from avl_relay.api.frame import BASE, Frame
from avl_relay.api.identity import Named, Role
from avl_relay.audit.asked import DONE, SIGNS_IN, Asked
from avl_relay.audit.auditor import Auditor, Unwritten
from avl_relay.audit.book import Book
from avl_relay.audit.reading import Several
from avl_relay.audit.settings import AuditSettings
from avl_relay.cli import app
from avl_relay.config import RelaySettings
from avl_relay.control.building import Machinery
from avl_relay.control.settings import ControlSettings
from avl_relay.live import Live
from avl_relay.relay import Relay
from avl_relay.store.engine import Store
from tests.relay.apis import Hands, who
from tests.relay.test_accounts import with_totp
from tests.relay.test_control import HERE, NUMBER, Premises, until
from tests.relay.visiting import PASSWORD
from tests.relay.visiting import Relay as Visited

IDENTITY = Identity(b"i" * 32)


def book(folder: Path, number: int = 0, refuses: bool = False) -> Book:
    folder.mkdir(mode=0o700, exist_ok=True)
    settings = AuditSettings(state=folder, number=number, refuses=refuses)
    return Book(system_world(), settings, IDENTITY, software="test")


@asynccontextmanager
async def running(made: Book) -> AsyncIterator[Book]:
    made.start(lambda news: None, dict)
    try:
        await until(lambda: made.trouble or made.snapshot()["entries"])
        yield made
    finally:
        await made.close()


def logged(folder: Path, kind: str = "") -> list[Entry]:
    return [entry for entry in entries_of(folder / FOLDER) if kind in ("", entry.kind)]


@asynccontextmanager
async def relay(folder: Path, refuses: bool = False) -> AsyncIterator[Premises]:
    """A relay with a log and without accounts."""
    world = system_world()
    settings = RelaySettings(state=folder, listen=(HERE, 0), http=(HERE, 0), public=HERE)
    identity = StateFolder(folder).identity(world.entropy)
    kept = Book(world, AuditSettings(state=folder, refuses=refuses), identity, software="test")
    made = Relay(world, settings, audit=kept)
    await made.start()
    place = Premises(made, None, None)  # type: ignore[arg-type]
    try:
        async with asyncio.timeout(30):
            await until(lambda: kept.trouble or kept.heads_signed)
            yield place
    finally:
        for close in place.opened:
            await close()  # type: ignore[misc]
        await made.close()


def shown(heard: list[HopMessage]) -> list[Head]:
    return [message for message in heard if isinstance(message, Head)]


def head_in(message: Head) -> TreeHead:
    return TreeHead(message.size, message.root, message.chain, message.time_ms, message.key, message.signature)


async def test_what_hosts_and_viewers_do_is_logged_and_shown_to_them(tmp_path: Path) -> None:
    folder = tmp_path / "relay"
    witness = Witness()
    async with relay(folder) as place:
        key = place.relay.identity.public
        hop = await place.host()
        watching = await place.attach()
        await until(watching.attached)
        hop.hop.send(HeadKnown(0))
        await until(lambda: shown(place.heard))
        first = shown(place.heard)[0]
        assert first.key == key and first.proof == ()
        assert witness.hear(head_in(first), first.proof).verdict is Verdict.FIRST
        (attached,) = (message for message in watching.heard if isinstance(message, Attached))
        watching.hop.hop.send(Detach(attached.handle, CloseCode.ENDED))
        await until(lambda: any(isinstance(message, Detach) for message in place.heard))
    entries = logged(folder)
    kinds = [entry.kind for entry in entries]
    assert kinds[:3] == ["log_begun", "host_registered", "session_began"] and "session_ended" in kinds
    began, ended = logged(folder, "session_began")[0], logged(folder, "session_ended")[0]
    assert began.said() == {"session": began.text("session"), "device": NUMBER, "way": "relay", "address": HERE}
    assert (ended.text("session"), ended.text("why")) == (began.text("session"), "ended")
    assert verify_folder(folder / FOLDER, key).size == len(entries)
    async with relay(folder) as place:  # it has restarted: the same log goes on
        hop = await place.host()
        hop.hop.send(HeadKnown(first.size))
        await until(lambda: shown(place.heard))
        second = shown(place.heard)[0]
        assert second.size > first.size
        assert witness.hear(head_in(second), second.proof).verdict is Verdict.NEXT
        for _ in range(1000):  # it has grown
            place.relay.audit.record("host_left", device=NUMBER)  # type: ignore[union-attr]
        await until(lambda: len(shown(place.heard)) > 1)
        third = shown(place.heard)[1]
        assert witness.hear(head_in(third), third.proof).verdict is Verdict.NEXT
        hop.hop.send(HeadKnown(1 << 40))  # more than there is: it is shown what there is
        await until(lambda: len(shown(place.heard)) > 2)
        assert shown(place.heard)[2].proof == ()


@pytest.mark.parametrize("refuses", [False, True])
async def test_a_false_log_is_only_read_and_sessions_go_by_the_policy(tmp_path: Path, refuses: bool) -> None:
    folder = tmp_path / "relay"
    async with relay(folder) as place:
        await place.host()
    ((_, file),) = segments_of(folder / FOLDER)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([lines[0].replace(b"test", b"tost"), *lines[1:]]))
    before = file.read_bytes()
    async with relay(folder, refuses) as place:
        hop = await place.host()
        assert f"{file}, line 2" in place.relay.audit.trouble  # type: ignore[union-attr]
        watching = await place.attach()
        if refuses:
            await until(lambda: any(isinstance(one, Close) for one in watching.heard) or watching.hop.lost.done())
            assert not watching.attached()
        else:
            await until(watching.attached)
        hop.hop.send(HeadKnown(0))
        await asyncio.sleep(0.1)
        assert not shown(place.heard), "a false log is shown to nobody"
    assert file.read_bytes() == before


async def test_a_disk_that_is_full_is_told_and_over_when_it_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(book(tmp_path / "a", refuses=True)) as made:
        assert not made.refuses
        real = os.write

        def full(file: int, data: bytes) -> int:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "write", full)
        made.record("alarm", alarm="x")
        await until(lambda: made.refuses)
        assert "No space left" in made.trouble and made.snapshot()["in trouble"] == 1
        monkeypatch.setattr(os, "write", real)
        await until(lambda: not made.refuses)
    assert [entry.kind for entry in logged(tmp_path / "a")][-1] == "alarm"


def connect(first: Book, second: Book) -> tuple[Callable[[bytes], object], Callable[[bytes], object]]:
    """What tells the other, as siblings do: in a moment."""
    loop = asyncio.get_running_loop()
    one, other = Several(first, None), Several(second, None)
    return (lambda news: loop.call_soon(other.told, 0, news)), (lambda news: loop.call_soon(one.told, 1, news))


async def test_what_other_processes_record_is_written_by_the_first_once(tmp_path: Path) -> None:
    first, second = book(tmp_path / "a"), book(tmp_path / "a", 1)
    to_second, to_first = connect(first, second)
    second.start(lambda news: None, dict)  # the first is not there yet
    second.record("host_left", device="A")
    assert second.snapshot()["waiting for the writer"] == 1
    first.start(to_second, dict)
    second.start(to_first, dict)
    for news in [*second.all_news(), *second.all_news()]:
        to_first(news)
    second.record("host_left", device="B")
    await until(lambda: not second.snapshot()["waiting for the writer"])
    assert [entry.text("device") for entry in logged(tmp_path / "a", "host_left")] == ["A", "B"]
    proved: list[tuple[TreeHead, tuple[bytes, ...]]] = []
    await until(lambda: first.heads_signed)
    assert second.ask(0, lambda head, proof: proved.append((head, tuple(proof))))
    await until(lambda: proved)
    head = proved[0][0]
    assert head.genuine and second.ask(1, lambda head, proof: proved.append((head, tuple(proof))), head.size)
    await until(lambda: len(proved) > 1)
    first.record("alarm", alarm="x")
    with pytest.raises(NotLogged):
        second.record("host_left", password="x")
    await second.close()
    await first.close()
    for news in first.all_news():
        second.told(0, news)
    assert second.trouble == ""


async def test_limits_that_are_hit_are_logged_once_a_look(tmp_path: Path) -> None:
    made, hit = book(tmp_path / "a"), {"handshakes": 3}
    made.start(lambda news: None, lambda: hit)
    hit["handshakes"] = 5
    await made.close()
    await asyncio.sleep(0)
    counts = [entry.text("count") for entry in logged(tmp_path / "a", "limit_hit")]
    assert counts == ["3", "2"]


async def test_a_limit_that_is_hit_is_logged_with_the_networks_that_hit_it_most(tmp_path: Path) -> None:
    made, hit, by = book(tmp_path / "a"), {"handshakes": 0}, Counter({"handshakes 192.0.2.0/24": 0})
    made.start(lambda news: None, lambda: hit, lambda: by)
    hit["handshakes"] = 90
    by.update({"handshakes 192.0.2.0/24": 50, "handshakes 2001:db8:1::/48": 30})
    by.update({f"handshakes 198.51.{number}.0/24": 1 for number in range(9)})
    await made.close()
    told = [(one.text("address"), one.text("count")) for one in logged(tmp_path / "a", "limit_hit")]
    assert told[:2] == [("192.0.2.0/24", "50"), ("2001:db8:1::/48", "30")]
    assert len(told) == MOST_NAMED + 1 and told[-1] == ("", "4"), "others are told together, and none is told twice"


# the API


async def test_the_log_is_searched_proved_and_exported_by_who_administers(tmp_path: Path, store: Store) -> None:
    people = {"root": who("root", Role.ADMIN), "ada": who("ada")}
    async with running(book(tmp_path / "a")) as made:
        for number in range(7):
            made.record("signed_in", person=f"p{number % 2}", how="totp", login="=1+1", address="192.0.2.1")
        await until(lambda: len(logged(tmp_path / "a")) == 8)

        async def opened() -> Store:
            return store

        frame = Frame(
            [AuditResource(made)],
            store=opened,
            identities=Named(people),
            clock=Hands(),
            report=raised,
            ended=Asked(made).ended,
        )
        transport = httpx.ASGITransport(app=frame)
        async with httpx.AsyncClient(transport=transport, base_url="https://relay.test" + BASE) as client:

            async def ask(path: str, name: str = "root") -> httpx.Response:
                return await client.get(path, headers={"authorization": f"Bearer {name}"})

            for path in ("/audit", "/audit/head", "/audit/consistency", "/audit/export"):
                assert (await ask(path, "ada")).status_code == 403
            page = (await ask("/audit?person=p0&limit=3")).json()
            assert [one["seq"] for one in page["items"]] == [7, 5, 3] and page["trouble"] == ""
            assert page["items"][0]["opened"]["login"][1] == "=1+1"
            rest = (await ask(f"/audit?person=p0&limit=3&after={page['next']}")).json()
            assert [one["seq"] for one in rest["items"]] == [1] and rest["next"] is None
            assert len((await ask("/audit?kind=log_begun")).json()["items"]) == 1
            for wrong in ("kind=x", "since_ms=-1", "after=zzz", "limit=0"):
                assert (await ask(f"/audit?{wrong}")).status_code == 422
            await until(lambda: made.heads_signed)
            head = head_of((await ask("/audit/head")).json()["head"])
            assert head.genuine and head.key == IDENTITY.public
            proof = (await ask(f"/audit/consistency?from=1&to={head.size}")).json()["proof"]
            early = (await ask("/audit/consistency?from=0&to=1")).json()
            assert early == {"from": 0, "to": 1, "proof": []}
            assert isinstance(proof, list) and head.size >= 1
            assert (await ask("/audit/consistency?from=5&to=1")).status_code == 404
            exported = await ask("/audit/export?kind=signed_in")
            assert exported.headers["content-type"] == "application/x-ndjson" and len(exported.text.splitlines()) == 7
            table = await ask("/audit/export?form=csv")
            assert table.text.startswith("seq,time,kind,what") and "attachment" in table.headers["content-disposition"]
            await until(lambda: logged(tmp_path / "a", "exported"))
            root = (await ask("/audit/head")).json()["head"]
            assert verify_consistency(0, b"", head_of(root).size, head_of(root).root, ()) is False
            ((_, file),) = segments_of(tmp_path / "a" / FOLDER)
            file.write_bytes(b"x\n" + file.read_bytes())
            assert (await ask("/audit")).status_code == 409


async def test_every_operation_that_is_recorded_is_one_and_no_other_changes_anything(tmp_path: Path) -> None:
    """What the table forgets is written here, with the reason."""
    unrecorded = {
        ("POST", "/session/passkey/options"): "asks for nothing yet",
        ("DELETE", "/session"): "who leaves",
        ("POST", "/device-authorizations"): "asks for nothing yet",
        ("POST", "/device-authorizations/{user_code}/deny"): "nothing follows",
        ("POST", "/devices/{number}/pass"): "the session that uses it is recorded",
        ("POST", "/me/factors/totp"): "confirmed later",
        ("POST", "/me/factors/passkey/options"): "asks for nothing yet",
        ("POST", "/matrix/plan"): "nothing changes",
        ("POST", "/me/key-copies"): "sealed",
        ("DELETE", "/me/key-copies/{id}"): "sealed",
        ("DELETE", "/me/sessions/{id}"): "who leaves",
        ("POST", "/me/sessions/{id}/approve"): "the sign-in that follows is recorded",
    }

    async def opened() -> None:
        return

    world = system_world()
    StateFolder(tmp_path)
    machinery = Machinery(
        ControlSettings(state=tmp_path),
        world,
        live=Live(wall=world.clock.wall),
        place=_Nowhere(),
        report=lambda error: None,
        opened=opened,
        audit=book(tmp_path),
    )
    known = {(one.method, one.path) for one in machinery.frame.operations}
    assert (DONE.keys() | SIGNS_IN.keys() | unrecorded.keys()) - known == set()
    changing = {one for one in known if one[0] != "GET"}
    assert changing - DONE.keys() - SIGNS_IN.keys() - unrecorded.keys() == set()
    assert {kind for kind, _ in DONE.values()} <= KINDS.keys()


class _Nowhere:
    quic, pin, page = "", "", ""


async def test_signing_in_and_what_follows_are_recorded_without_a_secret(store: Store) -> None:
    visited, auditor = Visited(store), Unwritten(remembers=True)
    visited.app = Frame(
        visited.accounts.resources,
        store=lambda: _given(store),
        identities=visited.accounts.identities,
        clock=visited.clock,
        report=raised,
        ended=Asked(auditor).ended,
    )
    browser = await visited.owner()
    secret = await with_totp(visited, browser)
    other = visited.browser("198.51.100.1")
    await other.sign_in("ada", "a wrong password canary")
    assert (await other.sign_in()).json()["stage"] == "factor"
    await other.post("/session/totp", {"code": "000000"})
    recorded = [(kind, said.get("how") or said.get("factor"), said.get("why")) for kind, said in auditor.told]
    assert recorded == [
        ("signed_in", "setup", None),
        ("factor_changed", "totp", None),
        ("sign_in_refused", "password", "credentials"),
        ("sign_in_refused", "totp", "credentials"),
    ]
    refused = auditor.told[2][1]
    assert (refused["login"], refused["address"]) == ("ada", "198.51.100.1")
    assert auditor.told[0][1]["person"]
    text = json.dumps(auditor.told)
    assert PASSWORD not in text and "canary" not in text and str(secret) not in text
    for kind, said in auditor.told:
        checked(kind, said, entropy)


def raised(error: BaseException) -> None:
    raise error


async def _given(store: Store) -> Store:
    return store


def test_the_double_remembers_only_when_it_is_asked_to() -> None:
    auditor: Auditor = Unwritten()
    auditor.record("alarm", alarm="x")
    assert Unwritten().told == []


# the command line


def audit(folder: Path, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["audit", *arguments, "--state", str(folder)])
    return done.exit_code, done.output


async def _written(folder: Path) -> None:
    (folder / "identity.key").write_bytes(b"i" * 32)
    async with running(book(folder)) as made:
        made.record("session_began", session="s1", device=NUMBER, way="relay", address="192.0.2.1")
        made.record("setting_changed", setting="x", after="\x1b[31mred")


def test_the_command_line_verifies_searches_exports_and_compares(tmp_path: Path) -> None:
    folder = tmp_path / "relay"
    folder.mkdir(mode=0o700)
    assert audit(folder, "verify")[0] == 1
    asyncio.run(_written(folder))
    status, text = audit(folder, "verify")
    assert status == 0 and text.startswith("3 entries are whole; head of 3")
    status, text = audit(folder, "head")
    kept = tmp_path / "head.json"
    kept.write_text(text)
    assert audit(folder, "verify", "--head", str(kept))[1].count("1 kept head held") == 1
    status, text = audit(folder, "search", "--kind", "setting_changed")
    assert status == 0 and "\x1b" not in text and "setting_changed" in text
    assert audit(folder, "search", "--since", "tomorrow")[0] == 1
    assert audit(folder, "search", "--until", "2020-01-01")[1] == ""
    status, text = audit(folder, "export")
    assert [json.loads(line)["seq"] for line in text.splitlines()] == [0, 1, 2]
    export = tmp_path / "export.jsonl"
    export.write_text(text)
    assert audit(folder, "export", "--form", "csv")[1].startswith("seq,time,kind,what")
    assert audit(folder, "export", "--form", "xml")[0] == 2
    status, text = audit(folder, "compare", str(export), "--device", NUMBER)
    assert (status, text) == (0, "every session is in both logs\n")
    ((_, file),) = segments_of(folder / FOLDER)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([lines[0], lines[2]]))
    status, text = audit(folder, "verify")
    assert status == 1 and f"NOT whole: entry 1: entry 2 stands where entry 1 belongs; {file}, line 2" in text
    file.write_bytes(b"".join(lines[:2]))
    assert "1 entries are missing at the end" in audit(folder, "verify")[1]
