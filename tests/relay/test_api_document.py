"""The OpenAPI document against all routes: whatever it allows is answered as it says, and what it forbids is refused.

schemathesis makes requests from the document, good and bad ones, and looks at each answer: no error of the program, no
status, type or shape that the document does not name.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    missing_required_header,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.loop.world import system_world
from avl_protocol.endpoint.settings.load import load
from avl_protocol.endpoint.settings.report import as_json
from avl_protocol.rate.limits import Allowance
from avl_protocol.rights.jws import sign, thumbprint
from avl_protocol.wire.device_id import from_text
from avl_relay.accounts.premises import Premises
from avl_relay.api.accounts import Accounts
from avl_relay.api.alarms import AlarmList
from avl_relay.api.devices import DeviceList, Place
from avl_relay.api.events import Events
from avl_relay.api.frame import BASE, Frame
from avl_relay.api.grants import GrantList
from avl_relay.api.groups import GroupList
from avl_relay.api.health import Health
from avl_relay.api.matrix import Matrix
from avl_relay.api.operations import Resource
from avl_relay.api.people import PeopleList
from avl_relay.api.personal import PersonalData
from avl_relay.api.pictures import Pictures
from avl_relay.api.running import RunningSessions
from avl_relay.api.settings import SettingList
from avl_relay.api.setupcodes import SetupCodes
from avl_relay.api.shares import ShareList
from avl_relay.api.statements import StatementList
from avl_relay.control.building import Machinery
from avl_relay.control.settings import ControlSettings
from avl_relay.live import Live
from avl_relay.people import opaque
from avl_relay.people.passwords import PlainHashing
from avl_relay.people.sessions import WebSession, csrf_token
from avl_relay.people.sources import SourceLimits
from avl_relay.people.stages import Proof, Stage
from avl_relay.settings.model import Configuration
from avl_relay.store.engine import Store, database_url
from avl_relay.store.websessions import WebSessions
from tests.relay.apis import BEGUN, Hands
from tests.relay.owners import key, number, person, settle_in
from tests.relay.visiting import KEYS

#: Tries of one source, of its network and of all: guessing is tested elsewhere.
PLENTY = Allowance(1e9, 1e9)
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    missing_required_header,
    unsupported_method,
)


#: Requests of each kind to each operation, on each database: what they differ in is seen soon.
EXAMPLES = {"sqlite": 4, "postgresql": 1}


class Shown:
    """Settings of nothing that runs."""

    def shown(self) -> list[dict[str, Any]]:
        return as_json(load(Configuration, file=None, variables={}))

    def turn(self, features: Mapping[str, bool]) -> dict[str, bool]:
        return dict(features)


class Served:
    """The API on a port, in a thread of its own, over a database of the test's."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._server: uvicorn.Server
        self._loop: asyncio.AbstractEventLoop
        self._store: Store
        self.reports: list[BaseException] = []
        self.port = self.examples = 0

    def __enter__(self) -> Served:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *error: object) -> None:
        self._server.should_exit = True
        self._thread.join(20)

    async def _serve(self) -> None:
        clock, store = Hands(), Store(database_url(self._database, Path("/nowhere")))
        self._loop, self._store = asyncio.get_running_loop(), store
        await store.open()
        await settle_in(store, ("desk", "root"), ("lab", "ben"))
        live = Live(wall=clock.wall)
        live.host_came(from_text(number("desk")), 0.0)

        async def opened() -> Store:
            return store

        premises = Premises(
            store=opened,
            keys=KEYS,
            entropy=entropy,
            monotonic=clock.monotonic,
            hashing=PlainHashing(),
            title="relay.test",
            sources=SourceLimits(PLENTY, PLENTY, PLENTY),
        )
        accounts = Accounts(premises, issuer="pin", live=live)
        statements = StatementList(live, entropy=entropy)
        resources: list[Resource] = [
            DeviceList(live, place=lambda: Place(relay="relay.test:4433", pin="p"), entropy=entropy),
            GroupList(live, entropy=entropy),
            PeopleList(live, page=lambda: "https://relay.test/", entropy=entropy),
            statements,
            GrantList(live, statements),
            ShareList(live, statements),
            RunningSessions(live),
            PersonalData(),
            Pictures(live),
            Matrix(),
            AlarmList(),
            Health(None, None),
            SettingList(Shown(), live, turned=lambda change: None),
            Events(live, store=opened, monotonic=clock.monotonic, entropy=entropy, lasts=0.0),
            SetupCodes(accounts.setup_code, lambda: "https://relay.test/"),
            *accounts.resources,
        ]
        frame = Frame(resources, store=opened, identities=accounts.identities, clock=clock, report=self.reports.append)
        bound = socket.socket()
        bound.bind(("127.0.0.1", 0))
        bound.listen()
        self.port = bound.getsockname()[1]
        config = uvicorn.Config(frame, log_config=None, lifespan="off", ws="none")
        self._server = uvicorn.Server(config)
        self._ready.set()
        await self._server.serve(sockets=[bound])
        await store.close()
        bound.close()

    def shown(self, method: str, path: str) -> dict[str, str]:
        """What the relay's owner shows whose browser has just signed in with a second factor, and a program's proof for
        one request."""
        cookie = opaque.new_token(entropy)
        asyncio.run_coroutine_threadsafe(self._sign_in(cookie), self._loop).result(20)
        said = {"htm": method, "htu": path, "iat": BEGUN, "jti": cookie}
        return {
            "cookie": f"avl-session={cookie}",
            "origin": f"http://127.0.0.1:{self.port}",
            "x-avl-csrf": csrf_token(cookie),
            "x-avl-proof": sign(key("program"), "avl-proof+jwt", said, with_key=True),
        }

    async def _sign_in(self, cookie: str) -> None:
        session = WebSession(
            id=opaque.new_id(entropy),
            hash=opaque.digest(cookie),
            person=person("root"),
            stage=Stage.FULL,
            proofs=frozenset({Proof.PASSWORD, Proof.TOTP}),
            created=BEGUN,
            seen=BEGUN,
            proved=BEGUN,
            strong=BEGUN,
            device="",
            agent="Browser",
        )
        async with self._store.writing() as db:
            await WebSessions(db).add(session)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The API, once for all tests of this file on each database."""
    if request.param == "sqlite":
        database = str(tmp_path_factory.mktemp("document") / "relay.db")
    else:
        database = request.getfixturevalue("postgres").database()
    with Served(database) as made:
        made.examples = EXAMPLES[request.param]
        yield made


@pytest.fixture(scope="module")
def document(served: Served) -> Any:
    """What the API says of itself."""
    made = schemathesis.openapi.from_url(f"http://127.0.0.1:{served.port}{BASE}/openapi.json")
    made.config.generation.update(with_security_parameters=False)  # who asks, the test says
    return made


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_operation_answers_as_its_document_says(served: Served, document: Any, mode: GenerationMode) -> None:
    failed: list[str] = []
    for found in document.get_all_operations():
        operation = found.ok()
        try:
            strategy = operation.as_strategy(generation_mode=mode)

            @given(case=strategy)
            @settings(max_examples=served.examples, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
            def answers(case: Any) -> None:
                if mode is GenerationMode.POSITIVE and case.path.endswith("/device-authorizations"):
                    case.body |= {"kind": "program", "jkt": thumbprint(key("program").public)}
                shown = served.shown(case.method, urlsplit(case.as_transport_kwargs()["url"]).path)
                answer = case.call(headers=shown, timeout=20)
                # 413 is a refusal that this check of schemathesis does not know.
                left_out = (negative_data_rejection,) if answer.status_code == 413 else ()
                case.validate_response(answer, checks=[check for check in CHECKS if check not in left_out])

            answers()
        except Unsatisfiable:
            continue  # nothing about it can be wrong
        except (FailureGroup, Failure) as failure:
            failed.append(f"{operation.label}: {failure}")
    assert not failed, "\n\n".join(failed)
    assert served.reports == []


async def test_the_document_names_every_operation_once(document: Any, tmp_path: Path) -> None:
    """All that a relay has, and who runs its machine."""
    labels = [operation.ok().label for operation in document.get_all_operations()]
    world = system_world()
    live = Live(wall=world.clock.wall)

    async def opened() -> None:
        return

    settings = ControlSettings(state=tmp_path)
    machinery = Machinery(
        settings, world, live=live, place=Nowhere(), report=lambda error: None, opened=opened, chosen=Shown()
    )
    whole = {f"{one.method} {BASE}{one.path}" for one in (*machinery.frame.operations, *machinery.desk.operations)}
    assert len(labels) == len(set(labels)) and set(labels) == whole


class Nowhere:
    """Where a relay would be."""

    quic, pin, page = "relay.test:4433", "pin", "https://relay.test/"
