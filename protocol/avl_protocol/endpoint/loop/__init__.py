"""The event loop: clock and entropy, timers, drivers of state machines, and where unforeseen errors end."""
