"""Layer 4, the only input and output: sockets, timers, clock and entropy."""
