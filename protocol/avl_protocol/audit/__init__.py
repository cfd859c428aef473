"""Audit: a log of what happened that can be proved: to hold what it held, and to have lost nothing (spec 14)."""
