"""Storey 2, which way: directly or through a relay (spec 08-paths)."""
