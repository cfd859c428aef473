"""Audit of a host: its own log of who was there and by what right, which can be compared with a relay's (spec 14)."""
