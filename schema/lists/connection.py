"""Relay connections: how a page of rows is shown, and `connection`, which gives a field its arguments and its page."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from schema.context import Info
from schema.declarations import Declaration, Kind, argument, call, field, key, keyword_parameter, resolved
from schema.lists.cursors import DEFAULT_PAGE, LARGEST_PAGE, Listing, Page, Slice
from schema.lists.pagination import PageRequest, pages, totals

T = TypeVar("T")
SIZES = f"from 0 to {LARGEST_PAGE}"
PAGE_ARGUMENTS = {
    "first": (int, f"Number of entries from the start, {SIZES}; {DEFAULT_PAGE} if neither first nor last is given."),
    "after": (str, "Cursor to start after: an edge's cursor or pageInfo's endCursor."),
    "last": (int, f"Number of entries from the end, {SIZES}."),
    "before": (str, "Cursor to stop before: an edge's cursor or pageInfo's startCursor."),
}


def connection(
    type_: object,
    listing: Callable[..., Awaitable[Listing]],
    *,
    under: str | None = None,
    by: str = "slug",
    description: str,
) -> Any:
    """A page of a listing, or of its rows `under` the column that holds the parent's key `by`.

    The arguments are those of the listing (filter, search, orderBy) and first, after, last and before.
    """
    # Like mutations and subscriptions a coroutine of its own: making a listing may search or resolve references.
    make, parent = call(listing, 1), key(by)
    declaration = Declaration(
        kind=Kind.CONNECTION,
        needs=(pages,),
        by=(parent,),
        function=make,
        under=under,
        sized_by=("first", "last"),
        largest=LARGEST_PAGE,
        usual=DEFAULT_PAGE,
    )

    async def resolve(root: object, info: Info, **given: Any) -> object:
        made = await make(info.context, **given)
        return await info.context.load(pages, page_request(declaration, made, root, given))

    paging = [
        keyword_parameter(name, Annotated[kind | None, argument(words)], None)
        for name, (kind, words) in PAGE_ARGUMENTS.items()
    ]
    return resolved(resolve, [*make.parameters, *paging], declaration, type_, description)


def page_request(declaration: Declaration, listing: Listing, row: Any, given: Mapping[str, Any]) -> PageRequest:
    """The page that a connection's arguments ask for, below a row. Raises a ClientError."""
    page = Page.of(*(given.get(name) for name in PAGE_ARGUMENTS))
    return PageRequest(listing, page, declaration.under, declaration.by[0](row) if declaration.under else None)


@strawberry.type(description="Where a page is in its list.")
class PageInfo:
    @field()
    @staticmethod
    def has_next_page(page: Slice[object]) -> bool:
        """Whether there are entries after this page."""
        return page.has_next

    @field()
    @staticmethod
    def has_previous_page(page: Slice[object]) -> bool:
        """Whether there are entries before this page."""
        return page.has_previous

    @field()
    @staticmethod
    def start_cursor(page: Slice[object]) -> str | None:
        """Cursor of the first edge, for `before`; null on an empty page."""
        return page.cursor(page.rows[0]) if page.rows else None

    @field()
    @staticmethod
    def end_cursor(page: Slice[object]) -> str | None:
        """Cursor of the last edge, for `after`; null on an empty page."""
        return page.cursor(page.rows[-1]) if page.rows else None


@dataclass(slots=True)
class EdgeRow(Generic[T]):
    """A row and the page it is on."""

    row: T
    page: Slice[T]


@strawberry.type(description="An entry of a list, with its cursor.")
class Edge(Generic[T]):
    @field()
    @staticmethod
    def node(edge: EdgeRow[T]) -> T:
        """The entry."""
        return edge.row

    @field()
    @staticmethod
    def cursor(edge: EdgeRow[object]) -> str:
        """Opaque position of the entry, for `after` or `before`."""
        return edge.page.cursor(edge.row)


@strawberry.type(description="One page of a list.")
class Connection(Generic[T]):
    @field(list[Edge[T]], largest=LARGEST_PAGE, counted_above=True)
    @staticmethod
    def edges(page: Slice[object]) -> Sequence[EdgeRow[object]]:
        """The entries of the page with their cursors."""
        return [EdgeRow(row, page) for row in page.rows]

    @field(list[T], largest=LARGEST_PAGE, counted_above=True)
    @staticmethod
    def nodes(page: Slice[object]) -> Sequence[object]:
        """The entries of the page, without cursors."""
        return page.rows

    @field(PageInfo, once=True)
    @staticmethod
    def page_info(page: Slice[object]) -> Slice[object]:
        """Where this page is in the list."""
        return page

    @field(needs=totals, by=lambda page: (page.listing, page.parent) if page.total is None else None)
    @staticmethod
    def total_count(page: Slice[object], counted: int | None) -> int:
        """Number of entries in the whole list; counted only if requested."""
        return counted or page.total or 0
