"""Input of one session: what a viewer sends, what came to nothing, and what a host lets through to its desktop."""
