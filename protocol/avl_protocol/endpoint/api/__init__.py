"""Programs as clients of a relay's API: the way there, and what goes wrong on it."""
