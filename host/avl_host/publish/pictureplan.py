"""PicturePlan: chooses the path of each viewer's pictures (spec 08-paths, 8.8).

They follow the session, object by object. A relay's upload serves all viewers behind it, so only the first few direct
viewers get an upload of their own. A viewer that leaves a relay gets pictures by both paths for a moment, so that it
misses none that are on their way.
"""

from __future__ import annotations

from collections.abc import Iterable

from avl_host.publish.publisher import Publisher
from avl_host.sessions.subscriber import Subscriber, SubscriberPath

#: Viewers with an upload of their own, where a relay could carry them too.
DIRECT = 2
#: Seconds for which a viewer that leaves a relay still gets pictures there.
OVERLAP = 0.3


class PicturePlan:
    """Opens and closes uploads as sessions come, move and go."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        #: Whose pictures still go where they went before.
        self._leaving: set[Subscriber] = set()

    def follow(self, subscriber: Subscriber, others: Iterable[Subscriber], now: float) -> None:
        """Let a session's pictures go where it is now; nowhere while it is nowhere."""
        if subscriber.able is None:
            return
        wanted = None if subscriber.session.detached else self._path(subscriber, others)
        if wanted is subscriber.media:
            return
        before, subscriber.media = subscriber.media, wanted
        self._finish(subscriber)
        if wanted is not None:
            self._begin(subscriber, wanted, smooth=before is not None and not before.hop.direct)
        if before is not None:
            if before.hop.direct or wanted is None:
                self._end(subscriber, before)
            else:
                subscriber.leaving = (before, now + OVERLAP)
                self._leaving.add(subscriber)
        self._publisher.changed()

    def _path(self, subscriber: Subscriber, others: Iterable[Subscriber]) -> SubscriberPath | None:
        here = subscriber.here
        if here is None or not here.hop.direct or here is subscriber.media:
            return here
        direct = sum(1 for other in others if other is not subscriber and other.media and other.media.hop.direct)
        return here if direct < DIRECT else subscriber.relayed() or here

    def _begin(self, subscriber: Subscriber, path: SubscriberPath, smooth: bool) -> None:
        upload = path.hop.upload
        upload.begin()
        self._publisher.open(upload)
        path.hop.admit(path.handle, subscriber.session.channels(), subscriber.since_objects)
        if smooth and upload.subscription is not None:
            upload.subscription.go_on()
        else:
            self._publisher.welcome()

    def _end(self, subscriber: Subscriber, path: SubscriberPath) -> None:
        upload = path.hop.upload
        upload.sessions -= 1
        if path in subscriber.paths:
            path.hop.admit(path.handle, subscriber.session.channels(), {})
        if path.hop.direct:
            self._publisher.close(upload)

    def _finish(self, subscriber: Subscriber) -> None:
        """What was left for a moment is over."""
        if subscriber.leaving is not None:
            path, _ = subscriber.leaving
            subscriber.leaving = None
            self._leaving.discard(subscriber)
            if subscriber.media is None or subscriber.media.hop is not path.hop:
                self._end(subscriber, path)
            else:
                path.hop.upload.sessions -= 1

    def leave(self, subscriber: Subscriber) -> None:
        """A session is over."""
        self._finish(subscriber)
        if subscriber.media is not None:
            path, subscriber.media = subscriber.media, None
            subscriber.paths.clear()
            self._end(subscriber, path)
        self._publisher.changed()

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        return min(
            (subscriber.leaving[1] for subscriber in self._leaving if subscriber.leaving is not None), default=None
        )

    def handle_timer(self, now: float) -> None:
        """End what was left a moment ago."""
        for subscriber in sorted(self._leaving, key=lambda subscriber: subscriber.number):
            if subscriber.leaving is not None and subscriber.leaving[1] <= now:
                self._finish(subscriber)
                self._publisher.changed()
