"""What a person is told while a session waits for a way to its host."""

from __future__ import annotations


def waiting_sentence(seconds: float, patience: float) -> str:
    """For how long nobody has answered, and for how long the session is kept."""
    return (
        f"Nobody answers since {_time(seconds)}: neither the host nor a relay. Trying again; the session is kept for "
        f"{_time(max(0.0, patience - seconds))} more, and what you type now is not sent late."
    )


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"
