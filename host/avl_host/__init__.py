"""The machine that is watched."""
