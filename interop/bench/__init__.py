"""Benchmarks, each a module that `./dev bench NAME` runs; `rig` holds the instruments they share."""
