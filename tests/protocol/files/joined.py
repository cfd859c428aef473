"""A sender and a receiver joined in memory: what one says the other hears, and tasks are done at once."""

from __future__ import annotations

from collections.abc import Callable

from avl_protocol.files.destination import Destination
from avl_protocol.files.job import Question, Settled
from avl_protocol.files.receiver import Receiver
from avl_protocol.files.sender import Sender
from avl_protocol.files.tree import Tree
from avl_protocol.files.walk import Source
from avl_protocol.wire.codec import FILE
from avl_protocol.wire.endtoend import FileBegin, FileMessage
from avl_protocol.wire.registry import FileOverwrite, FileReason

Change = Callable[[bool, FileMessage], FileMessage | None]


class Joined:
    """One transfer from tree to tree. `change(from_sender, message)` may alter or lose what is said; `here`: the
    receiver's person decides."""

    def __init__(
        self,
        source: Tree,
        target: Tree,
        *what: str,
        overwrite: FileOverwrite = FileOverwrite.ASK,
        folders: bool = True,
        here: bool = False,
        renamed: str = "",
        at: tuple[str, ...] = (),
    ) -> None:
        names = what or tuple(sorted(source.names(())))
        sources = tuple(Source(source, tuple(name.split("/")), name.rsplit("/", 1)[-1]) for name in names)
        self.sender = Sender(1, sources, folders, lambda files, size: FileBegin(1, files, size))
        self.receiver = Receiver(1, lambda _size: Destination(target, at, renamed), overwrite, expects=None, here=here)
        self.change: Change = lambda from_sender, message: message
        self.now = 10.0
        self.said: list[FileMessage] = []
        self.most = 0

    def step(self) -> bool:
        """Everybody does one thing; whether anybody did."""
        did = False
        for job, other, from_sender in ((self.sender, self.receiver, True), (self.receiver, self.sender, False)):
            if (task := job.next_task()) is not None:
                job.task_done(task(), self.now)
                did = True
            if (message := job.next_message()) is not None:
                did = True
                self.said.append(message)
                changed = self.change(from_sender, message)
                if changed is not None:
                    decoded = FILE.decode(FILE.encode(changed))
                    assert decoded is not None
                    other.receive(decoded, self.now)
        self.now += 0.001
        self.most = max(self.most, len(self.receiver._offers), len(self.sender._offered))
        return did

    def run(self, steps: int = 100_000) -> Joined:
        """Until nothing more happens."""
        for _ in range(steps):
            if not self.step():
                return self
        raise AssertionError("it does not end")

    def over(self) -> tuple[FileReason | None, FileReason | None]:
        """How it stands at the sender and at the receiver."""
        return self.sender.over, self.receiver.over

    def left(self, job: Sender | Receiver) -> dict[str, FileReason]:
        """What was left out, as one side was told."""
        return {
            event.path: event.reason
            for event in job.events
            if isinstance(event, Settled) and event.reason is not FileReason.DONE
        }

    def questions(self, job: Sender | Receiver) -> list[Question]:
        return [event for event in job.events if isinstance(event, Question)]
