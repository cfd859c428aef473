"""Transfers: all that a person has under way between this machine and a host, and what they are told of it.

A transfer outlives sessions: where one is lost, it waits for the next and begins the same job anew (spec 15, 15.4). The
page has the same (web/files/transfers.js).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from avl_protocol.files.job import Question
from avl_protocol.files.walk import Source
from avl_protocol.wire.errors import Refused, lacking
from avl_protocol.wire.registry import FILE_REASONS, FileReason
from avl_viewer.files import FilesError, State, Transfer, local_sources
from avl_viewer.services.files import FilesService

#: Seconds between two tellings of how far things are, and over which a rate is measured.
TELL, RATE = 0.25, 3.0
#: Bytes a second below which a transfer stands still.
SLOWEST = 1000.0
#: What was left out is told so far; the rest is counted.
SHOWN = 100
WAITING = "There is no connection to the desktop now. This goes on by itself."

#: Paths, or names, and why they are left out.
Problems = tuple[tuple[str, str], ...]


class Stage(Enum):
    """How a transfer stands, for a person."""

    WAITING = "waits for its turn"
    RUNNING = "is under way"
    PAUSED = "pauses"
    LOST = "waits for a session"
    DONE = "is done"
    FAILED = "came to nothing"
    CANCELLED = "was cancelled"

    @property
    def over(self) -> bool:
        """Whether nothing more happens by itself."""
        return self in (Stage.DONE, Stage.FAILED, Stage.CANCELLED)


@dataclass(frozen=True, slots=True)
class Asked:
    """May the file of this path be replaced? It has `size` bytes and was changed at `modified`, seconds since 1970; the
    others are of the one that would take its place."""

    number: int
    path: str
    size: int
    modified: float
    new_size: int
    new_modified: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a person sees of a transfer. `out`: to the host; `text`: what went wrong, with what to do; `files`, `size`
    (bytes): None before they are known; `done`, `left`: files in place, and left out; `passed`: bytes dealt with;
    `rate`: bytes a second; `problems`: of what was left out."""

    id: int
    out: bool
    title: str
    stage: Stage
    text: str = ""
    files: int | None = None
    size: int | None = None
    done: int = 0
    left: int = 0
    passed: int = 0
    rate: float = 0.0
    problems: Problems = ()
    asked: Asked | None = None


@dataclass(slots=True)
class _Line:
    """One transfer. `begin` begins it, and begins it anew; `refused`: why it could not."""

    id: int
    out: bool
    title: str
    begin: Callable[[_Line], Transfer]
    problems: Problems = ()
    transfer: Transfer | None = None
    refused: str = ""
    questions: dict[int, tuple[Question, asyncio.Future[bool]]] = field(default_factory=dict)
    #: What was decided for all.
    for_all: bool | None = None
    rate: float = 0.0
    #: When the rate was measured last, and the bytes that had travelled by then.
    measured: tuple[float, int] | None = None
    told: Stage | None = None

    @property
    def stage(self) -> Stage:
        transfer = self.transfer
        if transfer is None:
            return Stage.FAILED
        if transfer.state is State.OVER:
            ends = {FileReason.DONE: Stage.DONE, FileReason.CANCELLED: Stage.CANCELLED}
            return ends.get(transfer.reason, Stage.FAILED) if transfer.reason is not None else Stage.FAILED
        return {State.RUNNING: Stage.RUNNING, State.PAUSED: Stage.PAUSED}.get(transfer.state, Stage.WAITING)

    def text(self) -> str:
        """Why it came to nothing."""
        if self.transfer is None or self.transfer.reason is None:
            ended = self.transfer.over.exception() if self.transfer is not None and self.transfer.over.done() else None
            return self.refused or str(ended or FILE_REASONS[FileReason.FAILED])
        lacks = self.transfer.reason is FileReason.NOT_PERMITTED
        return lacking(self.transfer.needs) if lacks else FILE_REASONS[self.transfer.reason]


class Transfers:
    """Of one viewer. `clock`: seconds; `after(seconds, do)`; `tell`: told of all of them when there is something
    new."""

    def __init__(
        self,
        service: FilesService,
        clock: Callable[[], float],
        after: Callable[[float, Callable[[], None]], object],
        tell: Callable[[tuple[Shown, ...]], None],
    ) -> None:
        self._service, self._clock, self._after, self._owner = service, clock, after, tell
        self._lines: dict[int, _Line] = {}
        self._newest = 0
        self._telling = False

    # what a person does

    def put(self, sources: tuple[Source, ...], to: str = "", problems: Problems = ()) -> None:
        """Send these into a folder of the host; `problems`: what of the same is left out from the beginning."""
        title = _title([source.called for source in sources], "other")
        self._add(True, title, lambda line: self._service.push(sources, to, asks=self._asks(line)), problems)

    def get(self, paths: tuple[str, ...], to: Path) -> None:
        """Fetch files and folders of the host into a folder here."""
        title = _title([path.rstrip("/").rsplit("/", 1)[-1] for path in paths], "more")

        def begin(line: _Line) -> Transfer:
            return self._service.get(list(paths), f"{to}/", asks=self._asks(line), waits=True)

        self._add(False, title, begin)

    def pause(self, id: int, paused: bool) -> None:
        """Let nothing more come or go, or go on."""
        line = self._lines.get(id)
        if line is not None and line.transfer is not None:
            line.rate, line.measured = 0.0, None
            if paused:
                line.transfer.pause()
            else:
                line.transfer.resume()
            self._tell()

    def cancel(self, id: int) -> None:
        """End one; what is half written is removed."""
        line = self._lines.get(id)
        if line is not None and line.transfer is not None and not line.stage.over:
            line.transfer.cancel()

    def again(self, id: int) -> None:
        """Begin one anew that failed or was cancelled."""
        line = self._lines.get(id)
        if line is not None and line.stage.over:
            self._begin(line)

    def forget(self, id: int | None = None) -> None:
        """Show one that is over no longer; without a number all of them."""
        for line in list(self._lines.values()):
            if line.stage.over and id in (None, line.id):
                del self._lines[line.id]
        self._tell()

    def decide(self, id: int, number: int, replace: bool, everything: bool) -> None:
        """What is in the way is replaced, or stays; `everything`: and so with all that follow."""
        line = self._lines.get(id)
        if line is None:
            return
        if everything:
            line.for_all = replace
        for one in [one for one in line.questions if everything or one == number]:
            _answer(line.questions.pop(one)[1], replace)
        self._tell()

    # the course of a transfer

    def _add(self, out: bool, title: str, begin: Callable[[_Line], Transfer], problems: Problems = ()) -> None:
        self._newest += 1
        line = self._lines[self._newest] = _Line(self._newest, out, title, begin, problems)
        self._begin(line)

    def _begin(self, line: _Line) -> None:
        line.transfer, line.refused, line.rate, line.measured = None, "", 0.0, None
        try:
            line.transfer = transfer = line.begin(line)
        except (FilesError, Refused, ValueError) as error:
            line.refused = str(error)
        else:
            transfer.changed = lambda _: self._changed(line)
        self._changed(line)

    def _asks(self, line: _Line) -> Callable[[Question], asyncio.Future[bool]]:
        def ask(question: Question) -> asyncio.Future[bool]:
            answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            if line.for_all is not None:
                answer.set_result(line.for_all)
            else:
                line.questions[question.entry.number] = (question, answer)
                self._tell()
            return answer

        return ask

    def _changed(self, line: _Line) -> None:
        """How far it is has changed: told soon; how it stands: told now."""
        if line.stage not in (Stage.RUNNING, Stage.PAUSED):
            line.rate, line.measured = 0.0, None
            questions, line.questions = line.questions, {}
            for _, answer in questions.values():
                _answer(answer, False)
        if line.stage is not line.told:
            self._tell()
        else:
            self._tell_soon()

    def _tell_soon(self) -> None:
        if not self._telling:
            self._telling = True
            self._after(TELL, self._tell_now)

    def _tell_now(self) -> None:
        self._telling = False
        self._tell()

    def _tell(self) -> None:
        now = self._clock()
        for line in self._lines.values():
            line.told = line.stage
            _measure(line, now)
        self._owner(tuple(self._shown(line) for line in self._lines.values()))
        if any(line.rate > 0 for line in self._lines.values()):
            self._tell_soon()  # where nothing moves any more that is seen, too

    def _shown(self, line: _Line) -> Shown:
        stage, transfer = line.stage, line.transfer
        if stage is Stage.WAITING and not self._service.up:
            stage = Stage.LOST
        text = line.text() if stage is Stage.FAILED else WAITING if stage is Stage.LOST else ""
        asked = next((_asked(question) for question, _ in line.questions.values()), None)
        if transfer is None:
            return Shown(id=line.id, out=line.out, title=line.title, stage=stage, text=text, problems=line.problems)
        tally = transfer.tally
        left = tuple((path, FILE_REASONS[reason]) for path, reason in transfer.left[:SHOWN])
        return Shown(
            id=line.id,
            out=line.out,
            title=line.title,
            stage=stage,
            text=text,
            files=tally.files,
            size=tally.size,
            done=tally.done,
            left=tally.left,
            passed=tally.passed,
            rate=line.rate,
            problems=(*line.problems, *left),
            asked=asked,
        )


def usable(paths: list[Path]) -> tuple[tuple[Source, ...], Problems]:
    """What of these can be sent, and what can't and why. It looks at the disk."""
    sources: list[Source] = []
    problems: list[tuple[str, str]] = []
    for path in paths:
        try:
            sources += local_sources([path])
        except FileNotFoundError:
            problems.append((path.name or str(path), FILE_REASONS[FileReason.NOT_FOUND]))
        except (OSError, RuntimeError):  # a link that leads to itself
            problems.append((path.name or str(path), FILE_REASONS[FileReason.NO_ACCESS]))
        except ValueError:
            problems.append((str(path), "It has no name under which it could be sent. Choose what is in it."))
    return tuple(sources), tuple(problems)


def _answer(answer: asyncio.Future[bool], replace: bool) -> None:
    if not answer.done():
        answer.set_result(replace)


def _asked(question: Question) -> Asked:
    entry = question.entry
    return Asked(
        entry.number, entry.path, question.size, question.modified_us / 1e6, entry.size, entry.modified_us / 1e6
    )


def _title(names: list[str], rest: str) -> str:
    """What a transfer is called."""
    others = len(names) - 1
    if rest == "other" and others > 1:
        rest = "others"
    return names[0] if not others else f"{names[0]} and {others} {rest}"


def _measure(line: _Line, now: float) -> None:
    """The rate of late: older measurements count for less."""
    if line.transfer is None or line.stage is not Stage.RUNNING:
        return
    moved = line.transfer.tally.moved
    if line.measured is None:
        line.measured = now, moved
        return
    at, before = line.measured
    if (seconds := now - at) < TELL:
        return
    rate = (moved - before) / seconds
    line.rate += (rate - line.rate) * (1 - math.exp(-seconds / RATE)) if line.rate else rate
    if line.rate < SLOWEST:
        line.rate = 0.0
    line.measured = now, moved
