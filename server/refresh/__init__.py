"""Scheduled refreshes, each in a process of its own."""
