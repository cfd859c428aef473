"""Input that is applied to the desktop: keys and pointer, by XTEST or pynput."""
