"""Rows: the dataclasses that become rows, and statements that write many at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from schema.tables import Table, table
from seeds.merge.claims import MergedParameter, MergedRate, ModelColumns
from seeds.merge.merge import MergedFamily, MergedProvider
from seeds.store.changes import Change

CHUNK = 500
"""Keys in one IN list, rows in one INSERT: well under the limits of SQLite and asyncpg."""
Row = Mapping[str, object]
Columns = ModelColumns | MergedRate | MergedParameter | MergedProvider | MergedFamily | Change
"""The dataclasses whose fields are columns."""
COLUMN_NAMES: Mapping[type[Columns], Sequence[str]] = {
    kind: [item.name for item in fields(kind)]
    for kind in (ModelColumns, MergedRate, MergedParameter, MergedProvider, MergedFamily, Change)
}
T = TypeVar("T")


def columns(value: Columns, kind: type[Columns] | None = None) -> dict[str, object]:
    """A dataclass as a row; with `kind`, only the fields of that base class."""
    return {name: getattr(value, name) for name in COLUMN_NAMES[kind or type(value)]}


def chunks(rows: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


async def insert(connection: AsyncConnection, model: type[Table], rows: Sequence[Row]) -> None:
    for some in chunks(rows):
        await connection.execute(sa.insert(table(model)), list(some))


async def update(
    connection: AsyncConnection, sql_table: sa.Table, where: sa.ColumnElement[bool], rows: Sequence[Row]
) -> None:
    """Updates many rows, which all name the same columns."""
    for some in chunks(rows):
        values: dict[str, sa.BindParameter[object]] = {
            name: sa.bindparam(name) for name in some[0] if name in sql_table.c
        }
        await connection.execute(sa.update(sql_table).where(where).values(values), list(some))
