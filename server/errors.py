"""Errors of the process; schema/errors.py draws the family."""

from schema.errors import ModelMetaError


class OperatorError(ModelMetaError):
    """The setup is wrong. The message says what is wrong and how to fix it; the program exits with code 2."""


class RefreshError(ModelMetaError):
    """The refresh process failed; the message holds what it printed."""


class RefreshRunningError(ModelMetaError):
    """Another process holds the refresh lock."""
