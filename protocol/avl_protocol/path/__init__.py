"""Layer 2, paths: candidates, punching, and the choice between direct paths and relays (spec 08-paths)."""
