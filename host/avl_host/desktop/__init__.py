"""What a desktop has besides pictures and input: its clipboard and its pointer's shape."""
