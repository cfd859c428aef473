"""`./dev bench unpack`: what exact pixels cost in Chromium."""
