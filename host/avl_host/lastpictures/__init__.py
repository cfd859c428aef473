"""Last pictures: a small picture of the desktop now and then, for those who may look at it anyhow."""
