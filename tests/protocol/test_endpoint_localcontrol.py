"""Local control: who is answered, who is refused, and what happens to a socket that was left behind."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from avl_protocol.endpoint.program import localcontrol, localserver
from avl_protocol.endpoint.program.localcontrol import MAX_LINE, ControlError, Lines, NobodyThere, ask, encode
from avl_protocol.endpoint.program.localserver import AlreadyRunning, LocalServer
from avl_protocol.endpoint.program.state import StateError


async def echo(request: dict[str, Any]) -> dict[str, Any]:
    if "fail" in request:
        raise ControlError("that can't be done")
    return {"heard": request}


@asynccontextmanager
async def serving(path: Path) -> AsyncIterator[LocalServer]:
    server = LocalServer(path, echo)
    server.listen()
    try:
        yield server
    finally:
        await server.close()


async def asked(path: Path, request: dict[str, Any], patience: float = 5.0) -> dict[str, Any]:
    return await asyncio.to_thread(ask, path, request, patience)


def test_lines_come_together_however_they_were_cut() -> None:
    whole = encode({"a": 1}) + encode({"b": "ü\n"})
    lines = Lines()
    found: list[dict[str, Any]] = []
    for at in range(len(whole)):
        found += lines.feed(whole[at : at + 1])
    assert found == [{"a": 1}, {"b": "ü\n"}] == list(Lines().feed(whole))


@pytest.mark.parametrize("line", [b"no\n", b"[1]\n", b"\xff\n", b"[" * 100000 + b"\n", b"x" * (MAX_LINE + 1)])
def test_what_is_no_object_is_an_error(line: bytes) -> None:
    with pytest.raises(ControlError):
        list(Lines().feed(line))


async def test_requests_are_answered_in_order_and_errors_are_sentences(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    async with serving(path):
        assert await asked(path, {"n": 1}) == {"heard": {"n": 1}}
        with pytest.raises(ControlError, match="that can't be done"):
            await asked(path, {"fail": 1})
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(encode({"n": 1}) + encode({"fail": 1}) + encode({"n": 2}) + b"nonsense\n")
        answers = list(Lines().feed(await reader.read(-1)))
        assert answers[:3] == [{"heard": {"n": 1}}, {"error": "that can't be done"}, {"heard": {"n": 2}}]
        assert answers[3:] == [{"error": "a line is not JSON"}]
        writer.close()
        await writer.wait_closed()


async def test_only_its_user_reaches_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "control.sock"
    async with serving(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_another_user_is_not_answered_and_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "control.sock"
    async with serving(path):
        monkeypatch.setattr(localserver, "peer_user", lambda connection: os.getuid() + 1)
        with pytest.raises(ControlError, match=r"ended before it answered|no answer"):
            await asked(path, {"n": 1})
        monkeypatch.setattr(localcontrol, "peer_user", lambda connection: os.getuid() + 1)
        with pytest.raises(ControlError, match="another user"):
            await asked(path, {"n": 1})


@pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="the system does not say who is at the other end")
def test_the_system_says_who_is_at_the_other_end() -> None:
    one, other = socket.socketpair()
    with one, other:
        assert localcontrol.peer_user(one) == os.getuid()


async def test_a_socket_that_was_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(str(path))
        left.listen()
    with pytest.raises(NobodyThere):
        ask(path, {"n": 1})
    async with serving(path):
        assert await asked(path, {"n": 1}) == {"heard": {"n": 1}}
    assert not path.exists()


async def test_a_second_living_program_is_refused_and_leaves_the_first_alone(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    async with serving(path):
        second = LocalServer(path, echo)
        with pytest.raises(AlreadyRunning, match="runs already"):
            second.listen()
        await second.close()
        assert await asked(path, {"n": 1}) == {"heard": {"n": 1}}


async def test_a_file_of_another_kind_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    path.write_text("mine")
    server = LocalServer(path, echo)
    with pytest.raises(StateError):
        server.listen()
    assert path.read_text() == "mine"


async def test_where_nobody_listens_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(NobodyThere):
        ask(tmp_path / "control.sock", {})
    with pytest.raises(NobodyThere):
        ask(tmp_path / "none" / "control.sock", {})


async def test_who_leaves_without_having_read_the_request_is_nobody(tmp_path: Path) -> None:
    """A program that ends while one connects: nothing was done, so that who asks may do it otherwise."""
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as leaving:
        leaving.bind(str(path))
        leaving.listen(1)
        asking = asyncio.ensure_future(asked(path, {"n": 1}))
        taken, _ = await asyncio.to_thread(leaving.accept)
        while not taken.recv(1, socket.MSG_PEEK):
            await asyncio.sleep(0.01)
        taken.close()
        with pytest.raises(NobodyThere):
            await asking
        asking = asyncio.ensure_future(asked(path, {"n": 1}))
        taken, _ = await asyncio.to_thread(leaving.accept)
        assert taken.recv(65536).endswith(b"\n")
        taken.close()
        with pytest.raises(ControlError, match="before it answered") as ended:
            await asking
        assert not isinstance(ended.value, NobodyThere), "what it read it may have done"


async def test_who_stops_answers_whom_it_has_and_is_found_by_nobody_else(tmp_path: Path) -> None:
    path, ends = tmp_path / "control.sock", asyncio.Event()

    async def last(request: dict[str, Any]) -> dict[str, Any]:
        server.stop()
        await ends.wait()
        return {"heard": request}

    server = LocalServer(path, last)
    server.listen()
    asking = asyncio.ensure_future(asked(path, {"n": 1}))
    while path.exists():
        await asyncio.sleep(0.01)
    with pytest.raises(NobodyThere):
        await asked(path, {"n": 2})
    async with serving(path):  # another program takes its place
        ends.set()
        assert await asking == {"heard": {"n": 1}}
        await server.close()
        assert await asked(path, {"n": 3}) == {"heard": {"n": 3}}


async def test_a_program_that_does_not_answer_is_not_waited_for_longer_than_asked(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as mute:
        mute.bind(str(path))
        mute.listen()
        with pytest.raises(ControlError, match="no answer within"):
            await asked(path, {}, 0.05)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="longer paths need Linux's /proc")
async def test_a_path_longer_than_a_socket_may_have_works(tmp_path: Path) -> None:
    path = tmp_path / ("d" * 100) / ("e" * 100) / "control.sock"
    async with serving(path):
        assert await asked(path, {"n": 1}) == {"heard": {"n": 1}}
        with pytest.raises(AlreadyRunning):
            LocalServer(path, echo).listen()
    assert not path.exists()


async def test_many_at_once_and_one_that_stays_silent_are_all_served(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    async with serving(path):
        _, silent_writer = await asyncio.open_unix_connection(str(path))
        answers = await asyncio.gather(*(asked(path, {"n": n}) for n in range(40)))
        assert [answer["heard"]["n"] for answer in answers] == list(range(40))
        silent_writer.close()
        await silent_writer.wait_closed()


async def test_a_folder_that_went_away_is_no_error_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "state" / "control.sock"
    async with serving(path):
        path.unlink()
        path.parent.rmdir()


async def test_root_is_answered_and_may_ask_anybody_where_that_tells_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "control.sock"
    async with serving(path):
        monkeypatch.setattr(localserver, "peer_user", lambda connection: 0)
        monkeypatch.setattr(localcontrol, "peer_user", lambda connection: 4711)
        for own, of_anybody in ((0, False), (4712, True), (0, True)):
            monkeypatch.setattr("os.getuid", lambda own=own: own)
            question = asyncio.to_thread(ask, path, {"n": 1}, of_anybody=of_anybody)
            if own == 0 and of_anybody:
                assert await question == {"heard": {"n": 1}}
            else:
                with pytest.raises(ControlError, match="another user"):
                    await question
