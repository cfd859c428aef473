"""Layer 1, bytes: no state, no time, no keys."""
