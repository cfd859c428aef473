"""TCP: the WebSocket carrier on TLS, for hosts and viewers whose UDP is blocked."""
