"""Files: what travels of them, without a disk and without a network (spec 15)."""
