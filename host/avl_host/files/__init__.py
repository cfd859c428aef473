"""Files of a host: which folders it shares, and how (spec 15, 15.2)."""
