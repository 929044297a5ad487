"""Revisions: the states the registry went through."""

from strawberry import auto

from schema import tables
from schema.mapping import of


@of(tables.Revision)
class Revision:
    number: auto
    created_at: auto
    change_count: auto
