"""Files on a disk, and the work on them on threads of their own (spec 15)."""
