"""Compiled documents: `compile.py` turns an operation into a plan, `run.py` runs it a level at a time."""
