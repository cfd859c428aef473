"""Data plane: splices streams and fans media out; never imports http."""
