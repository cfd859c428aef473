"""Storey 2, how much to send."""
