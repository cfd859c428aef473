"""Codecs and hardware beside libx264."""
