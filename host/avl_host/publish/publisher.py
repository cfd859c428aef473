"""Publisher: the desktop's tracks on their way to the audience (spec 05-media; 06-security, 6.4).

Frames come from the capture workers already encoded; here they are sealed once for everybody and sent. It also decides
what the workers should do: nothing while nobody watches, 4:4:4 while everybody can decode it, and together no more than
the links can take.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from avl_host.encode.codecs.coders import Coders, Formats
from avl_host.encode.pipeline import Row
from avl_host.encode.worker import Worker
from avl_host.publish.permit import Capture, CapturePermit
from avl_host.publish.publication import Publication
from avl_host.publish.upload import Upload
from avl_protocol.crypto.identity import Identity, endorse_signer
from avl_protocol.crypto.sframe import MediaKey
from avl_protocol.media.frame import EncodedFrame, Frame, SoundFrame
from avl_protocol.media.track import Track, exact, lower, rungs, sound, video
from avl_protocol.session.media.keys import MediaKeyring
from avl_protocol.session.media.rungs import Flow
from avl_protocol.session.media.sender import MediaSender, repair
from avl_protocol.wire.endtoend import Rate, Stages
from avl_protocol.wire.registry import MAX_TRACKS, T_REPORT

#: Seconds between two looks at the budget while no picture is taken: what the hop carried counts for less and less.
PAUSE = 5.0
#: Seconds after a picture when it is looked whether the path stands still: no event tells of that.
STILL = 0.1
#: Seconds between two words to the audience about our hop's rate.
RATE_INTERVAL = 1.0
#: Who comes while others watch shares a key object with who comes in the next so many seconds, and with who comes in
#: as many after that one, for so many at most: a crowd costs one, and a single viewer hardly waits.
GATHER, GATHER_MOST = 0.06, 0.31
#: Seconds between two choices of what direct viewers get.
CHOICE_INTERVAL = 0.1
#: Below this nothing is readable, and with this it begins, while nothing is known of a path; bits per second.
LEAST_BITRATE, FIRST_BITRATE = 200_000, 7_500_000
#: What the number of a track of pictures with fewer bits is above that of the others.
LOWER = 0x80


def desktop(at: int) -> tuple[Track, Track, Track]:
    """The tracks of a host's desktop, from 0 on: pictures, exact pixels, and the pictures with fewer bits."""
    return video(1 + 2 * at), exact(2 + 2 * at), lower(LOWER + 1 + 2 * at)


#: The track of a host's sound.
SOUND = sound(0x60)

#: What a host with one desktop publishes.
ONE_DESKTOP = (desktop(0),)


class Publisher:
    """The tracks of a host's desktops: pictures and exact pixels of each, and perhaps those pictures with fewer bits.
    `max_bitrate`: bits per second of all of them together, at most; `coders` choose codec and chroma.

    It lives on the event loop; the workers' threads read the permits of their publications and nothing else. `ask` has
    the loop call `look`, and may be called on any thread.
    """

    def __init__(
        self,
        identity: Identity,
        entropy: Callable[[int], bytes],
        *,
        clock: Callable[[], float],
        max_bitrate: int,
        on_figures: Callable[[Stages | Rate, Upload | None], None],
        ask: Callable[[], None],
        desktops: Sequence[tuple[Track, ...]] = ONE_DESKTOP,
        coders: Coders | None = None,
        sound: Track | None = None,
    ) -> None:
        self._clock = clock
        self._coders = coders or Coders()
        self._max_bitrate = max_bitrate
        self._on_figures = on_figures
        self.media_session = entropy(16)
        signer = Identity(entropy(32))
        self.signer = signer.public
        self.endorsement = endorse_signer(identity, self.media_session, signer.public)
        self._keys = MediaKeyring(entropy)
        self._sign = signer.sign
        self._ask = ask
        #: What is published, the desktop that viewers show first in front.
        self.publications = tuple(self._publication(*tracks) for tracks in desktops)
        #: What seals the host's sound; None where it shares none.
        self.sound = None if sound is None else self._sender(sound)
        #: Told when somebody wants the sound, and when nobody does any more.
        self.on_sound: Callable[[bool], None] = lambda wanted: None
        self._sound_wanted = False
        #: What every viewer gets that has not chosen.
        self.offered = self.tracks
        #: Called when there are more tracks than before: relays have to know.
        self.on_tracks: Callable[[], None] = lambda: None
        self._rungs = rungs(self.tracks)
        self._flows = {track.id: Flow() for track in self.tracks}
        self._uploads: dict[Upload, float] = {}
        self._audience: dict[object, Formats] = {}
        self._skipped = 0
        self._chosen_at = float("-inf")
        #: Since when somebody waits for what a newcomer needs, and who came last; whether that is everything.
        self._gathering: tuple[float, float, bool] | None = None
        self._stages_at = 0.0
        self._stages: Stages | None = None

    def _publication(self, pictures: Track, exact: Track, *lower: Track) -> Publication:
        return Publication(
            pictures=self._sender(pictures),
            exact=self._sender(exact),
            lower=self._sender(lower[0]) if lower else None,
            bitrate=min(FIRST_BITRATE, self._max_bitrate),
            permit=CapturePermit(self._ask),
        )

    def _sender(self, track: Track) -> MediaSender:
        return MediaSender(self.media_session, track, self._sign, self._keys)

    def add(self) -> Publication | None:
        """Publish one more desktop, for those to whom it is given and as long as the host runs; None where it would
        have more tracks than a host may."""
        tracks = desktop(len(self.publications))
        if len(self.tracks) + len(tracks) > MAX_TRACKS:
            return None
        publication = self._publication(*tracks)
        self.publications += (publication,)
        self._rungs = rungs(self.tracks)
        self._flows.update({track.id: Flow() for track in tracks})
        for upload in self._uploads:
            upload.arrange(self._rungs)
        self.on_tracks()
        return publication

    @property
    def tracks(self) -> tuple[Track, ...]:
        """What is published."""
        return tuple(sender.track for sender in self._senders)

    @property
    def _senders(self) -> list[MediaSender]:
        desktops = [sender for publication in self.publications for sender in publication.senders]
        return desktops if self.sound is None else [*desktops, self.sound]

    @property
    def audience(self) -> int:
        """How many viewers have said what they can decode."""
        return len(self._audience)

    def start(self, *workers: Worker) -> None:
        """Name the workers that make the frames, one for each publication."""
        for publication, worker in zip(self.publications, workers, strict=True):
            publication.start(worker)

    def open(self, upload: Upload) -> None:
        """Send over this upload too, while anybody watches there."""
        self._uploads[upload] = 0.0
        upload.arrange(self._rungs, () if self.sound is None else (self.sound.track.id,))
        upload.offer_spare()

    def close(self, upload: Upload) -> None:
        """Its carrier is gone, or nobody will watch there."""
        self._uploads.pop(upload, None)
        self.changed()

    # the audience

    def join_key(self) -> MediaKey:
        """The key to grant to somebody who is admitted now."""
        return self._keys.join()

    @property
    def next_objects(self) -> dict[int, int]:
        """The number of each track's next object: who is admitted now can open none before it."""
        return {sender.track.id: sender.newest + 1 for sender in self._senders}

    def captured(self, track: int, number: int) -> float | None:
        """When an object of a track was captured, in seconds of our clock; None for one that is old or never was."""
        found = (sender.captured(number) for sender in self._senders if sender.track.id == track)
        return next(found, None)

    @property
    def generation(self) -> int:
        """Of the newest media key: another whenever somebody has left."""
        return self._keys.newest.generation

    def renew_keys(self) -> MediaKey:
        """The key for those who remain after somebody has left."""
        key = self._keys.renew()
        self.request_key()
        return key

    def set_viewer(self, viewer: object, able: Formats | None) -> None:
        """A viewer joins with what it can decode, or (None) leaves."""
        if able is None:
            self._audience.pop(viewer, None)
        else:
            self._audience[viewer] = able
        chroma = self._coders.choose(self._audience.values())
        for publication in self.publications:
            publication.set_chroma(chroma)
        self.look()
        if able is not None:
            self.welcome(everything=True)

    def changed(self) -> None:
        """The audience has changed: its size, its tracks, its paths, or what its decoders can take."""
        self._adapt()
        self.look()
        self.wake()

    def welcome(self, everything: bool = False) -> None:
        """Somebody comes who needs a key object, or (`everything`) has nothing at all: at once where nobody else
        watches, else together with those who come in the next moment."""
        if len(self._audience) <= 1:
            self._gathering = None
            self._send_anew(everything)
            return
        now = self._clock()
        first, _, all_of_it = self._gathering or (now, now, False)
        self._gathering = first, now, all_of_it or everything

    def _send_anew(self, everything: bool) -> None:
        if everything:
            self.request_everything()
        else:
            self.request_key()

    @property
    def _gathered_at(self) -> float | None:
        """When those who have come are sent what they need."""
        if self._gathering is None:
            return None
        first, last, _ = self._gathering
        return min(first + GATHER_MOST, last + GATHER)

    def request_key(self, track: int | None = None) -> None:
        """Begin a new group of a track of pictures soon, or (None) of every one; nothing for another track."""
        for publication in self.publications:
            if track is None or track == publication.pictures.track.id:
                publication.request_key()
            if publication.lower is not None and (track is None or track == publication.lower.track.id):
                publication.request_lower_key()

    def request_everything(self) -> None:
        """Send all of every desktop anew: somebody comes who has nothing."""
        for publication in self.publications:
            publication.request_everything()

    def request_missing(self, track: int, rows: tuple[Row, ...], tell: Callable[[tuple[Row, ...], int], None]) -> None:
        """Send again what objects of a track of exact pixels showed, (first, last) each; `tell(rows, newest)` is called
        then. Nothing for another track."""
        for publication in self.publications:
            if track == publication.exact.track.id:
                publication.request_missing(rows, tell)
                publication.wake()

    def input_applied(self, when: float) -> None:
        """Input was applied; frames captured later say so."""
        for publication in self.publications:
            publication.input_applied(when)

    def wake(self) -> None:
        """Something changed that may let the workers go on."""
        for publication in self.publications:
            publication.wake()

    # frames

    def _watched(self, publication: Publication | None = None) -> list[Upload]:
        """Uploads that a desktop (None: any) leaves on, the one that it is coded for first: the best, so that a slow
        one hurts nobody. A hop of unknown rate counts as if it carried the most that we may send."""
        tracks = [track.id for track in publication.tracks] if publication is not None else [None]
        watched = [upload for upload in tuple(self._uploads) if any(upload.watches(track) for track in tracks)]
        best = max(watched, key=lambda upload: upload.rate or self._max_bitrate, default=None)
        for upload in watched:
            if upload.subscription is not None:
                upload.subscription.followed = upload is best
        return sorted(watched, key=lambda upload: upload is not best)

    def ready(self) -> bool:
        """Whether a frame of any track would be sent at once, as it was found last."""
        return any(publication.permit.state is Capture.NOW for publication in self.publications)

    def look(self) -> None:
        """Decide anew which tracks' pictures may be taken, publish it, and wake the workers that may go on."""
        now = self._clock()
        self._look_at_sound()
        for publication in self.publications:
            before, found = publication.permit.state, self._found(publication, now)
            publication.permit.publish(found)
            if found is Capture.NOT:
                publication.look_at = None
            elif publication.look_at is None:
                publication.look_at = now + PAUSE
            if found is Capture.LATER and before is not found:
                self._skipped += 1
            elif found is Capture.NOW and before is not found:
                publication.wake()

    def _look_at_sound(self) -> None:
        """Say whether anybody wants the sound, where that is something else than before (R-SESS-311)."""
        track = None if self.sound is None else self.sound.track.id
        wanted = track is not None and bool(self._audience) and any(upload.watches(track) for upload in self._uploads)
        if wanted != self._sound_wanted:
            self._sound_wanted = wanted
            self.on_sound(wanted)

    def _found(self, publication: Publication, now: float) -> Capture:
        watched = self._watched(publication)
        if not watched or not self._audience or publication.stopped:
            return Capture.NOT
        return Capture.LATER if watched[0].held(now) else Capture.NOW

    def next_timeout(self) -> float | None:
        """When the next picture may have to wait, or no longer has to, without anything having happened."""
        due = [upload.hold_until for upload in self._uploads if upload.hold_until]
        due += [publication.look_at for publication in self.publications if publication.look_at is not None]
        if (gathered := self._gathered_at) is not None:
            due.append(gathered)
        return min(due, default=None)

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        if self._gathering is not None and (gathered := self._gathered_at) is not None and now >= gathered:
            everything, self._gathering = self._gathering[2], None
            self._send_anew(everything)
        held = [upload for upload in self._uploads if upload.hold_until and now >= upload.hold_until]
        for upload in held:
            upload.hold_until = 0.0
        still = [one for one in self.publications if one.look_at is not None and now >= one.look_at]
        for publication in still:
            publication.look_at = now + PAUSE
        if still:
            self._adapt()
        if still or held:
            self.look()

    def frame(self, publication: Publication, frame: Frame) -> None:
        """Seal and send a frame of a desktop."""
        started = self._clock()
        sender = publication.sender_of(frame)
        sealed = sender.seal(frame)
        now = self._clock()
        self._flows[sender.track.id].add(len(sealed[2]), now)
        for upload in self._watched(publication):
            if upload.watches(sender.track.id) and not upload.send(sender, sealed, now):
                self.request_key(sender.track.id)
        if isinstance(frame, EncodedFrame):
            publication.coder = self._coders.library(frame.chroma, (frame.width, frame.height))
        publication.look_at = now + STILL
        self.look()
        if now - self._stages_at >= T_REPORT:
            self._stages_at = now
            times = frame.stages
            seconds = (times.grab, times.compare, times.convert, times.encode, now - started)
            in_us = tuple(round(value * 1e6) for value in seconds)
            self._stages = Stages(sender.track.id, sealed[0], in_us, publication.coder)

    def sound_frame(self, frame: SoundFrame) -> None:
        """Seal and send sound."""
        sender = self.sound
        if sender is None or not self._sound_wanted:
            return
        sealed = sender.seal(frame)
        now = self._clock()
        self._flows[sender.track.id].add(len(sealed[2]), now)
        for upload in tuple(self._uploads):
            if upload.watches(sender.track.id):
                upload.send(sender, sealed, now)

    def settled(self, upload: Upload, fates: Sequence[tuple[object, bool]], now: float) -> None:
        """Datagrams arrived (True) or were lost, each told by its cookie."""
        if upload not in self._uploads:
            return
        for cookie, acked in fates:
            repair(cookie, acked, upload.carrier, now)
        if self._stages is not None:
            # Told only now, so that it does not leave ahead of the picture that it is about.
            self._on_figures(self._stages, None)
            self._stages = None
        self.look()
        if now - self._uploads[upload] >= RATE_INTERVAL:
            self._uploads[upload] = now
            state = upload.carrier.rate_state(now)
            self._on_figures(Rate(state.state, state.reason, state.figures(self._skipped)), upload)
        self._adapt()

    def beacon_objects(self) -> tuple[tuple[int, ...], ...]:
        """Rows of (track, newest object, settled) for the beacon."""
        rows = []
        for publication in self.publications:
            for sender in publication.senders:
                if sender.newest >= 0:
                    settled = publication.settled and sender is publication.exact
                    rows.append((sender.track.id, sender.newest, int(settled)))
        return tuple(rows)

    def use_at_most(self, bitrate: int) -> None:
        """Bits per second of all desktops together, at most, from now on."""
        if bitrate != self._max_bitrate:
            self._max_bitrate = bitrate
            self._adapt()

    def _adapt(self) -> None:
        """Follow the best of those that are watched, the watched desktops in equal shares."""
        watched = self._watched()
        if not watched:
            return
        target = max(LEAST_BITRATE, min(self._max_bitrate, watched[0].rate or FIRST_BITRATE))
        active = [one for one in self.publications if self._watched(one)]
        for publication in active:
            publication.set_bitrate(round(target / len(active)), self._max_bitrate)
        slow = self._slow(watched)
        for publication in active:
            track = None if publication.lower is None else publication.lower.track.id
            needed = track is not None and any(upload.watches(track) for upload in watched)
            publication.set_slow(round(max(slow, LEAST_BITRATE) / len(active)) if slow or needed else 0, needed)

    def _slow(self, watched: Sequence[Upload]) -> int:
        """Bits per second that the slowest of those takes who cannot follow; 0: all can. Who came directly is asked
        here, as a relay asks its viewers."""
        now = self._clock()
        direct = [upload.subscription for upload in watched if upload.subscription is not None]
        if direct and now >= self._chosen_at + CHOICE_INTERVAL:
            self._chosen_at = now
            flows = {track: flow.rate(now) for track, flow in self._flows.items()}
            for subscription in direct:
                for track in subscription.choose(flows, now):
                    self.request_key(track)
        return min((rate for upload in watched if (rate := upload.slow_rate(now))), default=0)
