"""What the command lines of host, relay and viewer have in common: the library beside them knows no terminal."""
