"""Control: the part of a relay that knows people, beside the part that forwards, which never waits for it."""
