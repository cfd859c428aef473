"""Settings of a relay: all of them with their reasons, and how they change while it runs."""
