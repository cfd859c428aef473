"""avl/1: what travels between host, relay and viewer, and the state machines that decide."""
