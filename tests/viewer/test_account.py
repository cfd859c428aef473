"""What a signed-in program keeps: names, chains, tokens; and what it does without the relay's accounts."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.api.calls import ApiError
from avl_protocol.endpoint.api.proofs import Prover
from avl_protocol.endpoint.loop.world import system_world
from avl_protocol.endpoint.program.state import StateError, StateFolder
from avl_protocol.rights.chain import Trust, verify_chain
from avl_protocol.rights.effective import OWNER
from avl_protocol.rights.enrolled import Enrolled
from avl_protocol.rights.jws import encode, thumbprint
from avl_protocol.rights.statements import AccessGrant, KeyLink, RevocationList, device_audience, sign
from avl_protocol.wire.device_id import to_text
from avl_protocol.wire.registry import PRESETS
from avl_protocol.wire.target import parse_relay
from avl_viewer.account import keyfile, login, program, signin
from avl_viewer.account.chains import Chain, ChainFiles, of_grants, of_owner, owners_link
from avl_viewer.account.credentials import ProgramCredentials
from avl_viewer.account.devices import Device, DeviceFile, NoSuchName, meant, read_device
from avl_viewer.account.signin import NotSignedIn, SignIn
from avl_viewer.held.sockets import device_called
from avl_viewer.way import is_name
from tests.protocol.test_endpoint_api import Answers, Clock

OWNER_KEY, PERSON, VIEWER = (Identity(bytes([n]) * 32) for n in (1, 2, 3))
WALL = 1_800_000_000.0
NUMBER = Identity(bytes([9]) * 32).number
SIGNED = SignIn("127.0.0.1:4433?pin=" + "A" * 43, "http://localhost:1/", "id", "ada", "first")


def device(name: str, number: int = NUMBER, **more: Any) -> Device:
    plain = to_text(number).replace("-", "")
    return Device(**{"number": plain, "name": name, "owner": thumbprint(OWNER_KEY.public), **more})


ENROLLED = Enrolled(NUMBER, OWNER_KEY.public, ("garden",))
LAB, LABEL, ATTIC = device("Lab"), device("Lab two", 5), device("Attic", 6)


@pytest.mark.parametrize(
    ("name", "found"),
    [("Lab", LAB), ("lab", LAB), ("att", ATTIC), ("lab t", LABEL), (LABEL.id, LABEL), (ATTIC.number.lower(), ATTIC)],
)
def test_a_name_means_a_device_by_itself_its_beginning_or_its_id(name: str, found: Device) -> None:
    assert meant(name, [LAB, LABEL, ATTIC]) is found


def test_a_name_that_means_nobody_or_several_says_what_to_write() -> None:
    with pytest.raises(NoSuchName, match=r"did you mean Attic\?"):
        meant("atic", [LAB, ATTIC])
    with pytest.raises(NoSuchName, match=r"more than one device is called 'la'.*Write the device ID"):
        meant("la", [LAB, LABEL])
    with pytest.raises(NoSuchName, match="avl devices"):
        meant("", [])


def test_targets_are_no_names() -> None:
    assert is_name("lab") and is_name("host:1") and not is_name(" AVL://h:1/x")


def test_a_device_that_cannot_be_read_is_left_out() -> None:
    good = {"number": LAB.number, "name": "Lab\x1b", "online": True, "labels": ["a", 3], "seen": "x"}
    read = read_device(good)
    assert read is not None and read.online and read.labels == ("a",) and read.seen is None
    for wrong in ({}, {"number": "123", "name": "x"}, {"number": LAB.number, "name": 3}):
        assert read_device(wrong) is None


def test_devices_are_kept_and_found_by_a_command_that_loads_nothing(tmp_path: Path) -> None:
    kept = DeviceFile(StateFolder(tmp_path))
    kept.save([LAB, LABEL, ATTIC])
    assert kept.load() == (LAB, LABEL, ATTIC)
    assert device_called(tmp_path, "LAB") == NUMBER and device_called(tmp_path, "att") is None
    (tmp_path / "devices.json").write_text("[{]")
    assert kept.load() == () and device_called(tmp_path, "lab") is None


def trust(owner: Identity = OWNER_KEY) -> Trust:
    return Trust(
        owner=owner.public,
        audiences=frozenset({device_audience(NUMBER)}),
        revocation=RevocationList(sequence=1, issued=int(WALL)),
    )


def grant(holder: Identity, role: str = "OPERATOR", until: float = WALL + 3600, id: bytes = bytes(16)) -> str:
    made = AccessGrant(
        audience=device_audience(NUMBER),
        permissions=PRESETS[role],
        not_before=int(WALL) - 60,
        expires=int(until),
        id=encode(id),
        holder=holder.public,
    )
    return sign(OWNER_KEY, made)


def chosen(*chains: tuple[str, ...], person: Identity | None = PERSON, link: str = "") -> Chain | None:
    return of_grants(chains, ENROLLED, viewer=VIEWER, person=person, link=link, wall=WALL, name="here")


def test_an_owner_makes_a_chain_that_the_host_takes() -> None:
    chain = of_owner(OWNER_KEY, VIEWER, WALL, "here")
    assert verify_chain(chain.tokens, trust(), holder=VIEWER.public, wall=WALL).permissions == OWNER
    assert chain.good(WALL) and not chain.good(chain.expires)


def test_a_grant_to_the_person_is_ended_by_a_link_to_this_program() -> None:
    chain = chosen((grant(PERSON),))
    assert chain is not None and len(chain.tokens) == 2 and chain.expires == WALL + 3600
    rights = verify_chain(chain.tokens, trust(), holder=VIEWER.public, wall=WALL)
    assert rights.permissions == PRESETS["OPERATOR"]


def test_a_link_that_the_page_signed_does_as_well_as_the_key() -> None:
    said = KeyLink(holder=VIEWER.public, not_before=int(WALL) - 60, expires=int(WALL) + 100)
    chain = chosen((grant(PERSON),), person=None, link=sign(PERSON, said))
    assert chain is not None and chain.expires == WALL + 100
    verify_chain(chain.tokens, trust(), holder=VIEWER.public, wall=WALL)
    assert chosen((grant(PERSON),), person=None, link=sign(OWNER_KEY, said)) is None
    owned = owners_link(sign(OWNER_KEY, said), LAB.owner, VIEWER.public, WALL)
    assert owned is not None and verify_chain(owned.tokens, trust(), holder=VIEWER.public, wall=WALL).owner
    assert owners_link(sign(PERSON, said), LAB.owner, VIEWER.public, WALL) is None
    assert owners_link("rubbish", LAB.owner, VIEWER.public, WALL) is None


def test_the_grant_that_permits_most_is_taken_and_none_that_is_over_or_somebody_elses() -> None:
    chain = chosen((grant(PERSON, "VIEWER"),), (grant(PERSON, "ADMIN"),), (grant(PERSON, "OPERATOR"),))
    assert chain is not None
    assert verify_chain(chain.tokens, trust(), holder=VIEWER.public, wall=WALL).permissions == PRESETS["ADMIN"]
    assert chosen((grant(PERSON, until=WALL - 1),)) is None
    assert chosen((grant(OWNER_KEY),)) is None
    assert chosen(("rubbish",), ()) is None
    direct = chosen((grant(VIEWER),), person=None)
    assert direct is not None and len(direct.tokens) == 1


def test_chains_are_kept_and_forgotten(tmp_path: Path) -> None:
    files, chain = ChainFiles(StateFolder(tmp_path)), Chain(("a", "b"), 7)
    files.save(NUMBER, chain)
    assert files.load(NUMBER) == chain and files.load(5) is None
    (tmp_path / f"chain-{to_text(NUMBER)}").write_text('{"tokens": "x", "expires": 3}')
    assert files.load(NUMBER) is None
    files.forget()
    assert not list(tmp_path.glob("chain-*"))


def test_what_is_kept_is_the_owners_alone_and_goes_with_the_sign_in(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    with pytest.raises(NotSignedIn, match="avl login"):
        signin.load(state)
    signin.save(state, SIGNED)
    keyfile.save(state, bytes(32))
    assert signin.load(state) == SIGNED
    own = keyfile.load(state)
    assert own is not None and own.public == Identity(bytes(32)).public
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in tmp_path.iterdir())
    program.forget(state)
    assert keyfile.load(state) is None and not (tmp_path / signin.FILE).exists()


def test_a_damaged_file_is_no_sign_in_and_no_key(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    for damaged in (b"", b"[]", b'{"relay": "nowhere"}', b'{"relay": 1}'):
        state.write(signin.FILE, damaged)
        with pytest.raises(NotSignedIn):
            signin.load(state)
    state.write(keyfile.FILE, b"short")
    with pytest.raises(StateError, match="avl login --key"):
        keyfile.load(state)


def token(number: int, seconds: float = 300) -> tuple[int, dict[str, Any]]:
    return 200, {"access_token": f"access{number}", "refresh_token": f"refresh{number}", "expires_in": seconds}


async def test_a_token_is_used_until_shortly_before_its_end_and_each_next_one_is_kept_first() -> None:
    http, clock, kept = Answers(token(1), token(2)), Clock(), list[str]()
    prover = Prover(VIEWER, clock, lambda size: bytes(size))
    own = ProgramCredentials(http, prover, clock, refresh="first", keep=kept.append)
    for _ in range(2):
        assert ("authorization", "Bearer access1") in await own.headers("GET", "/x")
    await clock.sleep(285)
    assert ("authorization", "Bearer access2") in await own.headers("GET", "/x")
    assert kept == ["refresh1", "refresh2"]
    assert [body["refresh_token"] for _, _, _, body in http.asked] == ["first", "refresh1"]


async def test_a_sign_in_that_has_ended_says_what_to_do() -> None:
    http = Answers((400, {"code": "no-token", "error": "invalid_grant", "detail": "x"}))
    own = ProgramCredentials(
        http, Prover(VIEWER, Clock(), lambda size: bytes(size)), Clock(), refresh="x", keep=lambda token: None
    )
    with pytest.raises(ApiError, match="avl login"):
        await own.headers("GET", "/x")


async def signs_in(state: StateFolder, monkeypatch: pytest.MonkeyPatch, who: str, person: str = "") -> Answers:
    """Sign in at a relay where `who` approves it; what it was asked."""
    code = {"device_code": "d", "user_code": "u", "verification_uri": "https://r/", "expires_in": 60}
    bye = [] if person in ("", who) else [(204, b"")]
    http = Answers((200, code), token(1), (200, {"id": who, "login": who}), *bye)
    http.facts = SimpleNamespace(page="")  # type: ignore[attr-defined]

    @asynccontextmanager
    async def reached(world: object, relay: object) -> AsyncIterator[Answers]:
        yield http

    monkeypatch.setattr("avl_viewer.account.login.relay_http", reached)
    clock = Clock()
    world = replace(system_world(), clock=clock)
    await login.login(
        world,
        program.kept_in(state, world),
        parse_relay(SIGNED.relay),
        name="here",
        software="avl",
        tell=lambda asked: None,
        sleep=clock.sleep,
        person=person,
    )
    return http


async def test_who_approves_this_program_anew_keeps_their_key_and_nobody_else_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = StateFolder(tmp_path)
    await signs_in(state, monkeypatch, "ada")
    keyfile.save(state, bytes(32))
    await signs_in(state, monkeypatch, "ada", "ada")
    assert keyfile.load(state) is not None and signin.load(state).person == "ada"
    with pytest.raises(ValueError, match="approved by eve, not by who is signed in here"):
        await signs_in(state, monkeypatch, "eve", "ada")
    assert signin.load(state).person == "ada" and keyfile.load(state) is not None
    await signs_in(state, monkeypatch, "eve")
    assert signin.load(state).person == "eve" and keyfile.load(state) is None, "the key was Ada's"
