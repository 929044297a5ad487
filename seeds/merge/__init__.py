"""Merges what all sources say into one registry. Pure: no network, no database."""
