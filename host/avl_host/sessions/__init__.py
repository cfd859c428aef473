"""Sessions of this host: who is admitted, who is here, and what follows when a viewer leaves."""
