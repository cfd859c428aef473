"""Dialling: a connection to a name, by UDP or TCP, at whichever address answers first."""
