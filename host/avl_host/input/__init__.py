"""The viewer's hands."""
