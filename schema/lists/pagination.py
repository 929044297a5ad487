"""Reads pages: one listing, the same listing below many parents, or one ranked by relevance."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Select, SQLColumnExpression

from schema.context import Context
from schema.errors import BAD_CURSOR, ClientError
from schema.lists.cursors import Listing, Page, Slice, cut_page, decode, encode, limits, name_of


async def page(context: Context, listing: Listing, page: Page) -> Slice[Any]:
    """One page of a listing, in one statement; in two where it is ranked."""
    if listing.ranking is not None:
        return (await _ranked_pages(context, listing, page, None, [None]))[None]
    statement: Select[Any] = (
        sa.select(listing.table)
        .where(*listing.conditions, *limits(listing, page))
        .order_by(*listing.order.by(page.backward))
        .limit(page.size + 1)
    )

    async def count() -> int:
        return await context.load(count_listing, listing)

    return cut_page(listing, page, await context.rows(statement), count)


async def count_listing(context: Context, listings: Sequence[Listing]) -> list[int]:
    """Number of rows in each listing."""
    return [
        await context.scalar(sa.select(sa.func.count()).select_from(each.table).where(*each.conditions)) or 0
        for each in listings
    ]


async def nested_pages(context: Context, keys: Sequence[tuple[Any, "Nested"]]) -> list[Slice[Any]]:
    """One page of the same listing below each of many parents, in one statement for each distinct request."""
    groups: dict[Nested, list[Any]] = defaultdict(list)
    for parent, nested in keys:
        groups[nested].append(parent)
    answers: dict[tuple[Any, Nested], Slice[Any]] = {}
    for nested, parents in groups.items():
        listing, page, column = nested.listing, nested.page, nested.column
        if listing.ranking is not None:
            ranked = await _ranked_pages(context, listing, page, column, parents)
            answers.update({(parent, nested): ranked[parent] for parent in parents})
            continue
        place = sa.func.row_number().over(partition_by=column, order_by=listing.order.by(page.backward))
        inner = (
            sa.select(listing.table, place.label("place"))
            .where(column.in_(parents), *listing.conditions, *limits(listing, page))
            .subquery()
        )
        statement: Select[Any] = (
            sa.select(inner).where(inner.c.place <= page.size + 1).order_by(inner.c[nested.parent], inner.c.place)
        )
        found: Mapping[Any, list[Any]] = defaultdict(list)
        for row in await context.tuples(statement):
            found[getattr(row, nested.parent)].append(row)
        for parent in parents:
            count = _counter(context, nested, parent)
            answers[parent, nested] = cut_page(listing, page, found[parent], count, (nested.parent, parent))
    return [answers[key] for key in keys]


async def _ranked_pages(
    context: Context, listing: Listing, page: Page, parent: SQLColumnExpression[Any] | None, parents: Sequence[Any]
) -> dict[Any, Slice[Any]]:
    """Pages of a ranked listing: which rows fit is asked of the database, their order is the ranking's."""
    ranking, key = listing.ranking or {}, listing.order.key
    columns = [key] if parent is None else [key, parent]
    fitting: Any = sa.select(*columns).where(context.among(key, ranking), *listing.conditions)
    if parent is not None:
        fitting = fitting.where(parent.in_(parents))
    keys: dict[Any, list[str]] = defaultdict(list)
    for row in await context.tuples(fitting):
        keys[None if parent is None else row[1]].append(row[0])
    chosen: dict[Any, tuple[list[str], bool, int]] = {}
    for each in parents:
        everything = sorted(keys[each], key=lambda name: (-ranking[name], name))
        inside = [name for name in everything if _between(listing, page, ranking[name], name)]
        cut = inside[-page.size :] if page.backward and page.size else inside[: page.size]
        chosen[each] = (cut, len(inside) > page.size, len(everything))
    wanted = [name for cut, _, _ in chosen.values() for name in cut]
    rows = await context.tuples(sa.select(listing.table).where(key.in_(wanted))) if wanted else []
    by_key = {getattr(row, name_of(key)): row for row in rows}
    return {
        each: _ranked_slice(
            listing,
            page,
            [by_key[name] for name in cut],
            more,
            total,
            None if parent is None else (name_of(parent), each),
        )
        for each, (cut, more, total) in chosen.items()
    }


def _between(listing: Listing, page: Page, score: float, name: str) -> bool:
    place = (-score, name)
    for argument, cursor in (("after", page.after), ("before", page.before)):
        if cursor is not None:
            value, key = decode(listing, argument, cursor)
            if not isinstance(value, (int, float)) or not isinstance(key, str):
                raise ClientError(
                    f"{argument} is no cursor of this API. Use an edge's cursor, or pageInfo's.", BAD_CURSOR
                )
            mark = (-float(value), key)
            if (argument == "after" and place <= mark) or (argument == "before" and place >= mark):
                return False
    return True


def _ranked_slice(
    listing: Listing, page: Page, rows: list[Any], more: bool, total: int, parent: tuple[str, Any] | None
) -> Slice[Any]:
    ranking, stamp, name = listing.ranking or {}, listing.stamp(), name_of(listing.order.key)

    async def count() -> int:
        return total

    return Slice(
        rows,
        lambda row: encode(stamp, ranking[getattr(row, name)], getattr(row, name)),
        has_next=page.before is not None if page.backward else more,
        has_previous=more if page.backward else page.after is not None,
        count=count,
        listing=listing,
        parent=parent,
    )


@dataclass(frozen=True)
class Nested:
    """A page of a listing below some parent."""

    listing: Listing
    page: Page
    parent: str
    """Column that names the parent."""

    @property
    def column(self) -> SQLColumnExpression[Any]:
        found: SQLColumnExpression[Any] = getattr(self.listing.table, self.parent)
        return found


def _counter(context: Context, nested: Nested, parent: Any) -> Callable[[], Awaitable[int]]:
    async def count() -> int:
        return await context.load(nested_counts, (parent, nested))

    return count


async def nested_counts(context: Context, keys: Sequence[tuple[Any, Nested]]) -> list[int]:
    """Number of rows of a listing below each of many parents."""
    groups: dict[Nested, list[Any]] = defaultdict(list)
    for parent, nested in keys:
        groups[nested].append(parent)
    answers: dict[tuple[Any, Nested], int] = {}
    for nested, parents in groups.items():
        statement = (
            sa.select(nested.column, sa.func.count())
            .where(nested.column.in_(parents), *nested.listing.conditions)
            .group_by(nested.column)
        )
        for parent, number in await context.tuples(statement):
            answers[parent, nested] = number
    return [answers.get(key, 0) for key in keys]
