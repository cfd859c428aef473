"""The carrier's contract: what sessions need of a connection and every carrier keeps, stated here alone."""
