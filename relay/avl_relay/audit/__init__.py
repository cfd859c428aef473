"""Audit of a relay: what concerned security, told to one log that can be proved (spec 14)."""
