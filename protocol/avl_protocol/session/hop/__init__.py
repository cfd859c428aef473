"""Hops: both ends of the control stream between two neighbours, a program and its relay or a viewer and its host."""
