"""Storey 3, QUIC as a sans-IO transport over aioquic."""
