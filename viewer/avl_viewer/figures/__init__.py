"""Figures of a session: what statistics, overlay and tests read."""
