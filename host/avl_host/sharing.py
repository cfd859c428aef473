"""Sharing: the desktop's pictures on their way to the audience (spec 05-media; 06-security, 6.4).

Frames come from the capture worker already encoded; here they are sealed once for everybody and sent. It also
decides what the worker should
do: nothing while nobody watches, 4:4:4 while everybody can decode it, and no more than the links can take.
"""

from __future__ import annotations

from collections.abc import Callable

from avl_host.encode.budget import Budget
from avl_host.encode.worker import Worker
from avl_host.entrances import TRACK
from avl_host.outlets import Outlet
from avl_host.permit import Capture, CapturePermit
from avl_protocol.crypto.identity import Identity, endorse_signer
from avl_protocol.crypto.sframe import MediaKey
from avl_protocol.media.frame import Chroma, EncodedFrame
from avl_protocol.rate.hop import FRAME_LIMIT
from avl_protocol.session.mediaout import MediaSender, repair
from avl_protocol.wire.endtoend import Rate, Stages
from avl_protocol.wire.registry import T_REPORT, TrackKind

#: What TRACKS and GRANT say of it: track, kind, stands for, rate, priority.
TRACK_ROW = (TRACK, int(TrackKind.VIDEO), TRACK, 8_000_000, 2)
#: Seconds between two looks at the budget while no picture is taken: what the hop carried counts for less and less.
PAUSE = 5.0
#: Seconds after a picture when it is looked whether the path stands still: no event tells of that.
STILL = 0.1
#: Seconds between two words to the audience about our hop's rate.
RATE_INTERVAL = 1.0
#: Below this nothing is readable; bits per second.
LEAST_BITRATE = 200_000


class Sharing:
    """One track of one desktop. It lives on the event loop; the worker's thread reads `permit` and nothing else.

    `ask` has the loop call `look`; it is called on any thread.
    """

    def __init__(
        self,
        *,
        identity: Identity,
        entropy: Callable[[int], bytes],
        clock: Callable[[], float],
        max_bitrate: int,
        on_figures: Callable[[Stages | Rate, Outlet | None], None],
        ask: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._max_bitrate = max_bitrate
        self._on_figures = on_figures
        self.media_session = entropy(16)
        signer = Identity(entropy(32))
        self.signer = signer.public
        self.endorsement = endorse_signer(identity, self.media_session, signer.public)
        self._sender = MediaSender(self.media_session, TRACK, signer.sign, entropy)
        self._worker: Worker | None = None
        self._outlets: dict[Outlet, float] = {}
        self._audience: dict[object, tuple[int, ...]] = {}
        self._bitrate = max_bitrate
        self._chroma = Chroma.YUV444
        self.permit = CapturePermit(ask)
        self._skipped = 0
        self._look_at: float | None = None
        self._stages_at = 0.0
        self._stages: Stages | None = None

    def start(self, worker: Worker) -> None:
        """Name the worker that makes the frames."""
        self._worker = worker

    def open(self, outlet: Outlet) -> None:
        """Send over this outlet too, while anybody watches there."""
        self._outlets[outlet] = 0.0
        outlet.offer(self._sender)

    def close(self, outlet: Outlet) -> None:
        """Its carrier is gone, or nobody will watch there."""
        self._outlets.pop(outlet, None)
        self.changed()

    # the audience

    def join_key(self) -> MediaKey:
        """The key to grant to somebody who is admitted now."""
        return self._sender.join_key()

    @property
    def next_object(self) -> int:
        """The number of the next object: who is admitted now can open none before it."""
        return self._sender.newest + 1

    def renew_keys(self) -> MediaKey:
        """The key for those who remain after somebody has left."""
        key = self._sender.renew()
        self.request_key()
        return key

    def set_viewer(self, viewer: object, chroma: tuple[int, ...] | None) -> None:
        """A viewer joins with what it can decode, or (None) leaves."""
        if chroma is None:
            self._audience.pop(viewer, None)
        else:
            self._audience[viewer] = chroma
        everybody = all(Chroma.YUV444 in able for able in self._audience.values())
        wanted = Chroma.YUV444 if everybody else Chroma.YUV420
        if self._worker is not None and wanted is not self._chroma:
            self._chroma = wanted
            self._worker.set_chroma(wanted)
        self.look()
        if chroma is not None:
            self.request_key()

    def changed(self) -> None:
        """Who watches where, or what they can take, has changed."""
        self._adapt()
        self.look()
        self.wake()

    def request_key(self) -> None:
        """Begin a new group soon."""
        if self._worker is not None:
            self._worker.request_key()

    def input_applied(self, when: float) -> None:
        """Input was applied; frames captured later say so."""
        if self._worker is not None:
            self._worker.input_applied(when)

    def wake(self) -> None:
        """Something changed that may let the worker go on."""
        if self._worker is not None:
            self._worker.wake()

    # frames

    def _watched(self) -> list[Outlet]:
        """Outlets that pictures leave on, the one first that the encoder follows: the best, so that a slow one hurts
        nobody. One of which nothing is known yet is as good as what we may send at most."""
        watched = [outlet for outlet in tuple(self._outlets) if outlet.watched]
        best = max(watched, key=lambda outlet: outlet.rate or self._max_bitrate, default=None)
        for outlet in watched:
            if outlet.feed is not None:
                outlet.feed.followed = outlet is best
        return sorted(watched, key=lambda outlet: outlet is not best)

    def look(self) -> None:
        """Decide anew whether a picture may be taken, publish it, and wake the worker when it may again."""
        now = self._clock()
        watched = self._watched()
        if not watched or not self._audience:
            found, self._look_at = Capture.NOT, None
        else:
            found = Capture.LATER if watched[0].held(now) else Capture.NOW
            self._look_at = self._look_at or now + PAUSE
        before = self.permit.state
        self.permit.publish(found)
        if found is Capture.LATER and before is not found:
            self._skipped += 1
        elif found is Capture.NOW and before is not found:
            self.wake()

    def next_timeout(self) -> float | None:
        """When the next picture may have to wait, or no longer has to, without anything having happened."""
        due = [outlet.hold_until for outlet in self._outlets if outlet.hold_until]
        return min(due if self._look_at is None else [*due, self._look_at], default=None)

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        over = [outlet for outlet in self._outlets if outlet.hold_until and now >= outlet.hold_until]
        for outlet in over:
            outlet.hold_until = 0.0
        if self._look_at is not None and now >= self._look_at:
            self._look_at = now + PAUSE
            self._adapt()
        elif not over:
            return
        self.look()

    def frame(self, frame: EncodedFrame) -> None:
        """Seal and send a frame."""
        started = self._clock()
        sealed = self._sender.seal(frame)
        now = self._clock()
        for outlet in self._watched():
            if not outlet.send(self._sender, sealed, TRACK, now):
                self.request_key()
        self._look_at = now + STILL
        self.look()
        if now - self._stages_at >= T_REPORT:
            self._stages_at = now
            times = frame.stages
            seconds = (times.grab, times.compare, times.convert, times.encode, now - started)
            self._stages = Stages(sealed[0], tuple(round(value * 1e6) for value in seconds))

    def fate(self, outlet: Outlet, cookie: object, acked: bool, now: float) -> None:
        """A datagram arrived or was lost."""
        if outlet not in self._outlets:
            return
        repair(cookie, acked, outlet.carrier, now)
        if self._stages is not None:
            # Told only now, so that it does not leave ahead of the picture that it is about.
            self._on_figures(self._stages, None)
            self._stages = None
        self.look()
        if now - self._outlets[outlet] >= RATE_INTERVAL:
            self._outlets[outlet] = now
            state = outlet.carrier.rate_state(now)
            self._on_figures(Rate(state.state, state.reason, state.figures(self._skipped)), outlet)
        self._adapt()

    def beacon_objects(self) -> tuple[tuple[int, ...], ...]:
        """Rows of (track, newest object) for the beacon."""
        return ((TRACK, self._sender.newest),) if self._sender.newest >= 0 else ()

    def _adapt(self) -> None:
        """Follow the best of those that are watched."""
        watched = self._watched()
        if self._worker is None or not watched:
            return
        target = round(max(LEAST_BITRATE, min(self._max_bitrate, watched[0].rate or self._max_bitrate)))
        if abs(target - self._bitrate) > self._bitrate // 20 or (target == self._max_bitrate != self._bitrate):
            self._bitrate = target
            self._worker.set_budget(Budget(target, round(target / 8 * FRAME_LIMIT)))
