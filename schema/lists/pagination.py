"""Batch functions that read pages: one listing, the same listing under many parents, or one ranked by relevance."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa

from schema.cache import by_revision
from schema.context import Context
from schema.errors import ClientError
from schema.lists.cursors import Listing, Page, Slice, Tie, attribute, cut_page, decode, limits

Total: TypeAlias = tuple[Listing, Tie | None]
"""A listing, or its part under a parent."""


@dataclass(frozen=True)
class PageRequest:
    """A page of a listing, or of the rows of a listing under one parent."""

    listing: Listing
    page: Page
    under: str | None = None
    """Column that names the parent."""
    parent: object = None


@by_revision
async def pages(context: Context, requests: Sequence[PageRequest]) -> list[Slice[object] | ClientError]:
    """The page of each request: one statement for all parents of the same listing, two if it is ranked."""
    groups: dict[tuple[Listing, Page, str | None], list[object]] = defaultdict(list)
    for request in requests:
        groups[request.listing, request.page, request.under].append(request.parent)
    answers: dict[PageRequest, Slice[object] | ClientError] = {}
    for (listing, page, under), parents in groups.items():
        read = _pages if listing.ranking is None else _ranked_pages
        try:
            found: Mapping[Any, Slice[object] | ClientError] = await read(context, listing, page, under, parents)
        except ClientError as error:
            # A bad cursor fails the fields that hold it, not everything that is loaded with them.
            found = dict.fromkeys(parents, error)
        answers.update({PageRequest(listing, page, under, parent): found[parent] for parent in parents})
    return [answers[request] for request in requests]


async def _pages(
    context: Context, listing: Listing, page: Page, under: str | None, parents: Sequence[object]
) -> dict[object, Slice[object]]:
    wanted = (*listing.conditions, *limits(listing, page))
    order = listing.order.by(page.backward)
    if under is None:
        statement = sa.select(listing.table).where(*wanted).order_by(*order).limit(page.size + 1)
        return {None: cut_page(listing, page, await context.rows(statement))}
    column = listing.column(under)
    place = sa.func.row_number().over(partition_by=column, order_by=order).label("place")
    inner = sa.select(listing.table, place).where(column.in_(parents), *wanted).subquery()
    numbered = sa.select(inner).where(inner.c.place <= page.size + 1).order_by(inner.c[under], inner.c.place)
    rows: dict[object, list[object]] = defaultdict(list)
    for row in await context.tuples(numbered):
        rows[getattr(row, under)].append(row)
    return {parent: cut_page(listing, page, rows[parent], (under, parent)) for parent in parents}


async def _ranked_pages(
    context: Context, listing: Listing, page: Page, under: str | None, parents: Sequence[object]
) -> dict[object, Slice[object]]:
    """Pages of a ranked listing: the database says which rows match, the ranking gives their order."""
    ranking, key = listing.ranking or {}, listing.order.key
    parent_column = sa.null() if under is None else listing.column(under)
    matching = sa.select(key, parent_column).where(context.among(key, ranking), *listing.conditions)
    if under is not None:
        matching = matching.where(parent_column.in_(parents))
    # An entry's place, the highest score first: a score of 93.2 for openai/gpt-4.1 -> (-93.2, "openai/gpt-4.1")
    places: dict[object, list[tuple[float, str]]] = defaultdict(list)
    for name, parent in await context.tuples(matching):
        places[parent].append((-ranking[name], name))
    after, before = (
        None if cursor is None or not places else _place(*decode(listing, name, cursor))
        for name, cursor in (("after", page.after), ("before", page.before))
    )
    chosen: dict[object, list[str]] = {}
    for parent in parents:
        between = [
            place
            for place in sorted(places[parent], reverse=page.backward)
            if (after is None or place > after) and (before is None or place < before)
        ]
        chosen[parent] = [name for _, name in between[: page.size + 1]]
    wanted = [name for names in chosen.values() for name in names]
    rows = await context.tuples(sa.select(listing.table).where(key.in_(wanted))) if wanted else []
    by_name = {getattr(row, attribute(key).key): row for row in rows}
    return {
        parent: cut_page(
            listing,
            page,
            [by_name[name] for name in names],
            None if under is None else (under, parent),
            total=len(places[parent]),
        )
        for parent, names in chosen.items()
    }


def _place(score: float, name: str) -> tuple[float, str]:
    return -score, name


@by_revision
async def totals(context: Context, keys: Sequence[Total]) -> list[int]:
    """Number of rows in each listing, or in the part of it under a parent: one statement for all its parents."""
    groups: dict[tuple[Listing, str | None], list[object]] = defaultdict(list)
    for listing, tie in keys:
        under, parent = tie or (None, None)
        groups[listing, under].append(parent)
    counts: dict[Total, int] = {}
    for (listing, under), parents in groups.items():
        if under is None:
            count = sa.select(sa.func.count()).select_from(listing.table).where(*listing.conditions)
            counts[listing, None] = await context.scalar(count) or 0
            continue
        column = listing.column(under)
        by_parent = sa.select(column, sa.func.count()).where(column.in_(parents), *listing.conditions).group_by(column)
        counts.update({(listing, (under, parent)): number for parent, number in await context.tuples(by_parent)})
    return [counts.get(key, 0) for key in keys]
