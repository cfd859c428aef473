"""Layer 2, media: frames become objects and datagrams, and frames again."""
