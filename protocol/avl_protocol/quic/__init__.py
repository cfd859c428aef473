"""Layer 3, QUIC: a sans-IO transport over aioquic."""
