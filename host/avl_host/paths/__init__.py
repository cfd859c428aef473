"""Paths to this host: its registrations at relays, and direct paths."""
