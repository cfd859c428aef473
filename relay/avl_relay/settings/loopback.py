"""Loopback: whether an address to listen at is reached from this machine alone."""

from __future__ import annotations

import ipaddress


def is_private(host: str) -> bool:
    """Whether it is; of names only localhost is taken to be."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
