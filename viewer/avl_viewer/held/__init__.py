"""Held sessions: one program keeps a session, and the commands that follow act in it."""
