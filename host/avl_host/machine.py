"""This machine's real parts: display, keyboard, clipboard, encoder; and the person at it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from avl_host.agent import Parts
from avl_host.capture.source import CaptureSource
from avl_host.capture.sources import open_source
from avl_host.clipboard import open_clipboard
from avl_host.config import HostSettings
from avl_host.consent_dialog import DialogUnavailable, ask
from avl_host.encode.pipeline import Pipeline
from avl_host.encode.video import H264Encoder
from avl_host.encode.worker import Listener, ThreadWorker, Worker
from avl_host.input.sinks import open_sink
from avl_host.reception import Ask
from avl_protocol.endpoint.world import World
from avl_protocol.wire.registry import T_CONSENT, Permission


def open_parts(settings: HostSettings, world: World) -> Parts:
    """Open what the settings name. Raises SourceLost, SinkLost, ValueError with what to do. Call it on the event
    loop."""
    clock = world.clock.monotonic
    pattern = settings.source.startswith("pattern")
    source = open_source(settings.source, clock)
    sink = open_sink("recorder" if pattern else settings.source, asyncio.get_running_loop().call_later)

    def worker(source: CaptureSource, pipeline: Pipeline, listener: Listener, clock: Callable[[], float]) -> Worker:
        return ThreadWorker(source, pipeline, listener, clock)

    return Parts(
        source,
        sink,
        open_clipboard(settings.source),
        lambda wanted: H264Encoder(wanted, clock),
        worker,
        _asker(settings.source) if settings.ask_consent else None,
    )


def _asker(display: str) -> Ask:
    async def asks(device: str, name: str, wish: Permission) -> bool | None:
        what = "see this screen" if wish == Permission.VIEW else "see this screen, type and click"
        text = f"{name or 'Somebody'} ({device}) wants to {what}."
        try:
            return await asyncio.wait_for(ask(display, text, T_CONSENT), T_CONSENT + 5)
        except (DialogUnavailable, TimeoutError):
            return None

    return asks
