"""Presenting: the window, its panels, and the presenter without a screen."""
