"""Writes the reference index: the keys under which each model is found, and the words that stand in front of ids."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from schema import tables
from schema.references.index import reference_rows
from schema.references.vocabulary import Vocabulary, prefix_rows

CHUNK = 5_000
"""Rows written by one statement."""


async def write_references(connection: AsyncConnection) -> None:
    """Brings the index to the models that are stored, in the caller's transaction. Writes only what differs.

    The keys of a model depend on its neighbors, too: a new maker is a new vendor in other providers' ids. So all keys
    are computed; that takes less than a second.
    """
    model, alias, provider = tables.Model, tables.Alias, tables.Provider
    columns = (model.id, model.ref, model.provider_slug, model.slug, model.name, model.canonical)
    models = (await connection.execute(sa.select(*map(col, columns)).order_by(col(model.ref)))).all()
    aliases: dict[int, list[str]] = defaultdict(list)
    for row in await connection.execute(sa.select(col(alias.model_id), col(alias.name))):
        aliases[row.model_id].append(row.name)
    providers = {row.slug: row.kind for row in await connection.execute(sa.select(col(provider.slug), col(provider.kind)))}
    prefixes = prefix_rows(models, providers)
    vocabulary = Vocabulary.read(providers, prefixes)
    await _replace(connection, tables.Prefix, prefixes)
    references = (
        (row.kind, row.key, model.id, row.region)
        for model in models
        for row in reference_rows(model, aliases[model.id], vocabulary)
    )
    await _replace(connection, tables.Reference, references)


async def _replace(connection: AsyncConnection, model: type[tables.Table], rows: Iterable[tuple[Any, ...]]) -> None:
    """Makes these the rows of a table. Their values have the order of its columns."""
    table = tables.Table.metadata.tables[str(model.__tablename__)]
    wanted = set(map(tuple, rows))
    held = {tuple(row) for row in await connection.execute(sa.select(table))}
    key = [column.name for column in table.primary_key]
    matching = sa.and_(*(table.c[name] == sa.bindparam(f"{name}_") for name in key))
    for some in _chunks(held - wanted):
        values = [dict(zip(table.c.keys(), row, strict=True)) for row in some]
        await connection.execute(sa.delete(table).where(matching), [{f"{name}_": row[name] for name in key} for row in values])
    for some in _chunks(wanted - held):
        await connection.execute(sa.insert(table), [dict(zip(table.c.keys(), row, strict=True)) for row in some])


def _chunks(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    left = list(rows)
    for start in range(0, len(left), CHUNK):
        yield left[start : start + CHUNK]
