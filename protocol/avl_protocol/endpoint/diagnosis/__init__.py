"""Diagnosis: what a network allows, measured together with a relay, and what a person can do about it."""
