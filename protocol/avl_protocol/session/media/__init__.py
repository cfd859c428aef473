"""Media of one session: objects sealed and sent, received and opened, and chosen for each subscriber."""
