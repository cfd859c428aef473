"""A running program on its machine: its state folder, and the commands of the same user that it answers."""
