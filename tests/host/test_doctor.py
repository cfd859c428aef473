"""What the doctor says of machines that lack something."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from avl_host.doctor import check
from avl_protocol.endpoint.diagnosis.finding import report
from tests.host.conftest import XServer


@pytest.mark.display
def test_a_whole_machine(xvfb: XServer) -> None:
    findings = check(xvfb.display, {})
    assert all(finding.ok for finding in findings), report(findings)
    assert "640x480" in report(findings)


def test_no_display() -> None:
    findings = check(None, {})
    assert [finding.subject for finding in findings if not finding.ok] == ["display"]
    assert "--display :0" in report(findings)
    assert "--source pattern" in report(findings)


def test_wayland_is_named() -> None:
    findings = check(None, {"XDG_SESSION_TYPE": "wayland"})
    assert "Wayland" in report(findings)
    assert "Xorg" in report(findings)


def test_a_display_that_does_not_answer() -> None:
    findings = check(":998", {})
    assert "MISS display: No X server answers at :998" in report(findings)


@pytest.mark.display
def test_missing_extensions_and_a_shallow_screen(own_xvfb: Callable[..., XServer]) -> None:
    server = own_xvfb(320, 240, 16, "-extension", "DAMAGE", "-extension", "XTEST")
    missing = {finding.subject for finding in check(server.display, {}) if not finding.ok}
    assert missing == {"display", "DAMAGE", "XTEST"}
    assert f"Xvfb {server.display} -noreset -screen 0 320x240x24" in report(check(server.display, {}))
