"""Accepting: what a server answers before it keeps anything for a stranger, and how much each source may have."""
