"""Addresses: which ones this machine has, where it is seen, and when either changes."""
