"""The migrations, each once."""
