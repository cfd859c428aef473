"""Forest: an IsolationForest (scikit-learn, the extra `anomalies`) over the same features. It learns from what the
relay has seen, without labels: what few random cuts set apart from everything else is unusual.

It learns from the most unusual moment of each account's days: of all moments nearly every one is as usual as can be,
and a tree of them has no branches where the unusual lie. Its cuts are each of one value, so that many small things at
once would set a moment apart less than one large thing: what it is given is not the features but the sums of their
strongest evidence.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from avl_relay.anomalies.detect import TOLD, evidence, pieces
from avl_relay.anomalies.features import Moment, Reason, reason
from avl_relay.anomalies.habits import DAY

#: Days of accounts that are learned from: at least, before it judges at all; and at most.
LEAST, MOST = 1000, 8192
#: Trees, and days that each is made of: few, or the days of one attack would make a place where others are usual.
TREES, SAMPLES = 200, 128
#: Of how many of the strongest pieces of evidence sums are made, beside that of all.
STRONGEST = (3, 4, 5)
#: The score beyond which a moment is an alarm: chosen on one half of a labelled corpus (interop/bench/anomalies).
LIMIT = 0.683


class Lacking(Exception):
    """scikit-learn is not installed; the text says what to do."""


class Days:
    """The most unusual moment of each account's days, as evidence; the oldest give way."""

    def __init__(self) -> None:
        self._days: OrderedDict[tuple[str, int], tuple[float, ...]] = OrderedDict()

    def __len__(self) -> int:
        """How many."""
        return len(self._days)

    def add(self, moment: Moment) -> None:
        """One more moment."""
        key, found = (moment.account, int(moment.at // DAY)), evidence(moment)
        if sum(found) >= sum(self._days.get(key, ())):
            self._days[key] = found
            while len(self._days) > MOST:
                self._days.popitem(last=False)

    def rows(self) -> list[tuple[float, ...]]:
        """All."""
        return list(self._days.values())


def sums(found: Sequence[float]) -> list[float]:
    """What the forest is given of a moment's evidence."""
    strongest = sorted(pieces(found), reverse=True)
    return [*(sum(strongest[:count]) for count in STRONGEST), sum(strongest)]


class Forest:
    """Made of days (`fit`); it blocks for as long as that takes, seconds at most. Raises Lacking."""

    name = "forest"

    def __init__(self, rows: Sequence[Sequence[float]], *, limit: float = LIMIT, seed: int = 1) -> None:
        try:
            from sklearn.ensemble import IsolationForest
        except ImportError:
            raise Lacking("the forest needs scikit-learn: pip install 'avl[relay,anomalies]'") from None
        self._limit = limit
        made: Any = IsolationForest(n_estimators=TREES, max_samples=min(SAMPLES, len(rows)), random_state=seed)
        self._forest: Any = made.fit([sums(row) for row in rows])

    @property
    def limit(self) -> float:
        """See Detector."""
        return self._limit

    def scores(self, moments: Sequence[Moment]) -> Sequence[float]:
        """See Detector."""
        return self._scores([evidence(moment) for moment in moments])

    def reasons(self, moment: Moment) -> tuple[Reason, ...]:
        """See Detector: the features without which it would be least unusual first; of those that make no difference
        by themselves, since there is so much else, the strongest."""
        found = evidence(moment)
        some = [at for at, one in enumerate(found) if one > 0]
        without = [[0.0 if at == left_out else one for at, one in enumerate(found)] for left_out in some]
        order = sorted(zip(self._scores(without), some, strict=True), key=lambda one: (one[0], -found[one[1]]))
        return tuple(reason(moment, at) for _, at in order[:TOLD])

    def _scores(self, rows: Sequence[Sequence[float]]) -> list[float]:
        if not rows:
            return []
        given = [tuple(sums(row)) for row in rows]
        different = list(dict.fromkeys(given))  # most moments are as usual as can be
        scores = dict(zip(different, self._forest.score_samples(different), strict=True))
        return [-float(scores[one]) for one in given]
