"""Settings of a host: all of them with their reasons."""
