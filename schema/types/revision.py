"""Revisions: the states the registry went through."""

from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import Parent, auto, lazy

from schema import tables
from schema.context import Info
from schema.declarations import of
from schema.lists.connection import After, Before, Connection, First, Last
from schema.lists.cursors import Page, Slice
from schema.lists.listings import change_listing
from schema.lists.pagination import Nested, nested_pages

if TYPE_CHECKING:
    from schema.types.change import Change


@of(tables.Revision)
class Revision:
    number: auto
    created_at: auto
    change_count: auto

    @strawberry.field(
        graphql_type=Connection[Annotated["Change", lazy("schema.types.change")]],
        description="What it changed against the revision before, the latest found first.",
    )
    @staticmethod
    async def changes(
        revision: Parent[tables.Revision],
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Slice[tables.Change]:
        listing = await change_listing(info.context, None)
        nested = Nested(listing, Page.of(first, after, last, before), "revision_number")
        return await info.context.load(nested_pages, (revision.number, nested))
