"""Layer 3, sessions: state machines. Bytes and `now` go in; bytes and events come out."""
