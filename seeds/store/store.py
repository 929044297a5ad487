"""Compares a merged registry with the stored one, and writes the differences in one transaction."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from schema import tables
from schema.enums import ChangeKind, ModelStatus
from schema.pricing.rates import rate_values
from schema.tables import table
from seeds.catalogue import JsonValue
from seeds.merge.claims import MergedModel, MergedRate, ModelColumns, comparable
from seeds.merge.merge import Merged, MergedFamily, MergedProvider
from seeds.store.changes import Change, ChangeLog
from seeds.store.history import continue_history
from seeds.store.references import write_references
from seeds.store.rows import COLUMN_NAMES, Row, chunks, columns, insert, update

GONE = "gone:"
"""Prefix of the fingerprint of a model that left every source, so that its return is noticed."""


@dataclass(slots=True)
class Outcome:
    """What a store did."""

    revision: int
    first: bool = False
    added: int = 0
    changed: int = 0
    retired: int = 0
    changes: Sequence[Change] = field(default_factory=list[Change])

    @property
    def wrote(self) -> bool:
        return self.first or bool(self.added or self.changed or self.retired or self.changes)


class LatestRevision(NamedTuple):
    number: int
    created_at: datetime
    inputs: str | None


async def latest_revision(connection: AsyncConnection) -> LatestRevision | None:
    revision = tables.Revision
    statement = sa.select(col(revision.number), col(revision.created_at), col(revision.inputs))
    row = (await connection.execute(statement.order_by(col(revision.number).desc()).limit(1))).first()
    return None if row is None else LatestRevision(*row)


class StoredModel(NamedTuple):
    """What identifies a stored model, and what tells whether it changed."""

    id: int
    ref: str
    fingerprint: str
    status: ModelStatus

    @property
    def gone(self) -> bool:
        return self.fingerprint.startswith(GONE)


async def _stored_models(connection: AsyncConnection) -> dict[str, StoredModel]:
    model = tables.Model
    statement = sa.select(col(model.id), col(model.ref), col(model.fingerprint), col(model.status))
    return {
        row.ref: StoredModel(row.id, row.ref, row.fingerprint, row.status)
        for row in await connection.execute(statement)
    }


async def store(connection: AsyncConnection, merged: Merged, now: datetime) -> Outcome:
    """Updates the stored registry to the merged one. The caller's transaction makes it all or nothing."""
    latest = await latest_revision(connection)
    outcome = Outcome(revision=(latest.number if latest else 0) + 1, first=latest is None)
    stored = await _stored_models(connection)
    refs = {model.ref for model in merged.models}
    added = [model for model in merged.models if model.ref not in stored]
    changed = [
        model for model in merged.models if model.ref in stored and stored[model.ref].fingerprint != model.fingerprint
    ]
    gone = [model for ref, model in stored.items() if ref not in refs and not model.gone]
    outcome.added, outcome.changed, outcome.retired = len(added), len(changed), len(gone)

    log = ChangeLog(outcome.revision, now)
    await _store_providers(connection, merged.providers, log)
    await _store_families(connection, merged.families)
    await _retire(connection, gone, log, now)
    ids = {ref: model.id for ref, model in stored.items()}
    before = await _before(connection, [ids[model.ref] for model in changed])
    for index, model in enumerate(changed):
        model_id = ids[model.ref]
        rates = before.rates[model_id]
        # Compares the rates in force at the latest revision with those in force now.
        old = rate_values(rates, latest.created_at.date()) if latest else {}
        log.model_changed(model, before.facts[model_id], old, returned=stored[model.ref].gone)
        changed[index] = replace(model, rates=continue_history(rates, model.rates, now.date()))
    for model in added:
        log.add(ChangeKind.MODEL_ADDED, model.provider_slug, model.ref)
    await _write_models(connection, added, changed, ids, before, now)
    await _count_families(connection)
    await write_references(connection)
    outcome.changes = [] if outcome.first else log.changes
    if not outcome.wrote:
        outcome.revision -= 1
        return outcome
    revision = {"number": outcome.revision, "created_at": now, "change_count": len(outcome.changes)}
    await insert(connection, tables.Revision, [revision])
    await insert(connection, tables.Change, [columns(change) for change in outcome.changes])
    return outcome


async def _store_providers(connection: AsyncConnection, merged: Mapping[str, MergedProvider], log: ChangeLog) -> None:
    provider = table(tables.Provider)
    rows = (await connection.execute(sa.select(provider))).mappings()
    stored: dict[str, Row] = {row["slug"]: dict(row) for row in rows}
    new = [merged[slug] for slug in merged if slug not in stored]
    await insert(connection, tables.Provider, [columns(row) for row in new])
    for row in new:
        log.add(ChangeKind.PROVIDER_ADDED, row.slug)
    for slug, row in merged.items():
        if (before := stored.get(slug)) is None:
            continue
        changes = {name: value for name, value in columns(row).items() if before[name] != value}
        if not changes:
            continue
        await connection.execute(sa.update(provider).where(provider.c.slug == slug).values(changes))
        for name, value in changes.items():
            if name != "model_count":
                log.add(ChangeKind.PROVIDER_CHANGED, slug, None, name, comparable(before[name]), comparable(value))


async def _store_families(connection: AsyncConnection, merged: Mapping[str, MergedFamily]) -> None:
    family = table(tables.Family)
    rows = (await connection.execute(sa.select(family))).mappings()
    stored: dict[str, Row] = {row["slug"]: dict(row) for row in rows}
    values = {slug: columns(row) for slug, row in merged.items()}
    await insert(connection, tables.Family, [row for slug, row in values.items() if slug not in stored])
    for slug, row in values.items():
        if slug in stored and stored[slug] != row:
            await connection.execute(sa.update(family).where(family.c.slug == slug).values(row))


async def _count_families(connection: AsyncConnection) -> None:
    """Counts the models of each family again, including retired ones, and deletes families without models."""
    family, model = table(tables.Family), table(tables.Model)
    count = sa.select(sa.func.count()).where(model.c.family_slug == family.c.slug).scalar_subquery()
    await connection.execute(sa.update(family).where(family.c.model_count != count).values(model_count=count))
    await connection.execute(sa.delete(family).where(family.c.model_count == 0))


async def _retire(connection: AsyncConnection, gone: Sequence[StoredModel], log: ChangeLog, now: datetime) -> None:
    """Keeps the models that left every source, as RETIRED with today's date."""
    model = table(tables.Model)
    statement = (
        sa.update(model)
        .where(model.c.id == sa.bindparam("id_"))
        .values(
            status=ModelStatus.RETIRED,
            retirement_date=sa.func.coalesce(model.c.retirement_date, now.date()),
            updated_at=now,
            fingerprint=sa.bindparam("mark"),
        )
    )
    for some in chunks(gone):
        await connection.execute(statement, [{"id_": row.id, "mark": GONE + row.fingerprint} for row in some])
    for row in gone:
        provider = row.ref.partition("/")[0]
        log.add(ChangeKind.MODEL_RETIRED, provider, row.ref, "status", row.status.name, ModelStatus.RETIRED.name)


@dataclass(frozen=True, slots=True)
class Before:
    """What was stored about the models that are going to be rewritten, by model id."""

    facts: Mapping[int, dict[str, JsonValue]]
    rates: Mapping[int, list[MergedRate]]
    observed: dict[tuple[int, str, str], tuple[JsonValue, datetime]]
    """(model id, fact, source) -> the value stated, and since when."""


async def _before(connection: AsyncConnection, ids: Sequence[int]) -> Before:
    facts: dict[int, dict[str, JsonValue]] = defaultdict(dict)
    rates: dict[int, list[MergedRate]] = defaultdict(list)
    before = Before(facts, rates, {})
    claim, rate = table(tables.Claim), table(tables.Rate)
    rate_columns = [rate.c[name] for name in COLUMN_NAMES[MergedRate]]
    for some in chunks(ids):
        for row in await connection.execute(sa.select(claim).where(claim.c.model_id.in_(some))):
            before.observed[row.model_id, row.field, row.source_slug] = (row.value, row.observed_at)
            if row.rank == 0:
                facts[row.model_id][row.field] = row.value
        statement = sa.select(rate.c.model_id, *rate_columns).where(rate.c.model_id.in_(some))
        for model_id, *values in await connection.execute(statement):
            rates[model_id].append(MergedRate(**dict(zip(COLUMN_NAMES[MergedRate], values, strict=True))))
    return before


CHILDREN = (tables.Rate, tables.Parameter, tables.Trait, tables.Alias, tables.Term, tables.Claim)


async def _write_models(
    connection: AsyncConnection,
    added: Sequence[MergedModel],
    changed: Sequence[MergedModel],
    ids: dict[str, int],
    before: Before,
    now: datetime,
) -> None:
    table_of_models = table(tables.Model)
    await insert(connection, tables.Model, [columns(model, ModelColumns) | {"updated_at": now} for model in added])
    for some in chunks([model.ref for model in added]):
        statement = sa.select(table_of_models.c.ref, table_of_models.c.id).where(table_of_models.c.ref.in_(some))
        ids.update({row.ref: row.id for row in await connection.execute(statement)})
    updated = [columns(model, ModelColumns) | {"updated_at": now, "id_": ids[model.ref]} for model in changed]
    await update(connection, table_of_models, table_of_models.c.id == sa.bindparam("id_"), updated)
    for group in chunks(changed):
        changed_ids = [ids[model.ref] for model in group]
        for child in CHILDREN:
            await connection.execute(sa.delete(table(child)).where(table(child).c.model_id.in_(changed_ids)))
    for group in chunks([*added, *changed]):
        for sql_model, rows in _child_rows([(ids[model.ref], model) for model in group], before, now):
            await insert(connection, sql_model, rows)


def _child_rows(
    models: Sequence[tuple[int, MergedModel]], before: Before, now: datetime
) -> Iterator[tuple[type[tables.Table], list[Row]]]:
    """The rows of everything that belongs to the models, by table."""
    yield tables.Rate, [columns(row) | {"model_id": i} for i, model in models for row in model.rates]
    yield tables.Parameter, [columns(row) | {"model_id": i} for i, model in models for row in model.parameters]
    yield (
        tables.Trait,
        [{"model_id": i, "kind": kind, "value": value} for i, model in models for kind, value in model.traits],
    )
    yield (
        tables.Alias,
        [{"model_id": i, "name": name, "kind": kind} for i, model in models for name, kind in model.aliases],
    )
    yield (
        tables.Term,
        [
            {"model_id": i, "term": term, "weight": weight}
            for i, model in models
            for term, weight in model.terms.items()
        ],
    )
    yield tables.Claim, list(_claims(models, before, now))


def _claims(models: Iterable[tuple[int, MergedModel]], before: Before, now: datetime) -> Iterator[Row]:
    for model_id, model in models:
        for claim in model.claims:
            known = before.observed.get((model_id, claim.field, claim.source))
            yield {
                "model_id": model_id,
                "field": claim.field,
                "source_slug": claim.source,
                "rank": claim.rank,
                "value": claim.value,
                "disputed": claim.disputed,
                "reason": claim.reason,
                # A claim is as old as the value it states.
                "observed_at": known[1] if known and known[0] == claim.value else now,
            }
