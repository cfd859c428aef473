"""InputSender: a viewer's input from its outbox into records, as soon as there is room (spec 04-session, 4.6)."""

from __future__ import annotations

from collections.abc import Callable

from avl_protocol.session.input.ledger import Dropped, Event, InputLedger
from avl_protocol.session.input.outbox import InputOutbox
from avl_protocol.session.pipes import SessionPipes
from avl_protocol.session.secure import SecureChannels
from avl_protocol.wire.codec import INPUT
from avl_protocol.wire.endtoend import Batch
from avl_protocol.wire.registry import Channel


class InputSender:
    """Channel 1 from the viewer's side. `to_host` turns our time into the host's, both in seconds."""

    def __init__(self, secure: SecureChannels, pipes: SessionPipes, to_host: Callable[[float], float]) -> None:
        self._secure = secure
        self._pipes = pipes
        self._to_host = to_host
        self.outbox = InputOutbox()
        self.ledger = InputLedger()
        self._dropped: list[Dropped] = []

    @property
    def unanswered(self) -> bool:
        """Whether something is under way or waits."""
        return self.outbox.pending or self._pipes.backlog(Channel.INPUT) > 0

    def send(self, events: list[Event], now: float) -> int:
        """Send at once as one batch (moves coalesce while the hop is backed up); its sequence number."""
        sequence = self.outbox.add(events, now)
        self.flush(now)
        return sequence

    def flush(self, now: float) -> None:
        """Send as much as there is room for, and forget what has waited too long."""
        if not self.outbox.pending:
            return
        self._dropped += self.outbox.expire(now)
        while (
            self.outbox.pending
            and self._pipes.is_open(Channel.INPUT)
            and self._pipes.backlog(Channel.INPUT) <= self.outbox.room
            and self._secure.writable(Channel.INPUT)
        ):
            batch, made = self.outbox.take()
            batch = Batch(batch.sequence, max(0, round(self._to_host(made) * 1e6)), batch.events)
            self._secure.send(Channel.INPUT, INPUT.encode(batch))
            self.ledger.sent(batch, now)

    def applied(self, sequence: int, discarded: int, now: float) -> None:
        """The host has applied batches up to this one, and discarded so many events in all."""
        self._dropped += self.ledger.applied(sequence, discarded, now)

    def overdue(self, now: float) -> None:
        """Count as dropped what the host has not answered for too long."""
        self._dropped += self.ledger.overdue(now)

    def give_up(self, now: float) -> None:
        """Nothing will be sent nor answered any more."""
        self._dropped += [*self.ledger.give_up(), *self.outbox.clear(now)]

    def clear(self, now: float) -> None:
        """The host is not heard: what waits is not sent, and all that was held is let go of."""
        self._dropped += self.outbox.clear(now)
        self.flush(now)

    def take_dropped(self) -> list[Dropped]:
        """What came to nothing, once."""
        dropped, self._dropped = self._dropped, []
        return dropped
