"""What a signed-in program is: its sign-in, its person's key, the relay's API, and names in place of targets."""
