"""SoundWorker: takes what plays here while somebody is to hear it, encodes it on the source's thread, and gives objects
to the event loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from avl_host.sound.coder import PacketCoder, SoundCoder
from avl_host.sound.source import SoundListener, SoundSource
from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.media.frame import SoundFrame
from avl_protocol.wire.onethread import any_thread
from avl_protocol.wire.registry import SoundState


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundParts:
    """What of the machine sound is made of: where it comes from, and what encodes it, made on the thread that uses
    it."""

    source: SoundSource
    make_coder: Callable[[], PacketCoder]


class SoundWorker:
    """`call` brings a call to the event loop, on which `frame` and `state` are told; `failed` says why no sound can be
    encoded here."""

    def __init__(
        self,
        parts: SoundParts,
        *,
        call: Callable[..., object],
        frame: Callable[[SoundFrame], None],
        state: Callable[[SoundState, str], None],
        faults: Faults,
    ) -> None:
        self._parts = parts
        self._call = call
        self._frame = frame
        self._state = state
        self._faults = faults
        self._running = False
        self._coder: SoundCoder | None = None
        #: What losses the audience has, as it said last.
        self._repeat, self._expected = False, 0.0

    # on the event loop

    def want(self, wanted: bool) -> None:
        """Somebody is to hear it, or nobody."""
        if wanted and not self._running:
            self._running = True
            self._parts.source.start(SoundListener(heard=self._heard, state=self._told))
        elif not wanted and self._running:
            self._running = False
            self._parts.source.stop()

    def lossy(self, share: float, repeat: bool) -> None:
        """So much of the sound is lost on its way; `repeat`: say each packet twice."""
        self._expected, self._repeat = share, repeat

    def close(self) -> None:
        """Take nothing any more."""
        self.want(False)

    # on the source's thread

    @any_thread
    def _heard(self, samples: bytes, heard: float) -> None:
        self._faults.run(self._encode, samples, heard)

    @any_thread
    def _encode(self, samples: bytes, heard: float) -> None:
        if self._coder is None:
            self._coder = SoundCoder(self._parts.make_coder())
        coder = self._coder
        coder.repeat, coder.expected = self._repeat, self._expected
        frame = coder.take(samples, heard)
        if frame is not None:
            self._call(self._faults.run, self._frame, frame)

    @any_thread
    def _told(self, state: SoundState, text: str) -> None:
        self._call(self._faults.run, self._state, state, text)
