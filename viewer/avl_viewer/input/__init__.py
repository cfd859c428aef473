"""The person's hands."""
