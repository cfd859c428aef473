"""Tones: played into a sink by a client of the sound server's own, and told in what a source of it gives."""

from __future__ import annotations

import queue
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import numpy as np

from avl_protocol.endpoint.sound.pulse import BLOCK, RATE, SAMPLES
from interop.soundserver import SoundServer

#: Seconds until a tone must be heard, and blocks in which its pitch is looked for.
PATIENCE, LOOKED_AT = 15.0, 10


def tone(frequency: float, channels: int = 2, seconds: float = BLOCK, start: int = 0) -> bytes:
    """Floats of a tone, from sample `start` on."""
    at = np.arange(start, start + round(seconds * RATE)) / RATE
    return np.repeat(0.5 * np.sin(2 * np.pi * frequency * at), channels).astype(np.float32).tobytes()


def pitch(samples: bytes, channels: int) -> float:
    """The loudest frequency, Hz; 0: silence."""
    heard = np.frombuffer(samples, np.float32).reshape(-1, channels)[:, 0]
    if np.abs(heard).max() < 0.02:
        return 0.0
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    return float(np.argmax(spectrum) * RATE / len(heard))


class Tone:
    """A program that plays a tone into a sink: a client of the server's own."""

    def __init__(self, server: SoundServer, sink: str, frequency: float) -> None:
        command = ["pacat", "--playback", f"--device={sink}", "--format=float32le", f"--rate={RATE}"]
        command += ["--channels=2", "--latency-msec=20"]
        self._process = subprocess.Popen(
            command, env=server.environment, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._samples = tone(frequency, seconds=1.0)
        self._feeder = threading.Thread(target=self._feed)
        self._feeder.start()

    def _feed(self) -> None:
        assert self._process.stdin is not None
        try:
            with self._process.stdin as stdin:
                while True:
                    stdin.write(self._samples)
        except BrokenPipeError:
            return

    def __enter__(self) -> Tone:
        return self

    def __exit__(self, *error: Any) -> None:
        self._process.kill()
        self._process.wait()
        self._feeder.join()


@contextmanager
def recorded(server: SoundServer, source: str, channels: int) -> Iterator[queue.SimpleQueue[bytes]]:
    """What a source of the server gives, 10 ms at a time."""
    command = ["parec", f"--device={source}", "--format=float32le", f"--rate={RATE}"]
    command += [f"--channels={channels}", "--latency-msec=10"]
    process = subprocess.Popen(command, env=server.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    blocks: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read() -> None:
        assert process.stdout is not None
        with process.stdout as stdout:
            while len(block := stdout.read(SAMPLES * channels * 4)) == SAMPLES * channels * 4:
                blocks.put(block)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield blocks
    finally:
        process.kill()
        process.wait()
        reader.join()


def until_heard(blocks: queue.SimpleQueue[bytes], frequency: float, channels: int = 2) -> None:
    """Wait until a tenth of a second is that tone, within 12 Hz. Raises AssertionError."""
    last: list[bytes] = []
    heard: list[float] = []
    end = monotonic() + PATIENCE
    while monotonic() < end:
        last = [*last[1 - LOOKED_AT :], blocks.get(timeout=PATIENCE)]
        if len(last) == LOOKED_AT:
            heard.append(pitch(b"".join(last), channels))
            if abs(heard[-1] - frequency) < 12:
                return
    raise AssertionError(f"heard {heard[-20:]} instead of {frequency} Hz")
