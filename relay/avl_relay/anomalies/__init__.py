"""Anomalies of a relay: what its people and devices do not usually do, each told with its reasons in words."""
