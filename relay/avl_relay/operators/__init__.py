"""For operators: figures, health, status, logs, and the service as the system's manager sees it."""
