"""HeadWatch: the heads of relays' audit logs that a host or viewer has been shown, kept across its restarts (spec 14,
14.6). A head that does not go on from what was kept is told a person, and both are kept as evidence."""

from __future__ import annotations

from collections.abc import Callable

from avl_protocol.audit.head import TreeHead
from avl_protocol.audit.witness import ALARMS, Heard, Verdict, Witness
from avl_protocol.endpoint.program.state import StateError, StateFolder
from avl_protocol.wire.messages import Head, HeadKnown

#: The file in a state folder.
KEPT = "relay-heads.json"


class HeadWatch:
    """Keeps them in `state`. `tell` is for a person; `alarm(heard)` is told what contradicts."""

    def __init__(
        self,
        state: StateFolder,
        tell: Callable[[str], None],
        alarm: Callable[[Heard], None] = lambda heard: None,
    ) -> None:
        self._state, self._tell, self._alarm = state, tell, alarm
        self._told: set[bytes] = set()
        try:
            self._witness = Witness(state.read(KEPT))
        except (StateError, ValueError) as error:
            tell(f"what was kept of relays' audit logs can't be read, and begins anew: {error}")
            self._witness = Witness()

    def known(self, relay: bytes) -> HeadKnown:
        """What the relay of this key (32 bytes) is told at the beginning of a hop."""
        kept = self._witness.kept(relay)
        return HeadKnown(0 if kept is None else kept.size)

    def hear(self, relay: bytes, message: Head) -> Verdict:
        """The relay of this key shows a head."""
        head = TreeHead(
            size=message.size,
            root=message.root,
            chain=message.chain,
            time_ms=message.time_ms,
            key=message.key,
            signature=message.signature,
        )
        if message.key != relay:  # another log's than that of who is there
            heard = Heard(Verdict.FORGED, head, self._witness.kept(relay))
        else:
            heard = self._witness.hear(head, message.proof)
        if heard.verdict in ALARMS and relay not in self._told:
            self._told.add(relay)
            self._tell(f"WARNING: {heard} What was kept and what was shown lie in {self._state.path / KEPT}.")
            self._alarm(heard)
        if heard.head != heard.kept:
            self._state.keep(KEPT, bytes(self._witness), "after a restart an old state of a relay's log is not noticed")
        return heard.verdict
