"""Publication: one track that this host publishes, with the worker that makes its frames and what seals them (spec
05-media, 5.1).

A host has one for each picture that it shares; audience, uploads and the rate that they take together are the host's
(`publisher`).
"""

from __future__ import annotations

from avl_host.encode.budget import Budget
from avl_host.encode.worker import Worker
from avl_host.publish.permit import CapturePermit
from avl_protocol.media.frame import Chroma
from avl_protocol.media.track import Track
from avl_protocol.rate.hop import frame_limit
from avl_protocol.session.media.sender import MediaSender


class Publication:
    """What is asked of one track's worker, if it has one yet, each thing only when it changes. `bitrate`: bits per
    second that it begins with."""

    def __init__(self, sender: MediaSender, bitrate: int, permit: CapturePermit) -> None:
        self.sender = sender
        #: Whether its worker may take a picture.
        self.permit = permit
        #: When to look at that again without anything having happened, in seconds of the host's clock; None: never.
        self.look_at: float | None = None
        self._worker: Worker | None = None
        self._bitrate = bitrate
        self._chroma = Chroma.YUV444

    @property
    def track(self) -> Track:
        """What it publishes."""
        return self.sender.track

    def start(self, worker: Worker) -> None:
        """Name the worker that makes the frames."""
        self._worker = worker

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

    def set_chroma(self, chroma: Chroma) -> None:
        """Code with this sampling from the next frame on."""
        if self._worker is not None and chroma is not self._chroma:
            self._chroma = chroma
            self._worker.set_chroma(chroma)

    def set_bitrate(self, target: int, most: int) -> None:
        """Keep to `target` bits per second, of `most` that the host may ever send; small changes are let pass."""
        if self._worker is None:
            return
        if abs(target - self._bitrate) > self._bitrate // 20 or (target == most != self._bitrate):
            self._bitrate = target
            self._worker.set_budget(Budget(target, frame_limit(target)))
