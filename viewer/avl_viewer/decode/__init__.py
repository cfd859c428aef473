"""Frames into pictures."""
