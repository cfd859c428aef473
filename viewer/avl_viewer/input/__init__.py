"""Input of a person in the window: keys, pointer and wheel become input events."""
