"""A path: what the choice among paths goes by."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from avl_protocol.path.selector import PathFigures, PathKind, Selector
from avl_protocol.session.hop.client import HopClientSettings, HopClientState
from avl_protocol.wire.registry import Role
from avl_viewer.paths.path import Path


def opened(monkeypatch: pytest.MonkeyPatch, *, direct: bool, rtt: float | None, latest: float | None) -> Path:
    """A path that is up, with these samples of its round trip."""
    path = Path(HopClientSettings(role=Role.VIEWER, software="test", pin=None), None)
    state = SimpleNamespace(loss=0.0)
    carrier = SimpleNamespace(rtt=rtt, latest_rtt=latest, rate_state=lambda now: state, reliable_datagrams=False)
    monkeypatch.setattr(path, "hop", SimpleNamespace(state=HopClientState.UP, at_device=direct, carrier=carrier))
    return path


def test_a_slow_handshake_does_not_keep_a_session_from_the_direct_way(monkeypatch: pytest.MonkeyPatch) -> None:
    relay = opened(monkeypatch, direct=False, rtt=0.003, latest=0.003)
    direct = opened(monkeypatch, direct=True, rtt=0.094, latest=0.007)
    figures = [
        PathFigures(name=s.name, kind=s.kind, rtt=s.rtt, loss=s.loss, silent=False)
        for s in (relay.state(0.0), direct.state(0.0))
    ]
    assert direct.kind is PathKind.DIRECT and direct.rtt == 0.094
    assert Selector().choose(relay, figures, 0.0) is direct


@pytest.mark.parametrize(("rtt", "latest", "least"), [(None, None, None), (0.02, None, 0.02), (0.02, 0.3, 0.02)])
def test_a_path_is_weighed_by_the_smoothed_round_trip_or_the_last_sample(
    monkeypatch: pytest.MonkeyPatch, rtt: float | None, latest: float | None, least: float | None
) -> None:
    """R-PATH-81."""
    assert opened(monkeypatch, direct=True, rtt=rtt, latest=latest).state(0.0).rtt == least
