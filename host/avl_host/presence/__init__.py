"""Presence: the person at this host, who is asked, sees who is here, and ends it (spec 06-security, 6.6; 11, 11.5)."""
