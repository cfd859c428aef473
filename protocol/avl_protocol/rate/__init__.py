"""Layer 2, rate: how much a hop may send."""
