"""What drives a job lets go of its files, also where the program ends meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

from avl_protocol.endpoint.files.conveyor import Conveyor, Threads
from avl_protocol.endpoint.files.disk import DiskTree
from avl_protocol.files.destination import Destination
from avl_protocol.files.receiver import Receiver
from avl_protocol.wire.endtoend import FileBegin, FileData, FileMessage, FileOffer
from avl_protocol.wire.registry import MAX_FILE_BLOCK, FileKind, FileOverwrite, FileReason


class Told:
    """A lane that takes everything."""

    def __init__(self) -> None:
        self.said: list[FileMessage] = []

    def flows(self) -> bool:
        return True

    def send(self, message: FileMessage) -> None:
        self.said.append(message)


async def test_a_program_that_ends_in_the_middle_of_a_file_lets_go_of_it(tmp_path: Path) -> None:
    job = Receiver(
        1, lambda size: Destination(DiskTree(tmp_path), ()), FileOverwrite.NEVER, expects=None, here=True, first=None
    )
    tasks: list[asyncio.Task[None]] = []
    threads, over = Threads(), asyncio.Event()
    conveyor = Conveyor(
        job,
        Told(),
        threads,
        start=lambda work: tasks.append(asyncio.get_running_loop().create_task(work)),
        clock=asyncio.get_running_loop().time,
        changed=lambda: None,
        over=over.set,
    )

    async def done() -> None:
        while tasks:
            await tasks.pop()

    conveyor.receive(FileBegin(1, 1, 2 * MAX_FILE_BLOCK), 0.0)
    await done()
    conveyor.receive(FileOffer(1, ((0, int(FileKind.FILE), "a", 2 * MAX_FILE_BLOCK, 1, 0o600, ""),), True), 0.0)
    await done()
    conveyor.receive(FileData(1, 0, 0, bytes(range(256)) * (MAX_FILE_BLOCK // 256), b""), 0.0)
    await done()
    part = tmp_path / ".a.avl-part"
    assert part.stat().st_size == MAX_FILE_BLOCK
    conveyor.job.stop(FileReason.CANCELLED)
    conveyor.go_on()
    threads.close()  # before the job could begin to let go
    await done()
    await over.wait()
    assert not part.exists()
