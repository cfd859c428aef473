"""Players: who takes a session's sound. One plays it on this machine's loudspeakers, from a thread of its own; the
other hands it to a program, by the event loop's timers.

Both have it from the event loop, and both let a program see how it goes.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.endpoint.sound.opus import Decoder, OpusError
from avl_protocol.media.sound import Sound
from avl_viewer.sound.output import OutputError, SoundOutput
from avl_viewer.sound.playback import BLOCK, CHANNELS, SILENCE, Block, PacketDecoder, Playback, louder

#: Seconds of silence after which the loudspeakers are let go of, and until ones that failed are tried again.
LINGER, RETRY = 5.0, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundFigures:
    """How a session's sound goes: packets so far, and seconds of delay: wanted, and as it is (None: nothing plays)."""

    received: int = 0
    played: int = 0
    concealed: int = 0
    late: int = 0
    target: float = 0.0
    delay: float | None = None

    def report(self) -> dict[str, Any]:
        """The part of the stats object."""
        total = self.played + self.concealed
        return {
            "received": self.received,
            "late": round(self.late / self.received, 4) if self.received else 0.0,
            "concealed": round(self.concealed / total, 4) if total else 0.0,
            "buffer_ms": round(self.target * 1000),
            "delay_ms": None if self.delay is None else round(self.delay * 1000),
        }


class SoundPlayer(Protocol):
    """All of it is called on the event loop, `film` on any thread."""

    def begin(self) -> None:
        """A session begins: nothing of the one before is played."""

    def put(self, sound: Sound, captured: float, arrived: float) -> None:
        """An object came; times in seconds of our clock."""

    def film(self, delay: float, now: float) -> None:
        """A picture of a film was shown so long after its capture."""

    def figures(self) -> SoundFigures:
        """How it goes."""

    def close(self) -> None:
        """Nothing is played any more."""


def _figures(playback: Playback, now: float) -> SoundFigures:
    buffer = playback.buffer
    heard = buffer.heard
    return SoundFigures(
        received=heard.received,
        played=heard.played,
        concealed=heard.concealed,
        late=heard.late,
        target=buffer.target(now),
        delay=None if playback.idle else buffer.delay,
    )


def opus() -> PacketDecoder:
    """A decoder for the host's sound. Raises OpusError."""
    return Decoder(CHANNELS)


class LoopPlayer:
    """Hands each block to `play` when it is due; nothing while there is silence."""

    def __init__(
        self,
        play: Callable[[Block], None],
        *,
        loop: asyncio.AbstractEventLoop,
        now: Callable[[], float],
        faults: Faults,
        make_decoder: Callable[[], PacketDecoder] = opus,
    ) -> None:
        self._play = play
        self._loop = loop
        self._now = now
        self._faults = faults
        self._make_decoder = make_decoder
        self._playback: Playback | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def begin(self) -> None:
        self.close()
        self._playback = Playback(self._make_decoder())

    def put(self, sound: Sound, captured: float, arrived: float) -> None:
        if self._playback is None:
            return
        self._playback.put(sound, captured, arrived)
        if self._timer is None:
            self._due = self._now()
            self._arm()

    def _arm(self) -> None:
        wait = max(0.0, self._due - self._now())
        self._timer = self._loop.call_later(wait, self._faults.run, self._tick)

    def _tick(self) -> None:
        self._timer = None
        playback = self._playback
        if playback is None:
            return
        now = self._now()
        while self._due <= now and not playback.idle:
            block = playback.block(self._due, now)
            self._due += BLOCK
            if block.captured is not None:
                self._play(block)
        if not playback.idle:
            self._arm()

    def film(self, delay: float, now: float) -> None:
        self._loop.call_soon_threadsafe(self._faults.run, self._filmed, delay, now)

    def _filmed(self, delay: float, now: float) -> None:
        if self._playback is not None:
            self._playback.film(delay, now)

    def figures(self) -> SoundFigures:
        return SoundFigures() if self._playback is None else _figures(self._playback, self._now())

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        playback, self._playback = self._playback, None
        if playback is not None:
            playback.close()


class ThreadPlayer:
    """Plays on this machine's loudspeakers. `trouble` is told on the player's thread what to do about loudspeakers that
    there are none of; "" when there are."""

    def __init__(
        self,
        open_output: Callable[[], SoundOutput],
        *,
        now: Callable[[], float],
        faults: Faults,
        trouble: Callable[[str], None],
        make_decoder: Callable[[], PacketDecoder] = opus,
    ) -> None:
        self._open_output = open_output
        self._now = now
        self._faults = faults
        self._trouble = trouble
        self._make_decoder = make_decoder
        self._jobs: queue.SimpleQueue[Callable[[Playback], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._shown = SoundFigures()
        #: 0 to 1, and whether a person has it muted; written and read by whole.
        self.volume = 1.0
        self.muted = False

    def begin(self) -> None:
        self.close()
        self._jobs = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, args=(self._jobs,), name="avl-play", daemon=True)
        self._thread.start()

    def put(self, sound: Sound, captured: float, arrived: float) -> None:
        self._jobs.put(lambda playback: playback.put(sound, captured, arrived))

    def film(self, delay: float, now: float) -> None:
        self._jobs.put(lambda playback: playback.film(delay, now))

    def figures(self) -> SoundFigures:
        return self._shown

    def close(self) -> None:
        """As the protocol says; what a loudspeaker still takes is not waited for."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread = None

    # the player's thread

    def _run(self, jobs: queue.SimpleQueue[Callable[[Playback], None] | None]) -> None:
        self._faults.run(self._play_all, jobs)

    def _play_all(self, jobs: queue.SimpleQueue[Callable[[Playback], None] | None]) -> None:
        try:
            playback = Playback(self._make_decoder())
        except OpusError as error:
            self._trouble(str(error))
            return
        output: SoundOutput | None = None
        told, retry_at = False, 0.0
        try:
            while self._take(jobs, playback, output):
                if playback.idle:
                    if output is not None and jobs.empty():
                        output.close()
                        output = None
                    continue
                if output is None and self._now() < retry_at:
                    playback.drop()
                    continue
                try:
                    if output is None:
                        output = self._open_output()
                    self._play(jobs, playback, output)
                    if told:
                        told = False
                        self._trouble("")
                except OutputError as error:
                    output, retry_at = None, self._now() + RETRY
                    playback.drop()
                    if not told:
                        told = True
                        self._trouble(str(error))
        finally:
            if output is not None:
                output.close()
            playback.close()

    def _take(
        self,
        jobs: queue.SimpleQueue[Callable[[Playback], None] | None],
        playback: Playback,
        output: SoundOutput | None,
    ) -> bool:
        """Wait until there is something to play; False: no more will come."""
        try:
            job = jobs.get(timeout=None if output is None else LINGER)
        except queue.Empty:
            return True
        while job is not None:
            job(playback)
            if jobs.empty():
                return True
            job = jobs.get()
        return False

    def _play(
        self, jobs: queue.SimpleQueue[Callable[[Playback], None] | None], playback: Playback, output: SoundOutput
    ) -> None:
        """Until there is silence, or no more will come. Raises OutputError."""
        for _ in range(round(output.ahead / BLOCK)):
            output.write(SILENCE)  # so that what is written is heard after `ahead`, as it will be later on
        while not playback.idle:
            now = self._now()
            block = playback.block(now + output.ahead, now)
            output.write(SILENCE if self.muted else louder(block.samples, self.volume))
            self._shown = _figures(playback, now)
            while not jobs.empty():
                job = jobs.get()
                if job is None:
                    jobs.put(None)
                    return
                job(playback)
