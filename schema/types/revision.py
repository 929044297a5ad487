"""Revisions: the states the registry has been in."""

from typing import TYPE_CHECKING, Annotated

from strawberry import auto, lazy

from schema import tables
from schema.declarations import of
from schema.lists.connection import Connection, connection
from schema.lists.listings import all_changes

if TYPE_CHECKING:
    from schema.types.change import Change


@of(tables.Revision)
class Revision:
    number: auto
    created_at: auto
    change_count: auto
    changes = connection(
        Connection[Annotated["Change", lazy("schema.types.change")]],
        all_changes,
        under="revision_number",
        by="number",
        description="What changed compared with the previous revision, newest first.",
    )
