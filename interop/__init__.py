"""Real programs on real sockets and displays: the demo, and benchmarks."""
