"""Storey 3: state machines. Bytes and `now` go in; bytes and events come out."""
