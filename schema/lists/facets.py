"""Facets: how many models of a list have each value one can filter by, counted in one statement."""

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

import sqlalchemy as sa
import strawberry
from sqlalchemy import CTE, Select
from sqlmodel import col
from strawberry import UNSET

from schema import enums, tables
from schema.cache import by_revision
from schema.column_types import ExactDecimal
from schema.context import Context
from schema.lists.cursors import Listing, Tie
from schema.lists.filters import ModelFilter, conditions
from schema.lists.listings import Scope
from schema.tables import TraitKind

OWN = {
    "providers": "providers",
    "families": "families",
    "statuses": "statuses",
    "access_types": "access_types",
    "input_price": "max_input_price",
    "context_window": "min_context_window",
}
"""Facet -> the filter it is counted without. Facets of traits are counted under their own filter, which asks for all
of its values: the count of a value is the number of models left once it is added."""
TRAITS = {"capabilities": TraitKind.CAPABILITY, "input_modalities": TraitKind.INPUT_MODALITY}
Key: TypeAlias = tuple[str, Listing, Tie | None]
"""A facet, its list, and the column and value that tie the list to its parent."""


@strawberry.type(description="One value that models can be filtered by, and how many models have it.")
class Facet:
    value: str = strawberry.field(description="The value for the filter: a slug or an enum value.")
    label: str = strawberry.field(description="Display name of the value.")
    count: int = strawberry.field(description="Number of models with this value; at least 1.")


@strawberry.type(description="Smallest and largest amount; both are null if there are none.")
class DecimalRange:
    min: Decimal | None = strawberry.field(description="The smallest value.")
    max: Decimal | None = strawberry.field(description="The largest value.")


@strawberry.type(description="Smallest and largest number; both are null if there are none.")
class IntRange:
    min: int | None = strawberry.field(description="The smallest value.")
    max: int | None = strawberry.field(description="The largest value.")


Answer: TypeAlias = list[Facet] | DecimalRange | IntRange


@by_revision
async def facets(context: Context, keys: Sequence[Key]) -> list[Answer]:
    """Each facet: a list of Facet, or a range. One statement for all facets of a list under all its parents."""
    lists: dict[tuple[Listing, str | None], list[Key]] = defaultdict(list)
    for key in keys:
        _, listing, parent = key
        lists[listing, parent[0] if parent else None].append(key)
    answers: dict[Key, Answer] = {}
    for (listing, column), asked in lists.items():
        names = {name for name, _, _ in asked}
        parents = {parent[1] for _, _, parent in asked if parent}
        parts = _parts(_base(context, listing.scope, names, column, parents), names)
        found: dict[tuple[str, object], list[Any]] = defaultdict(list)
        for row in await context.tuples(sa.union_all(*parts)):
            found[row.facet, row.parent if column else None].append(row)
        for key in asked:
            name, _, parent = key
            tag = TRAITS[name].name if name in TRAITS else name
            answers[key] = _answer(name, found[tag, parent[1] if parent else None])
    return [answers[key] for key in keys]


def _base(
    context: Context, scope: Scope, names: Collection[str], column: str | None, parents: Collection[object]
) -> CTE:
    """The models that any facet counts: the columns to group by, and whether a model passes each facet's own filter."""
    model, filter = tables.Model, scope.filter or ModelFilter()
    own = {name: getattr(filter, OWN[name]) for name in sorted(OWN.keys() & set(names))}
    own = {name: value for name, value in own.items() if value is not UNSET and value is not None}
    clauses = [*conditions(dataclasses.replace(filter, **{OWN[name]: UNSET for name in own}))]
    if scope.found is not None:
        clauses.append(context.among(col(model.ref), scope.found))
    columns: list[Any] = [
        col(model.id),
        col(model.provider_slug),
        col(model.family_slug),
        col(model.status),
        col(model.access_type),
        col(model.price_input),
        col(model.context_window),
    ]
    for name, value in own.items():
        columns.append(sa.and_(*conditions(ModelFilter(**{OWN[name]: value}))).label(_passes(name)))
    if column is not None:
        parent = getattr(model, column)
        columns.append(parent.label("parent"))
        clauses.append(parent.in_(parents))
    base = sa.select(*columns).where(*clauses).cte("base")
    # Without conditions the base is the whole table, and a materialized copy would have no indexes.
    return base if clauses else base.prefix_with("NOT MATERIALIZED")


def _passes(name: str) -> str:
    return f"passes_{name}"


def _parts(base: CTE, names: Collection[str]) -> Iterator[Select[Any]]:
    """The rows of the facets, as statements with the same columns."""
    model, trait = base.c, tables.Trait
    parent = [model.parent] if "parent" in model else []
    count = sa.func.count()

    def part(name: str | None, value: Any, label: Any = None, *, number: Any = None, amount: Any = None) -> Select[Any]:
        """Rows of one facet, or without a name of all facets of traits, each row with its kind."""
        others = [model[_passes(other)] for other in OWN if other != name and _passes(other) in model]
        return (
            sa.select(
                (sa.literal(name) if name else sa.type_coerce(col(trait.kind), sa.String)).label("facet"),
                sa.type_coerce(value, sa.String).label("value"),
                sa.cast(label, sa.String).label("label"),
                sa.cast(number, sa.BigInteger).label("number"),
                (sa.cast(None, ExactDecimal) if amount is None else amount).label("amount"),
                *parent,
            )
            .where(*others)
            .group_by(*parent)
        )

    for name, column, table in (
        ("providers", model.provider_slug, tables.Provider),
        ("families", model.family_slug, tables.Family),
    ):
        if name in names:
            called = sa.select(col(table.name)).where(col(table.slug) == column).scalar_subquery()
            yield part(name, column, called, number=count).where(column.is_not(None)).group_by(column)
    for name, column in (("statuses", model.status), ("access_types", model.access_type)):
        if name in names:
            yield part(name, column, number=count).group_by(column)
    kinds = [kind for name, kind in TRAITS.items() if name in names]
    if kinds:
        traits = part(None, trait.value, number=count).join_from(base, trait, col(trait.model_id) == model.id)
        yield traits.where(col(trait.kind).in_(kinds)).group_by(col(trait.kind), col(trait.value))
    for end, which in (("min", sa.func.min), ("max", sa.func.max)):
        if "input_price" in names:
            yield part("input_price", sa.literal(end), amount=which(model.price_input))
        if "context_window" in names:
            yield part("context_window", sa.literal(end), number=which(model.context_window))


def _answer(name: str, rows: Sequence[Any]) -> Answer:
    if name == "input_price":
        return DecimalRange(**{"min": None, "max": None, **{row.value: row.amount for row in rows}})
    if name == "context_window":
        return IntRange(**{"min": None, "max": None, **{row.value: row.number for row in rows}})
    found = [Facet(value=row.value, label=row.label or enums.label(row.value), count=row.number) for row in rows]
    # OpenAI with 40 models -> (-40, "OpenAI", "openai")
    return sorted(found, key=lambda facet: (-facet.count, facet.label, facet.value))
