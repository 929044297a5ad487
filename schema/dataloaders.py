"""Batch functions: (context, keys) -> answers in the order of the keys, each named for the question it answers."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel, col

from schema import tables
from schema.context import Context, RegistrySettings
from schema.enums import ModelStatus, SourceStatus
from schema.errors import ClientError
from schema.kept import by_revision


def whole(_: object) -> int:
    """The key of a question about the whole registry rather than a row."""
    return 0


def itself(row: Any) -> Any:
    """The row as its own key."""
    return row


def in_order(keys: Sequence[Any], rows: Sequence[Any], key: str) -> list[Any]:
    """The row of each key, or None."""
    found = {getattr(row, key): row for row in rows}
    return [found.get(wanted) for wanted in keys]


def grouped(keys: Sequence[Any], rows: Sequence[Any], key: str) -> list[list[Any]]:
    """The rows of each key, in their order."""
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, key)].append(row)
    return [found[wanted] for wanted in keys]


@by_revision
async def providers(context: Context, slugs: Sequence[str]) -> list[tables.Provider | None]:
    """Provider of each slug."""
    rows = await context.rows(sa.select(tables.Provider).where(col(tables.Provider.slug).in_(slugs)))
    return in_order(slugs, rows, "slug")


@by_revision
async def families(context: Context, slugs: Sequence[str]) -> list[tables.Family | None]:
    """Family of each slug."""
    rows = await context.rows(sa.select(tables.Family).where(col(tables.Family.slug).in_(slugs)))
    return in_order(slugs, rows, "slug")


@by_revision
async def families_by_name(context: Context, slugs: Sequence[str]) -> list[tables.Family | None]:
    """Family of each slug as a person writes it: as it stands, or else in lower case."""
    # Sources name families, and some of them with capitals.
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
async def models_by_ref(context: Context, refs: Sequence[str]) -> list[tables.Model | None]:
    """Model of each exact reference."""
    rows = await context.rows(sa.select(tables.Model).where(col(tables.Model.ref).in_(refs)))
    return in_order(refs, rows, "ref")


@by_revision
async def revisions(context: Context, numbers: Sequence[int]) -> list[tables.Revision | None]:
    """Revision of each number."""
    rows = await context.rows(sa.select(tables.Revision).where(col(tables.Revision.number).in_(numbers)))
    return in_order(numbers, rows, "number")


@by_revision
async def changes(context: Context, ids: Sequence[str]) -> list[tables.Change | None]:
    """Change of each id, written in digits."""
    change = tables.Change
    numbers = [int(id) for id in ids if id.isascii() and id.isdigit() and len(id) < 10]
    rows = await context.rows(sa.select(change).where(col(change.id).in_(numbers)))
    found = {str(row.id): row for row in rows}
    return [found.get(id) for id in ids]


@by_revision
async def models_by_canonical(context: Context, identities: Sequence[str]) -> list[list[tables.Model]]:
    """Models of each identity that are not retired, cheapest input first; those without a price last."""
    model = tables.Model
    statement = (
        sa.select(model)
        .where(col(model.canonical).in_(identities), col(model.status) != ModelStatus.RETIRED)
        .order_by(col(model.price_input).is_(None), col(model.price_input), col(model.price_output), col(model.ref))
    )
    return grouped(identities, await context.rows(statement), "canonical")


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
async def rates_by_model(context: Context, ids: Sequence[int]) -> list[list[tables.Rate]]:
    """Every rate ever known of each model, in listing order."""
    rate = tables.Rate
    statement = sa.select(rate).where(col(rate.model_id).in_(ids)).order_by(col(rate.model_id), col(rate.position))
    return grouped(ids, await context.rows(statement), "model_id")


@by_revision
async def parameters_by_model(context: Context, ids: Sequence[int]) -> list[list[tables.Parameter]]:
    """Parameters of each model, in listing order."""
    parameter = tables.Parameter
    statement = (
        sa.select(parameter)
        .where(col(parameter.model_id).in_(ids))
        .order_by(col(parameter.model_id), col(parameter.position))
    )
    return grouped(ids, await context.rows(statement), "model_id")


@by_revision
async def traits_by_model(context: Context, ids: Sequence[int]) -> list[Mapping[tables.TraitKind, list[str]]]:
    """Traits of each model, by kind."""
    trait = tables.Trait
    statement = sa.select(trait).where(col(trait.model_id).in_(ids)).order_by(col(trait.model_id), col(trait.value))
    answers: list[Mapping[tables.TraitKind, list[str]]] = []
    for rows in grouped(ids, await context.rows(statement), "model_id"):
        traits: dict[tables.TraitKind, list[str]] = {kind: [] for kind in tables.TraitKind}
        for row in rows:
            traits[row.kind].append(row.value)
        answers.append(traits)
    return answers


@by_revision
async def aliases_by_model(context: Context, ids: Sequence[int]) -> list[list[tables.Alias]]:
    """Other names of each model, in alphabetical order."""
    alias = tables.Alias
    statement = sa.select(alias).where(col(alias.model_id).in_(ids)).order_by(col(alias.model_id), col(alias.name))
    return grouped(ids, await context.rows(statement), "model_id")


@by_revision
async def claims_by_model(context: Context, ids: Sequence[int]) -> list[list[tables.Claim]]:
    """Every claim about each model, by field; for each field the one the registry uses comes first."""
    claim = tables.Claim
    statement = (
        sa.select(claim)
        .where(col(claim.model_id).in_(ids))
        .order_by(col(claim.model_id), col(claim.field), col(claim.rank))
    )
    return grouped(ids, await context.rows(statement), "model_id")


async def sources(context: Context, slugs: Sequence[str]) -> list[tables.Source | None]:
    """Source of each slug."""
    rows = await context.rows(sa.select(tables.Source).where(col(tables.Source.slug).in_(slugs)))
    return in_order(slugs, rows, "slug")


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


def select_attempts() -> sa.Select[Any]:
    """The last attempt to refresh each enabled source; null for a source that was never tried."""
    source = tables.Source
    return sa.select(col(source.last_attempt_at)).where(col(source.status) != SourceStatus.DISABLED)


async def refresh_attempts(context: Context, keys: Sequence[int]) -> list[list[datetime | None]]:
    """The last attempt to refresh each enabled source."""
    return [[row[0] for row in await context.tuples(select_attempts())]] * len(keys)


async def registry_settings(context: Context, keys: Sequence[int]) -> list[RegistrySettings]:
    """What the server says about itself."""
    return [context.settings] * len(keys)
