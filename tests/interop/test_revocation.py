"""A grant that is taken back while it is used: a host's program of its own, a relay, and viewers on real sockets."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import avl_viewer
from avl_host.rights.owner import pin_owner
from avl_host.sessions.sessionlist import SOCKET
from avl_protocol.endpoint.loop.world import system_world
from avl_protocol.endpoint.program.localcontrol import ask
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.rights.statements import AccessGrant, Enrolment, RevocationList, device_audience, sign
from avl_protocol.wire import device_id
from avl_protocol.wire.registry import PRESETS, CloseCode
from avl_relay.config import RelaySettings
from avl_relay.relay import Relay
from interop.programs import Programs
from interop.stage import BIN
from tests.protocol.rights_of import OWNER, grant_id

#: Sessions that are ended one after another, and the seconds that the slowest may take.
ROUNDS, LIMIT = 8, 1.0


async def test_a_grant_that_is_taken_back_ends_its_session_within_a_second(tmp_path: Path) -> None:
    programs, world = Programs(tmp_path), system_world()
    here = ("127.0.0.1", 0)
    relay = Relay(world, RelaySettings(state=tmp_path / "relay", listen=here, http=here, public=here[0]))
    await relay.start()
    try:
        where = f"{relay.announced['quic']}?pin={relay.announced['pin']}"
        kept: list[str | Path] = ["--state", tmp_path / "host", "--ready-file", tmp_path / "host.json"]
        programs.start("host", [BIN / "avl-host", "run", "--relay", where, "--source", "pattern", *kept])
        ready = await programs.ready_file(tmp_path / "host.json", 30)
        number = device_id.from_text(ready["device_id"])
        audience, wall = device_audience(number), int(time.time())
        pinned = pin_owner(StateFolder(tmp_path / "host"), sign(OWNER, Enrolment(audience=audience, issued=wall)))
        answer = await asyncio.to_thread(ask, tmp_path / "host" / SOCKET, {"ask": "owner"})
        assert answer == {"owner": pinned.thumbprint}
        viewer = StateFolder(tmp_path / "viewer").identity(world.entropy)
        taken: list[str] = []
        times: list[float] = []
        for at in range(ROUNDS):
            grant = AccessGrant(
                audience=audience,
                permissions=PRESETS["OPERATOR"],
                not_before=wall - 60,
                expires=wall + 3600,
                id=grant_id(str(at)),
                holder=viewer.public,
                role="Operator",
                name="Bo",
            )
            chain, state = [sign(OWNER, grant)], tmp_path / "viewer"
            async with avl_viewer.connect(ready["target"], chain=chain, state=state, pictures=False) as desktop:
                await desktop.type("here")
                listed = await asyncio.to_thread(ask, tmp_path / "host" / SOCKET, {"ask": "sessions"})
                assert listed["sessions"][-1]["who"] == "Bo (Operator)"
                taken.append(grant.id)
                began = time.monotonic()
                revoked = RevocationList(sequence=at + 1, issued=int(time.time()), grants=frozenset(taken))
                assert relay.hand_on(number, [sign(OWNER, revoked)])
                reason = await asyncio.wait_for(asyncio.shield(desktop.client.ended), 10)
                times.append(time.monotonic() - began)
                assert reason.code is CloseCode.REVOKED
        print(f"ended within {min(times) * 1000:.0f} to {max(times) * 1000:.0f} ms")
        assert max(times) < LIMIT
    finally:
        programs.end()
        await relay.close()
