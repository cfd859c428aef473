"""A network in virtual time: programs run unmodified on a clock that jumps."""
