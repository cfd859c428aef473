"""Settings of a viewer: all of them with their reasons."""
