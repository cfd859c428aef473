"""Pipeline: decides at each moment whether to look, to encode, to refine or to do nothing.

It owns a source and an encoder and is told the time; whoever runs it (worker.py) calls `step` when `next_step` says
so, when the source speaks, and after a request. A changed picture leaves at once and coarsely; when changes pause it
is refined until it is settled; then nothing happens at all. While the sender cannot take a frame nothing is captured,
so changes accumulate and the newest picture wins. How large a picture may be follows from the budget (budget.py), and
so do its scale and how often one is taken (rungs.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from avl_host.capture.source import CaptureSource, Picture
from avl_host.encode.budget import Allowance, Budget
from avl_host.encode.content import Content
from avl_host.encode.encoder import Encoded, Encoder, EncoderSettings
from avl_host.encode.rungs import FULL, Rung, Rungs
from avl_host.encode.scaling import coded_rects
from avl_protocol.media.frame import Chroma, EncodedFrame, Rect, StageTimes
from avl_protocol.wire.registry import T_KEY_SPACING


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """How the pipeline paces itself. Times are in seconds, quality in dB of the worst plane.

    `bitrate` (bits per second) holds until there is a budget, `rate` is the most pictures per second.
    `quiet`: a picture is refined when nothing changed for so long (two frames and a half at 60 per second, so that
    motion is not disturbed; at a lower rung as much longer).
    `refine_rate`: refinements per second; each is a whole encode, and the bits are capped by the bitrate however few
    they are.
    `target`: refined no further once this is reached with a quantiser of at most `fine_qp`; `enough`: the least that
    counts as settled unless nothing helps any more. 48 dB in the encoder's planes are about 44 dB in RGB.
    """

    chroma: Chroma = Chroma.YUV444
    bitrate: int = 8_000_000
    rate: int = 60
    threads: int = 2
    quiet: float = 0.04
    refine_rate: float = 30.0
    target: float = 48.0
    enough: float = 40.0
    fine_qp: float = 12.0
    most_refinements: int = 600


class Pipeline:
    """One video track's capture and encode. Not thread-safe, except for the requests: they only note a wish.

    `ready()` says whether the sender can take a frame now; when that turns true the owner wakes the worker.
    """

    def __init__(
        self,
        source: CaptureSource,
        open_encoder: Callable[[EncoderSettings], Encoder],
        ready: Callable[[], bool],
        settings: PipelineSettings | None = None,
    ) -> None:
        self._source = source
        self._open_encoder = open_encoder
        self._ready = ready
        self._settings = settings or PipelineSettings()
        # Requests: written from any thread, each by one assignment.
        self._wanted_chroma = self._settings.chroma
        self._budget = Budget(self._settings.bitrate)
        self._key_wanted = False
        self._input_applied = 0.0
        # What is being done.
        self._encoder: Encoder | None = None
        self._opened: EncoderSettings | None = None
        self._shared_out = self._budget
        self._allowance = Allowance(self._budget, self._settings.rate)
        self._rungs = Rungs()
        self._rung = FULL
        self._content = Content()
        self._picture: Picture | None = None
        self._changed = True
        self._earliest = float("-inf")
        self._key_earliest = float("-inf")
        self._refine_at: float | None = None
        self._refinements = 0
        self._best = 0.0
        self._unimproved = 0

    # Requests, from any thread.

    def request_key(self) -> None:
        """Begin a new group soon; requests within 300 ms are answered by one key frame."""
        self._key_wanted = True

    def set_budget(self, budget: Budget) -> None:
        """Keep to another budget from the next picture on."""
        self._budget = budget

    def set_chroma(self, chroma: Chroma) -> None:
        """Change chroma sampling; the change begins with a key frame."""
        self._wanted_chroma = chroma

    def input_applied(self, when: float) -> None:
        """Input was applied at `when` (host's clock); frames captured later carry it."""
        self._input_applied = when

    # The owner's thread.

    @property
    def settled(self) -> bool:
        """Nothing is left to do until the screen changes or somebody asks."""
        return not self._changed and self._refine_at is None and not self._key_due()

    @property
    def rung(self) -> Rung:
        """The scale and frame rate that pictures are coded at now."""
        return self._rung

    def changed(self) -> None:
        """The source says that something may have changed."""
        self._changed = True

    def next_step(self) -> float | None:
        """When `step` is worth calling, in seconds; None: only after `changed`, a request or when the sender is ready
        again.
        """
        if not self._ready():
            return None
        times = []
        if self._changed:
            times.append(self._earliest)
        if self._key_due():
            times.append(self._key_earliest)
        times += [at for at in (self._refine_at, self._rungs.due, self._content.due) if at is not None]
        return min(times, default=None)

    def step(self, now: float) -> EncodedFrame | None:
        """Do what is due at `now`; a frame if there is one to send. Raises SourceLost, EncoderFailed."""
        if not self._ready():
            return None
        self._climb(now)
        key = self._key_due() and now >= self._key_earliest
        if key or (self._changed and now >= self._earliest):
            frame = self._look(now, key)
            if frame is not None:
                return frame
        if self._refine_at is not None and now >= self._refine_at:
            return self._refine(now)
        return None

    def close(self) -> None:
        """Let go of the encoder."""
        if self._encoder is not None:
            self._encoder.close()
            self._encoder = None

    def _key_due(self) -> bool:
        opened = self._opened
        return self._key_wanted or (
            opened is not None and (opened.chroma, opened.scale) != (self._wanted_chroma, self._rung.scale)
        )

    def _climb(self, now: float) -> None:
        """Follow the budget; and the rung that it carries, once it is known what of."""
        if self._shared_out != self._budget:
            self._shared_out = self._budget
            self._allowance.set_budget(self._shared_out)
        if self._picture is not None:
            height, width = self._picture.pixels.shape[:2]
            content = self._content
            content.passed(now)
            self._rung = self._rungs.choose(self._shared_out.bitrate, width, height, content.motion, now, content.need)

    def _look(self, now: float, key: bool) -> EncodedFrame | None:
        """Grab, and encode what differs; with `key` encode in any case."""
        echo = self._input_applied
        self._changed = False
        picture = self._source.grab(whole=key)
        if picture is None:
            return None
        # After a pause two pictures may follow each other at once, as the first is often half drawn; the mean stays
        # within the rate.
        self._earliest = max(self._earliest + 1.0 / min(self._rung.fps, self._settings.rate), now)
        self._picture = picture
        return self._encode(picture, now, echo, key)

    def _refine(self, now: float) -> EncodedFrame | None:
        """Encode the same picture again, finer."""
        assert self._picture is not None
        self._refinements += 1
        again = replace(self._picture, damage=(), captured=now, grab_seconds=0.0, compare_seconds=0.0)
        return self._encode(again, now, self._input_applied, key=False)

    def _encode(self, picture: Picture, now: float, echo: float, key: bool) -> EncodedFrame:
        encoder, opened, fresh = self._encoder_for(picture)
        if fresh:
            picture = replace(picture, damage=(Rect(0, 0, opened.width, opened.height),))
        key = key or fresh
        if key:
            self._key_wanted = False
        encoded = encoder.encode(picture, self._allowance.limit(now, key), key)
        self._allowance.spend(len(encoded.data))
        if encoded.key:
            self._key_earliest = now + T_KEY_SPACING
        width, height = opened.coded
        if picture.damage and not encoded.key:
            part = sum(rect.width * rect.height for rect in picture.damage) / (opened.width * opened.height)
            self._content.coded(part, len(encoded.data) * 8 / (width * height), encoded.qp, self._rung.fps, now)
        settled = self._judge(picture, encoded, now)
        return EncodedFrame(
            key=encoded.key,
            data=encoded.data,
            captured=picture.captured,
            input_echo=echo,
            codec=encoder.codec,
            width=width,
            height=height,
            chroma=opened.chroma,
            dirty=coded_rects(picture.damage, opened.width, opened.height, opened.scale),
            settled=settled,
            stages=StageTimes(
                picture.grab_seconds, picture.compare_seconds, encoded.convert_seconds, encoded.encode_seconds
            ),
        )

    def _judge(self, picture: Picture, encoded: Encoded, now: float) -> bool:
        """Whether the picture is as good as it gets; plans the next refinement if not."""
        settings = self._settings
        if picture.damage or encoded.key:
            self._refinements = self._unimproved = 0
            self._best = 0.0
            self._refine_at = now + settings.quiet * FULL.fps / self._rung.fps
            return False
        psnr = 0.0 if encoded.psnr is None else encoded.psnr
        improved = psnr > self._best + 0.02
        self._best = max(self._best, psnr)
        self._unimproved = 0 if improved else self._unimproved + 1
        fine = encoded.qp is None or encoded.qp <= settings.fine_qp
        patience = 4 if psnr >= settings.enough else 30
        if (
            (psnr >= settings.target and fine)
            or self._unimproved >= patience
            or self._refinements >= settings.most_refinements
        ):
            self._refine_at = None
            return True
        self._refine_at = now + 1.0 / settings.refine_rate
        return False

    def _encoder_for(self, picture: Picture) -> tuple[Encoder, EncoderSettings, bool]:
        """An encoder that fits the picture, what it was opened with, and whether it was just opened."""
        height, width = picture.pixels.shape[:2]
        settings, scale = self._settings, self._rung.scale
        chroma, bitrate = self._wanted_chroma, self._shared_out.bitrate
        opened = self._opened
        if (
            self._encoder is not None
            and opened is not None
            and (opened.width, opened.height, opened.chroma, opened.scale) == (width, height, chroma, scale)
        ):
            return self._encoder, opened, False
        self.close()
        opened = EncoderSettings(
            width=width,
            height=height,
            chroma=chroma,
            bitrate=bitrate,
            rate=settings.rate,
            threads=settings.threads,
            scale=scale,
        )
        self._opened = opened
        self._encoder = self._open_encoder(opened)
        return self._encoder, opened, True
