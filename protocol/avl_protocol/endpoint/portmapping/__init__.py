"""Port mapping: an outside port from the router, by PCP, NAT-PMP or UPnP."""
