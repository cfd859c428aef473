"""Rights at a host: its owner, what the owner has signed, and what follows for sessions (spec 11)."""
