"""The instruments of the benchmarks: what is shown on one display, and what is read off the other."""
