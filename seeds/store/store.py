"""Compares a merged registry with the one that is stored, and writes the difference in one transaction."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from schema import tables
from schema.enums import ChangeKind, ModelStatus
from seeds.merge.claims import MergedModel, comparable
from seeds.merge.merge import Merged
from seeds.store.changes import ChangeLog, rate_values
from seeds.store.history import continued
from seeds.store.references import write_references

CHUNK = 500
"""Keys in one IN list, rows in one INSERT: well under SQLite's and asyncpg's limits."""
GONE = "gone:"
"""Opens the fingerprint of a model that left every source, so that its return is noticed."""


@dataclass(slots=True)
class Outcome:
    """What a store did."""

    revision: int
    first: bool = False
    added: int = 0
    changed: int = 0
    retired: int = 0
    changes: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @property
    def wrote(self) -> bool:
        return self.first or bool(self.added or self.changed or self.retired or self.changes)


def table(model: type[tables.Table]) -> sa.Table:
    return tables.Table.metadata.tables[str(model.__tablename__)]


def chunks(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


async def insert(connection: AsyncConnection, model: type[tables.Table], rows: Sequence[Mapping[str, Any]]) -> None:
    for some in chunks(rows):
        await connection.execute(sa.insert(table(model)), list(some))


async def update(
    connection: AsyncConnection, of: sa.Table, which: sa.ColumnElement[bool], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Writes many rows; all of them name the same columns."""
    for some in chunks(rows):
        values: dict[str, Any] = {name: sa.bindparam(name) for name in some[0] if name in of.c}
        await connection.execute(sa.update(of).where(which).values(values), list(some))


async def store(connection: AsyncConnection, merged: Merged, now: datetime) -> Outcome:
    """Brings the stored registry to the merged one. The caller's transaction makes it all or nothing."""
    revision = table(tables.Revision)
    latest = (
        await connection.execute(
            sa.select(revision.c.number, revision.c.created_at).order_by(revision.c.number.desc()).limit(1)
        )
    ).first()
    current = latest.number if latest else None
    outcome = Outcome(revision=(current or 0) + 1, first=current is None)
    held = {
        row.ref: row
        for row in await connection.execute(
            sa.select(
                col(tables.Model.id), col(tables.Model.ref), col(tables.Model.fingerprint), col(tables.Model.status)
            )
        )
    }
    fresh = {model.columns["ref"]: model for model in merged.models}
    added = [model for ref, model in fresh.items() if ref not in held]
    changed = [
        model for ref, model in fresh.items() if ref in held and held[ref].fingerprint != model.columns["fingerprint"]
    ]
    gone = [row for ref, row in held.items() if ref not in fresh and not row.fingerprint.startswith(GONE)]
    outcome.added, outcome.changed, outcome.retired = len(added), len(changed), len(gone)

    note = ChangeLog(outcome.revision, now)
    await _store_providers(connection, merged, note)
    await _store_families(connection, merged)
    await _retire(connection, gone, note, now)
    ids = {ref: row.id for ref, row in held.items()}
    before = await _before(connection, [ids[model.columns["ref"]] for model in changed])
    for model in changed:
        ref = model.columns["ref"]
        rates = before.rates[ids[ref]]
        # What was in force when the registry last moved, against what is in force now.
        old = rate_values(rates, latest.created_at.date()) if latest else {}
        note.model_changed(model, before.facts[ids[ref]], old, returned=held[ref].fingerprint.startswith(GONE))
        model.rates = continued(rates, model.rates, now.date())
    for model in added:
        note.model_added(model)
    await _write_models(connection, added, changed, ids, before, now)
    await _count_families(connection)
    await write_references(connection)
    outcome.changes = [] if outcome.first else note.rows
    if not outcome.wrote:
        outcome.revision -= 1
        return outcome
    columns = {"number": outcome.revision, "created_at": now, "change_count": len(outcome.changes)}
    await insert(connection, tables.Revision, [columns])
    await insert(connection, tables.Change, outcome.changes)
    return outcome


async def _store_providers(connection: AsyncConnection, merged: Merged, note: ChangeLog) -> None:
    provider = table(tables.Provider)
    held = {row["slug"]: dict(row) for row in (await connection.execute(sa.select(provider))).mappings()}
    fresh = [columns for slug, columns in merged.providers.items() if slug not in held]
    await insert(connection, tables.Provider, fresh)
    for columns in fresh:
        note.add(ChangeKind.PROVIDER_ADDED, columns["slug"])
    for slug, columns in merged.providers.items():
        moved = {name: value for name, value in columns.items() if slug in held and held[slug][name] != value}
        if not moved:
            continue
        await connection.execute(sa.update(provider).where(provider.c.slug == slug).values(moved))
        for name, value in moved.items():
            if name != "model_count":
                note.add(
                    ChangeKind.PROVIDER_CHANGED,
                    slug,
                    field=name,
                    before=comparable(held[slug][name]),
                    after=comparable(value),
                )


async def _store_families(connection: AsyncConnection, merged: Merged) -> None:
    family = table(tables.Family)
    held = {row["slug"]: dict(row) for row in (await connection.execute(sa.select(family))).mappings()}
    await insert(connection, tables.Family, [each for slug, each in merged.families.items() if slug not in held])
    for slug, columns in merged.families.items():
        if slug in held and held[slug] != columns:
            await connection.execute(sa.update(family).where(family.c.slug == slug).values(columns))


async def _count_families(connection: AsyncConnection) -> None:
    """Counts again, retired models included, and drops families nobody belongs to any more."""
    family, model = table(tables.Family), table(tables.Model)
    count = sa.select(sa.func.count()).where(model.c.family_slug == family.c.slug).scalar_subquery()
    await connection.execute(sa.update(family).where(family.c.model_count != count).values(model_count=count))
    await connection.execute(sa.delete(family).where(family.c.model_count == 0))


async def _retire(connection: AsyncConnection, gone: Sequence[Any], note: ChangeLog, now: datetime) -> None:
    """A model that left every source stays, as RETIRED with today's date."""
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
        note.add(
            ChangeKind.MODEL_RETIRED,
            row.ref.partition("/")[0],
            row.ref,
            field="status",
            before=row.status.name,
            after=ModelStatus.RETIRED.name,
        )


@dataclass(slots=True)
class Before:
    """What was stored of the models about to be rewritten, by model id."""

    facts: dict[int, dict[str, Any]]
    rates: dict[int, list[dict[str, Any]]]
    observed: dict[tuple[int, str, str], tuple[Any, datetime]]


async def _before(connection: AsyncConnection, ids: Sequence[int]) -> Before:
    before = Before(defaultdict(dict), defaultdict(list), {})
    claim, rate = table(tables.Claim), table(tables.Rate)
    for some in chunks(ids):
        for row in await connection.execute(sa.select(claim).where(claim.c.model_id.in_(some))):
            before.observed[row.model_id, row.field, row.source_slug] = (row.value, row.observed_at)
            if row.rank == 0:
                before.facts[row.model_id][row.field] = row.value
        for each in (await connection.execute(sa.select(rate).where(rate.c.model_id.in_(some)))).mappings():
            columns = dict(each)
            del columns["id"]
            before.rates[columns.pop("model_id")].append(columns)
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
    model = table(tables.Model)
    await insert(connection, tables.Model, [each.columns | {"updated_at": now} for each in added])
    for some in chunks([each.columns["ref"] for each in added]):
        rows = await connection.execute(sa.select(model.c.ref, model.c.id).where(model.c.ref.in_(some)))
        ids.update({row.ref: row.id for row in rows})
    moved = [each.columns | {"updated_at": now, "id_": ids[each.columns["ref"]]} for each in changed]
    await update(connection, model, model.c.id == sa.bindparam("id_"), moved)
    for some in chunks([ids[each.columns["ref"]] for each in changed]):
        for child in CHILDREN:
            await connection.execute(sa.delete(table(child)).where(table(child).c.model_id.in_(some)))
    for group in chunks([*added, *changed]):
        pairs = [(ids[each.columns["ref"]], each) for each in group]
        await insert(
            connection,
            tables.Rate,
            [{"observed": False} | row | {"model_id": i} for i, each in pairs for row in each.rates],
        )
        await insert(
            connection, tables.Parameter, [row | {"model_id": i} for i, each in pairs for row in each.parameters]
        )
        await insert(
            connection,
            tables.Trait,
            [{"model_id": i, "kind": kind, "value": value} for i, each in pairs for kind, value in each.traits],
        )
        await insert(
            connection,
            tables.Alias,
            [{"model_id": i, "name": name, "kind": kind} for i, each in pairs for name, kind in each.aliases],
        )
        await insert(
            connection,
            tables.Term,
            [
                {"model_id": i, "term": term, "weight": weight}
                for i, each in pairs
                for term, weight in each.terms.items()
            ],
        )
        await insert(connection, tables.Claim, list(_claims(pairs, before, now)))


def _claims(pairs: Iterable[tuple[int, MergedModel]], before: Before, now: datetime) -> Iterator[dict[str, Any]]:
    for model_id, each in pairs:
        for claim in each.claims:
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
