"""What people keep to themselves, at programs as they are: whatever they type where, no log of a relay, a host or a
viewer has it."""

from __future__ import annotations

import asyncio
import base64
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import httpx2
import pytest

import avl_viewer
from avl_host.rights.owner import pin_owner
from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.program.auditfiles import FOLDER, entries_of
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.rights.statements import Enrolment, device_audience, sign
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.target import parse_address
from interop.bench.revocations import OWNER, PASSWORD, settled
from interop.programs import Programs
from interop.stage import BIN
from tests.relay.owners import key

#: What each secret field is filled with, by where it goes.
CANARIES = {
    where: f"canary{number}{where}Zq7"
    for number, where in enumerate(
        (
            "password",
            "totp",
            "recovery",
            "invite",
            "setup",
            "bearer",
            "cookie",
            "csrf",
            "proof",
            "usercode",
            "devicecode",
            "share",
            "typed",
            "clipboard",
            "wrongcode",
            "idempotency",
        )
    )
}
CODE = "CANARY99"
#: A name is no secret: it is found, which shows that the search finds.
LOGIN = "canary-login-Zq7"


def spellings(secret: str) -> list[bytes]:
    """A secret, and how a careless log might write it."""
    raw = secret.encode()
    coded = base64.b64encode(raw).rstrip(b"=")[:-1]
    return [raw, raw.lower(), coded, base64.urlsafe_b64encode(raw).rstrip(b"=")[:-1], raw.hex().encode()]


async def strangers(page: str) -> None:
    """Somebody tries everything that can be tried at the relay's door, with secrets everywhere."""
    said = CANARIES
    async with httpx2.AsyncClient(base_url=f"{page}/api/v1", timeout=30) as client:
        headers = {
            "origin": page,
            "x-avl-csrf": said["csrf"],
            "x-avl-proof": said["proof"],
            "idempotency-key": said["idempotency"],
        }

        async def post(path: str, body: Mapping[str, object], **more: str) -> int:
            return (await client.post(path, json=body, headers={**headers, **more})).status_code

        assert await post("/session", {"login": LOGIN, "password": said["password"]}) == 401
        assert await post("/session", {"login": OWNER, "password": said["password"]}) == 401
        signed = await client.post("/session", json={"login": OWNER, "password": PASSWORD}, headers={"origin": page})
        assert signed.status_code == 200
        headers["x-avl-csrf"] = signed.json()["csrf"]
        for path, body in (
            ("/session/totp", {"code": said["totp"]}),
            ("/session/recovery", {"code": said["recovery"]}),
            ("/invitations", {"invite": said["invite"], "password": PASSWORD}),
            ("/setup", {"code": said["setup"], "login": LOGIN, "password": PASSWORD}),
            ("/token", {"grant_type": "refresh_token", "refresh_token": said["bearer"]}),
            ("/device-authorizations/confirm", {"user_code": said["usercode"]}),
            ("/token", {"grant_type": "device_code", "device_code": said["devicecode"]}),
        ):
            assert await post(path, body) >= 400
        assert await post("/groups", {"name": "x"}, authorization=f"Bearer {said['bearer']}") == 401
        assert (await client.get(f"/shares/{said['share']}")).status_code >= 400
        cookies = {"avl-session": said["cookie"], "avl-session-browser": said["cookie"]}
        assert (await client.get("/me", headers={"cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())})).is_error


async def test_no_log_has_a_secret_that_somebody_typed_anywhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    programs = Programs(tmp_path)
    state = StateFolder(tmp_path / "host")
    host = state.identity(entropy)
    pin_owner(state, sign(key(OWNER), Enrolment(audience=device_audience(host.number), issued=int(time.time()))))
    await settled(tmp_path / "relay", host)
    try:
        here = ("--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--public", "127.0.0.1")
        ready = tmp_path / "relay.json"
        kept: tuple[str | Path, ...] = ("--state", tmp_path / "relay", "--ready-file", ready)
        programs.start("relay", [BIN / "avl-relay", "serve", *kept, *here])
        relay = await programs.ready_file(ready, 30)
        where = ("--relay", f"{relay['quic']}?pin={relay['pin']}", "--source", "pattern")
        ready = tmp_path / "host.json"
        kept = ("--state", tmp_path / "host", "--ready-file", ready)
        # What it prints for who sits there has the code, and is no log.
        programs.start("host", [BIN / "avl-host", "run", *where, *kept], {"AVL_HOST_CODE": CODE}, subprocess.DEVNULL)
        target = (await programs.ready_file(ready, 30))["target"]
        await strangers(f"http://localhost:{parse_address(relay['http'])[1]}")
        viewer = tmp_path / "viewer"
        with pytest.raises(Refused):
            async with avl_viewer.connect(target, code=CANARIES["wrongcode"], state=viewer, pictures=False):
                pass
        async with avl_viewer.connect(target, code=CODE, state=viewer, pictures=False) as desktop:
            await desktop.type(CANARIES["typed"])
            await desktop.clipboard.set(CANARIES["clipboard"])
        await asyncio.sleep(0)
    finally:
        programs.end()
    for folder, kinds in (
        ("relay", {"sign_in_refused", "session_began"}),
        ("host", {"session_began"}),
    ):
        assert kinds <= {entry.kind for entry in entries_of(tmp_path / folder / FOLDER)}, folder
    files = [*tmp_path.glob("*.log"), *tmp_path.glob(f"*/{FOLDER}/*")]
    assert len(files) >= 6
    logs = b"\n".join([*(file.read_bytes() for file in files), caplog.text.encode()])
    assert LOGIN.encode() in logs
    secrets = {**CANARIES, "code": CODE, "own password": PASSWORD}
    assert not [where for where, secret in secrets.items() if any(one in logs for one in spellings(secret))]
