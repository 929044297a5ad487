"""Writes a merged registry to the database, and records what changed."""
