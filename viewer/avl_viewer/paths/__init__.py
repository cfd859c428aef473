"""Paths of a viewer's session: found, compared, taken and given up."""
