"""Batch functions: (context, keys) -> one value for each key, in the order of the keys."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Mapped
from sqlmodel import SQLModel, col

from schema import tables
from schema.cache import by_revision
from schema.context import Batch, Context, RegistrySettings
from schema.enums import ModelStatus, SourceStatus
from schema.errors import ClientError

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., object])
Row = TypeVar("Row", bound=SQLModel)


def whole(_: object) -> int:
    """The key for a batch function about the whole registry: the same for every row."""
    return 0


def itself(row: T) -> T:
    """The row as its own key."""
    return row


def called(batch: F, name: str) -> F:
    """The function under a name that explains a plan which calls it."""
    batch.__name__ = name
    return batch


def one(table: type[Row], key: str) -> Batch[Hashable, Row | None]:
    """A batch function: the row of the table with each key, or None."""

    async def rows(context: Context, keys: Sequence[Hashable]) -> list[Row | None]:
        found = await context.rows(sa.select(table).where(getattr(table, key).in_(keys)))
        by_key = {getattr(row, key): row for row in found}
        return [by_key.get(wanted) for wanted in keys]

    return called(rows, f"{table.__name__} by {key}")


def many(
    table: type[Row], key: str, *order: ColumnElement[Any] | Mapped[Any], where: ColumnElement[bool] | None = None
) -> Batch[Hashable, list[Row]]:
    """A batch function: the rows of the table with each key, in an order. `where` leaves some out."""

    async def rows(context: Context, keys: Sequence[Hashable]) -> list[list[Row]]:
        column = getattr(table, key)
        statement = sa.select(table).where(column.in_(keys)).order_by(column, *order)
        found: dict[Hashable, list[Row]] = {wanted: [] for wanted in keys}
        for row in await context.rows(statement if where is None else statement.where(where)):
            found[getattr(row, key)].append(row)
        return [found[wanted] for wanted in keys]

    return called(rows, f"{table.__name__} rows by {key}")


providers: Batch[str, tables.Provider | None] = by_revision(one(tables.Provider, "slug"))
families: Batch[str, tables.Family | None] = by_revision(one(tables.Family, "slug"))
models_by_ref: Batch[str, tables.Model | None] = by_revision(one(tables.Model, "ref"))
revisions: Batch[int, tables.Revision | None] = by_revision(one(tables.Revision, "number"))
sources: Batch[str, tables.Source | None] = one(tables.Source, "slug")
rates_by_model: Batch[int, list[tables.Rate]] = by_revision(many(tables.Rate, "model_id", col(tables.Rate.position)))
"""Every rate ever known of each model, in listing order."""
parameters_by_model: Batch[int, list[tables.Parameter]] = by_revision(
    many(tables.Parameter, "model_id", col(tables.Parameter.position))
)
"""Parameters of each model, in listing order."""
aliases_by_model: Batch[int, list[tables.Alias]] = by_revision(many(tables.Alias, "model_id", col(tables.Alias.name)))
"""Other names of each model, in alphabetical order."""
claims_by_model: Batch[int, list[tables.Claim]] = by_revision(
    many(tables.Claim, "model_id", col(tables.Claim.field), col(tables.Claim.rank))
)
"""Every claim about each model, by field; for each field the one the registry uses comes first."""
models_by_canonical: Batch[str, list[tables.Model]] = by_revision(
    many(
        tables.Model,
        "canonical",
        col(tables.Model.price_input).is_(None),
        col(tables.Model.price_input),
        col(tables.Model.price_output),
        col(tables.Model.ref),
        where=col(tables.Model.status) != ModelStatus.RETIRED,
    )
)
"""Models of each identity that are not retired, cheapest input first; those without a price last."""


@by_revision
async def families_by_name(context: Context, slugs: Sequence[str]) -> list[tables.Family | None]:
    """Family of each slug, as written or else in lower case."""
    # Some sources use capitals in the slugs of families.
    found = await families(context, [*slugs, *(slug.lower() for slug in slugs)])
    return [exact or lower for exact, lower in zip(found[: len(slugs)], found[len(slugs) :], strict=True)]


@by_revision
async def families_by_provider(context: Context, slugs: Sequence[str]) -> list[list[tables.Family]]:
    """Families of the models each provider serves, by name."""
    model, family = tables.Model, tables.Family
    served = (
        sa.select(col(model.provider_slug), col(model.family_slug))
        .where(col(model.provider_slug).in_(slugs))
        .distinct()
    )
    pairs = await context.tuples(served)
    wanted = {pair.family_slug for pair in pairs if pair.family_slug}
    rows = await context.rows(
        sa.select(family).where(col(family.slug).in_(wanted)).order_by(col(family.name), col(family.slug))
    )
    serves = {(pair.provider_slug, pair.family_slug) for pair in pairs}
    return [[row for row in rows if (slug, row.slug) in serves] for slug in slugs]


@by_revision
async def changes(context: Context, ids: Sequence[str]) -> list[tables.Change | None]:
    """Change of each id, a string of digits."""
    change = tables.Change
    numbers = [int(id) for id in ids if id.isascii() and id.isdigit() and len(id) < 10]
    rows = await context.rows(sa.select(change).where(col(change.id).in_(numbers)))
    by_id = {str(row.id): row for row in rows}
    return [by_id.get(id) for id in ids]


@by_revision
async def versions(context: Context, keys: Sequence[tuple[str, str]]) -> list[list[tables.Model]]:
    """Versions of each model, by (provider, undated slug), newest release first."""
    model = tables.Model
    statement = (
        sa.select(model)
        .where(sa.tuple_(col(model.provider_slug), col(model.version_of)).in_(keys))
        .order_by(col(model.release_date).is_(None), col(model.release_date).desc(), col(model.ref))
    )
    found: dict[tuple[str, str], list[tables.Model]] = defaultdict(list)
    for row in await context.rows(statement):
        if row.version_of is not None:
            found[row.provider_slug, row.version_of].append(row)
    return [found[key] for key in keys]


@by_revision
async def traits_by_model(context: Context, ids: Sequence[int]) -> list[Mapping[tables.TraitKind, list[str]]]:
    """Traits of each model, by kind."""
    trait = tables.Trait
    answers: dict[int, dict[tables.TraitKind, list[str]]] = {id: {kind: [] for kind in tables.TraitKind} for id in ids}
    for row in await context.rows(sa.select(trait).where(col(trait.model_id).in_(ids)).order_by(col(trait.value))):
        answers[row.model_id][row.kind].append(row.value)
    return [answers[id] for id in ids]


async def all_sources(context: Context, keys: Sequence[int]) -> list[list[tables.Source]]:
    """Every source, the most trusted first."""
    rows = await context.rows(sa.select(tables.Source).order_by(col(tables.Source.trust)))
    return [rows] * len(keys)


@by_revision
async def latest_revision(context: Context, keys: Sequence[int]) -> list[tables.Revision]:
    """The revision this request reads. Raises a ClientError while there is none."""
    revision = tables.Revision
    rows = await context.rows(sa.select(revision).order_by(col(revision.number).desc()).limit(1))
    if not rows:
        raise ClientError("The registry is still loading. Try again in a few seconds.", "NOT_READY")
    return rows * len(keys)


@by_revision
async def row_counts(context: Context, entities: Sequence[type[SQLModel]]) -> list[int]:
    """Number of rows of each table."""
    counts = [sa.select(sa.func.count()).select_from(entity).scalar_subquery() for entity in entities]
    (row,) = await context.tuples(sa.select(*counts))
    return list(row)


def select_attempts() -> sa.Select[datetime | None]:
    """The last attempt to refresh each enabled source; null for a source that was never tried."""
    source = tables.Source
    return sa.select(col(source.last_attempt_at)).where(col(source.status) != SourceStatus.DISABLED)


async def refresh_attempts(context: Context, keys: Sequence[int]) -> list[list[datetime | None]]:
    """The last attempt to refresh each enabled source."""
    return [[row[0] for row in await context.tuples(select_attempts())]] * len(keys)


async def registry_settings(context: Context, keys: Sequence[int]) -> list[RegistrySettings]:
    """The settings of the server that the graph shows."""
    return [context.settings] * len(keys)
