"""Connections after Relay's specification: how a page of rows is presented."""

from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import strawberry
from strawberry import Parent

from schema.lists.cursors import Slice

T = TypeVar("T")

Search = Annotated[
    str | None,
    strawberry.argument(
        description="Words to look for in names, ids, families, providers and descriptions; slips are forgiven."
    ),
]
First = Annotated[
    int | None,
    strawberry.argument(description="Number of entries from the start, 100 at most; 20 when nothing is given."),
]
After = Annotated[str | None, strawberry.argument(description="Cursor to start after.")]
Last = Annotated[int | None, strawberry.argument(description="Number of entries from the end, 100 at most.")]
Before = Annotated[str | None, strawberry.argument(description="Cursor to end before.")]


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    @strawberry.field(description="Whether more follows this page.")
    @staticmethod
    def has_next_page(page: Parent[Slice[Any]]) -> bool:
        return page.has_next

    @strawberry.field(description="Whether something comes before this page.")
    @staticmethod
    def has_previous_page(page: Parent[Slice[Any]]) -> bool:
        return page.has_previous

    @strawberry.field(description="Cursor of the first edge; null on an empty page.")
    @staticmethod
    def start_cursor(page: Parent[Slice[Any]]) -> str | None:
        return page.cursor(page.rows[0]) if page.rows else None

    @strawberry.field(description="Cursor of the last edge, to give as after; null on an empty page.")
    @staticmethod
    def end_cursor(page: Parent[Slice[Any]]) -> str | None:
        return page.cursor(page.rows[-1]) if page.rows else None


@dataclass(slots=True)
class Placed(Generic[T]):
    """A row with the page it stands on."""

    row: T
    page: Slice[T]


@strawberry.type(description="An entry of a page, with the cursor that marks its place.")
class Edge(Generic[T]):
    @strawberry.field(description="The entry itself.")
    @staticmethod
    def node(placed: Parent[Placed[Any]]) -> T:
        row: T = placed.row
        return row

    @strawberry.field(description="Marks this place: give it as after or before to go on from here.")
    @staticmethod
    def cursor(placed: Parent[Placed[Any]]) -> str:
        return placed.page.cursor(placed.row)


@strawberry.type(description="One page of a list.")
class Connection(Generic[T]):
    @strawberry.field(graphql_type=list[Edge[T]], description="The entries with their cursors.")
    @staticmethod
    def edges(page: Parent[Slice[Any]]) -> Any:
        return [Placed(row, page) for row in page.rows]

    @strawberry.field(description="The entries, for those who need no cursors.")
    @staticmethod
    def nodes(page: Parent[Slice[Any]]) -> list[T]:
        return list(page.rows)

    @strawberry.field(graphql_type=PageInfo, description="Where this page stands in the list.")
    @staticmethod
    def page_info(page: Parent[Slice[Any]]) -> Any:
        return page

    @strawberry.field(description="Number of entries in the whole list. Counted only when asked for.")
    @staticmethod
    async def total_count(page: Parent[Slice[Any]]) -> int:
        return await page.count()
