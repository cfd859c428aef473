"""Permitted: what people may at devices as far as a relay knows it, by which rule, and what a change would do."""
