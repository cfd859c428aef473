"""Storey 2, end-to-end keys: the relay forwards what it cannot read."""
