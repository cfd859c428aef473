"""Files: senders and receivers joined without a network, and their rules."""
