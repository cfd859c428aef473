"""Sharing: the desktop's pictures on their way to the audience (spec 05-media; 06-security, 6.4).

Frames come from the capture worker already encoded; here they are sealed once for everybody and sent. It also
decides what the worker should
do: nothing while nobody watches, 4:4:4 while everybody can decode it, and no more than the links can take.
"""

from __future__ import annotations

from collections.abc import Callable

from avl_host.encode.budget import Budget
from avl_host.encode.worker import Worker
from avl_protocol.crypto.identity import Identity, endorse_signer
from avl_protocol.crypto.sframe import MediaKey
from avl_protocol.media.frame import Chroma, EncodedFrame
from avl_protocol.rate.hop import FRAME_LIMIT
from avl_protocol.session.link import LinkState, RelayLink
from avl_protocol.session.mediaout import MediaSender, repair
from avl_protocol.wire.endtoend import Rate, Stages
from avl_protocol.wire.registry import T_REPORT, TrackKind

#: The one video track.
TRACK = 1
#: What TRACKS and GRANT say of it: track, kind, stands for, rate, priority.
TRACK_ROW = (TRACK, int(TrackKind.VIDEO), TRACK, 8_000_000, 2)
#: Seconds without a picture after which the budget is looked at before the next.
PAUSE = 5.0
#: Seconds between two words to the audience about our hop's rate.
RATE_INTERVAL = 1.0
#: The longest that the audience may make us wait at a time, seconds.
LONGEST_HOLD = 0.5
#: Below this nothing is readable; bits per second.
LEAST_BITRATE = 200_000


class Sharing:
    """One track of one desktop."""

    def __init__(
        self,
        identity: Identity,
        entropy: Callable[[int], bytes],
        clock: Callable[[], float],
        max_bitrate: int,
        on_figures: Callable[[Stages | Rate], None],
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
        self._link: RelayLink | None = None
        self._audience: dict[int, tuple[int, ...]] = {}
        self._watching = True
        self._wanted_rate = 0
        self._bitrate = max_bitrate
        self._chroma = Chroma.YUV444
        self._blocked = False
        self._hold_until = 0.0
        self._skipped = 0
        self._rate_at = 0.0
        self._framed_at = 0.0
        self._stages_at = 0.0
        self._stages: Stages | None = None

    def start(self, worker: Worker) -> None:
        """Name the worker that makes the frames."""
        self._worker = worker

    def set_link(self, link: RelayLink | None) -> None:
        """Send over this link from now on; None while there is none."""
        self._link = link
        if link is not None and link.state is not LinkState.CONNECTING:
            link.carrier.offer_spare(self._sender.spare)

    # the audience

    def join_key(self) -> MediaKey:
        """The key to grant to somebody who is admitted now."""
        return self._sender.join_key()

    def renew_keys(self) -> MediaKey:
        """The key for those who remain after somebody has left."""
        key = self._sender.renew()
        self.request_key()
        return key

    def set_viewer(self, handle: int, chroma: tuple[int, ...] | None) -> None:
        """A viewer joins with what it can decode, or (None) leaves."""
        if chroma is None:
            self._audience.pop(handle, None)
        else:
            self._audience[handle] = chroma
        everybody = all(Chroma.YUV444 in able for able in self._audience.values())
        wanted = Chroma.YUV444 if everybody else Chroma.YUV420
        if self._worker is not None and wanted is not self._chroma:
            self._chroma = wanted
            self._worker.set_chroma(wanted)
        if chroma is not None:
            self.request_key()

    def audience(self, count: int, rate: int, hold: float = 0.0) -> None:
        """The relay says how many watch, what their hops can take, and for how many seconds to take no picture."""
        self._watching = count > 0
        self._wanted_rate = rate
        self._hold_until = self._clock() + min(hold, LONGEST_HOLD) if hold > 0 else 0.0
        self._adapt()
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

    def ready(self) -> bool:
        """Whether a picture taken now would be sent at once. Called on the worker's thread."""
        link = self._link
        if link is None or link.state is not LinkState.UP or not self._audience or not self._watching:
            return False
        now = self._clock()
        if now - self._framed_at > PAUSE:
            self._framed_at = now
            self._adapt()  # what the hop carried before a pause counts for less and less
        blocked = now < self._hold_until or link.carrier.hold(now)
        self._skipped += blocked and not self._blocked
        self._blocked = blocked
        return not blocked

    def next_timeout(self) -> float | None:
        """When a picture that had to wait may be taken, as far as the audience goes."""
        return self._hold_until or None

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        if self._hold_until and now >= self._hold_until:
            self._hold_until = 0.0
            self.wake()

    def frame(self, frame: EncodedFrame) -> None:
        """Seal and send a frame."""
        link = self._link
        started = self._framed_at = self._clock()
        sealed = self._sender.seal(frame)
        now = self._clock()
        if link is not None and link.state is LinkState.UP:
            self._sender.send(sealed, link.carrier, link.media_handle, now)
        if now - self._stages_at >= T_REPORT:
            self._stages_at = now
            times = frame.stages
            seconds = (times.grab, times.compare, times.convert, times.encode, now - started)
            self._stages = Stages(sealed[0], tuple(round(value * 1e6) for value in seconds))

    def fate(self, cookie: object, acked: bool, now: float) -> None:
        """A datagram arrived or was lost."""
        link = self._link
        if link is None or link.state is not LinkState.UP:
            return
        repair(cookie, acked, link.carrier, now)
        if self._stages is not None:
            # Told only now, so that it does not leave ahead of the picture that it is about.
            self._on_figures(self._stages)
            self._stages = None
        if self._blocked and now >= self._hold_until and not link.carrier.hold(now):
            self._blocked = False
            self.wake()
        if now - self._rate_at >= RATE_INTERVAL:
            self._rate_at = now
            state = link.carrier.rate_state(now)
            self._on_figures(Rate(state.state, state.reason, state.figures(self._skipped)))
        self._adapt()

    def beacon_objects(self) -> tuple[tuple[int, ...], ...]:
        """Rows of (track, newest object) for the beacon."""
        return ((TRACK, self._sender.newest),) if self._sender.newest >= 0 else ()

    def _adapt(self) -> None:
        """Follow the slower of our own hop and the audience's best link."""
        if self._worker is None or self._link is None or self._link.state is not LinkState.UP:
            return
        rates = [rate for rate in (self._link.carrier.rate, self._wanted_rate) if rate]
        target = round(max(LEAST_BITRATE, min([self._max_bitrate, *rates])))
        if abs(target - self._bitrate) > self._bitrate // 20 or (target == self._max_bitrate != self._bitrate):
            self._bitrate = target
            self._worker.set_budget(Budget(target, round(target / 8 * FRAME_LIMIT)))
