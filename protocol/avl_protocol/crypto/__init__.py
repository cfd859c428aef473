"""Layer 2, end-to-end keys: handshake, records, sealed objects. A relay has none of them."""
