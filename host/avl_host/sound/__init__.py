"""The host's sound: taken where it plays, encoded, and microphones of viewers played into a virtual one."""
