"""Pictures into frames."""
