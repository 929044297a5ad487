"""How facts reach the registry: feeds, merging by trust, storing the difference."""
