"""Writes the reference index: the keys under which each model is found, and the words that stand in front of ids."""

from collections import defaultdict
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from schema import tables
from schema.references.index import reference_rows
from schema.references.vocabulary import ModelNames, Vocabulary, prefix_rows
from schema.tables import table
from seeds.store.rows import chunks

CHUNK = 5_000
"""Rows written by one statement."""


async def write_references(connection: AsyncConnection) -> None:
    """Updates the index to match the stored models, in the caller's transaction. Writes only what differs.

    The keys of a model depend on its neighbors, too: a new maker is a new vendor in other providers' ids. So all keys
    are computed; that takes less than a second.
    """
    model, alias, provider = tables.Model, tables.Alias, tables.Provider
    columns = (model.id, model.ref, model.provider_slug, model.slug, model.name, model.canonical)
    models = [ModelNames._make(row) for row in await connection.execute(sa.select(*map(col, columns)))]
    aliases: dict[int, list[str]] = defaultdict(list)
    for row in await connection.execute(sa.select(col(alias.model_id), col(alias.name))):
        aliases[row.model_id].append(row.name)
    kinds = await connection.execute(sa.select(col(provider.slug), col(provider.kind)))
    providers = {row.slug: row.kind for row in kinds}
    prefixes = prefix_rows(models, providers)
    vocabulary = Vocabulary.read(providers, prefixes)
    await _replace(connection, tables.Prefix, prefixes)
    references = [
        (row.kind, row.key, names.id, row.region)
        for names in models
        for row in reference_rows(names, aliases[names.id], vocabulary)
    ]
    await _replace(connection, tables.Reference, references)


async def _replace(connection: AsyncConnection, model: type[tables.Table], rows: Iterable[tuple[object, ...]]) -> None:
    """Makes these the rows of a table. Their values are in the order of its columns."""
    sql_table = table(model)
    columns = sql_table.c.keys()
    wanted = set(map(tuple, rows))
    stored = {tuple(row) for row in await connection.execute(sa.select(sql_table))}
    key = {f"{column.name}_": column for column in sql_table.primary_key}
    matching = sa.and_(*(column == sa.bindparam(name) for name, column in key.items()))
    for some in chunks(list(stored - wanted), CHUNK):
        found = [dict(zip(columns, row, strict=True)) for row in some]
        keys = [{name: row[column.name] for name, column in key.items()} for row in found]
        await connection.execute(sa.delete(sql_table).where(matching), keys)
    for some in chunks(list(wanted - stored), CHUNK):
        await connection.execute(sa.insert(sql_table), [dict(zip(columns, row, strict=True)) for row in some])
