"""Storey 4, the only I/O here: sockets, timers, clock and entropy."""
