"""Publishing: tracks sealed once and uploaded on every path that carries pictures."""
