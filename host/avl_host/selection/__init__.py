"""X11 selections: the protocol between the programs of a desktop by which one copies and another pastes (ICCCM 2)."""
