"""The console: static files, a client of the JSON API and of nothing else. It stands in this package because a relay
without it would have to be looked into through its state; no Python is in it."""
