"""Batch functions that read pages: one listing, the same listing under many parents, or one ranked by relevance."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy import Select, SQLColumnExpression

from schema.context import Context
from schema.errors import ClientError
from schema.kept import by_revision
from schema.lists.cursors import Listing, Page, Slice, cut_page, decode, encode, limits, name_of

Total: TypeAlias = tuple[Listing, tuple[str, Any] | None]
"""A listing, with the column and value that tie it to its parent."""


@dataclass(frozen=True)
class PageRequest:
    """A page of a listing, or of the rows of a listing under one parent."""

    listing: Listing
    page: Page
    under: str | None = None
    """Column that names the parent."""
    parent: Any = None


@by_revision
async def pages(context: Context, requests: Sequence[PageRequest]) -> list[Slice[Any] | ClientError]:
    """The page of each request: one statement for all parents of the same listing, two if it is ranked."""
    groups: dict[tuple[Listing, Page, str | None], list[Any]] = defaultdict(list)
    for request in requests:
        groups[request.listing, request.page, request.under].append(request.parent)
    answers: dict[PageRequest, Slice[Any] | ClientError] = {}
    for (listing, page, under), parents in groups.items():
        try:
            found: Mapping[Any, Any] = await _pages(context, listing, page, under, parents)
        except ClientError as error:
            # A bad cursor fails the fields that hold it, not everything that is loaded with them.
            found = dict.fromkeys(parents, error)
        answers.update({PageRequest(listing, page, under, parent): found[parent] for parent in parents})
    return [answers[request] for request in requests]


async def _pages(
    context: Context, listing: Listing, page: Page, under: str | None, parents: Sequence[Any]
) -> dict[Any, Slice[Any]]:
    if listing.ranking is not None:
        return await _ranked_pages(context, listing, page, under, parents)
    wanted = (*listing.conditions, *limits(listing, page))
    if under is None:
        ordered = sa.select(listing.table).where(*wanted).order_by(*listing.order.by(page.backward))
        return {None: cut_page(listing, page, await context.rows(ordered.limit(page.size + 1)))}
    column = column_of(listing, under)
    place = sa.func.row_number().over(partition_by=column, order_by=listing.order.by(page.backward))
    inner = sa.select(listing.table, place.label("place")).where(column.in_(parents), *wanted).subquery()
    statement: Select[Any] = (
        sa.select(inner).where(inner.c.place <= page.size + 1).order_by(inner.c[under], inner.c.place)
    )
    rows: dict[Any, list[Any]] = defaultdict(list)
    for row in await context.tuples(statement):
        rows[getattr(row, under)].append(row)
    return {parent: cut_page(listing, page, rows[parent], (under, parent)) for parent in parents}


def column_of(listing: Listing, name: str) -> SQLColumnExpression[Any]:
    column: SQLColumnExpression[Any] = getattr(listing.table, name)
    return column


@by_revision
async def totals(context: Context, keys: Sequence[Total]) -> list[int]:
    """Number of rows in each listing, or in the part of it under a parent: one statement for all its parents."""
    groups: dict[tuple[Listing, str | None], list[Any]] = defaultdict(list)
    for listing, tie in keys:
        under, parent = tie or (None, None)
        groups[listing, under].append(parent)
    counts: dict[Total, int] = {}
    for (listing, under), parents in groups.items():
        if under is None:
            count = sa.select(sa.func.count()).select_from(listing.table).where(*listing.conditions)
            counts[listing, None] = await context.scalar(count) or 0
            continue
        column = column_of(listing, under)
        by_parent = sa.select(column, sa.func.count()).where(column.in_(parents), *listing.conditions).group_by(column)
        counts.update({(listing, (under, parent)): number for parent, number in await context.tuples(by_parent)})
    return [counts.get(key, 0) for key in keys]


async def _ranked_pages(
    context: Context, listing: Listing, page: Page, under: str | None, parents: Sequence[Any]
) -> dict[Any, Slice[Any]]:
    """Pages of a ranked listing: the database says which rows match, the ranking gives their order."""
    ranking, key = listing.ranking or {}, listing.order.key
    columns = [key] if under is None else [key, column_of(listing, under)]
    matching: Any = sa.select(*columns).where(context.among(key, ranking), *listing.conditions)
    if under is not None:
        matching = matching.where(columns[1].in_(parents))
    names: dict[Any, list[str]] = defaultdict(list)
    for row in await context.tuples(matching):
        names[None if under is None else row[1]].append(row[0])
    chosen: dict[Any, tuple[list[str], bool]] = {}
    for parent in parents:
        ordered = sorted(names[parent], key=lambda name: (-ranking[name], name))
        inside = [name for name in ordered if _between(listing, page, ranking[name], name)]
        cut = inside[-page.size :] if page.backward and page.size else inside[: page.size]
        chosen[parent] = cut, len(inside) > page.size
    wanted = [name for cut, _ in chosen.values() for name in cut]
    rows = await context.tuples(sa.select(listing.table).where(key.in_(wanted))) if wanted else []
    by_name = {getattr(row, name_of(key)): row for row in rows}
    stamp = listing.stamp()

    def cursor(row: Any) -> str:
        name = getattr(row, name_of(key))
        return encode(stamp, ranking[name], name)

    return {
        parent: Slice(
            [by_name[name] for name in cut],
            cursor,
            has_next=page.before is not None if page.backward else more,
            has_previous=more if page.backward else page.after is not None,
            listing=listing,
            total=len(names[parent]),
            parent=None if under is None else (under, parent),
        )
        for parent, (cut, more) in chosen.items()
    }


def _between(listing: Listing, page: Page, score: float, name: str) -> bool:
    """Whether an entry lies after the one cursor and before the other."""
    place = (-score, name)
    for argument, cursor in (("after", page.after), ("before", page.before)):
        if cursor is not None:
            value, key = decode(listing, argument, cursor)
            mark = (-value, key)
            if (argument == "after" and place <= mark) or (argument == "before" and place >= mark):
                return False
    return True
