"""Upgrades tables of an older layout to the current one, and keeps everything that is stored.

All steps run in the one transaction of `database.prepare`, on SQLite and on PostgreSQL.
"""

from collections.abc import Awaitable, Callable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import AutoString

from schema import tables
from schema.tables import table
from seeds.store.references import write_references
from server.errors import OperatorError

Step = Callable[[AsyncConnection], Awaitable[None]]


async def add_editions(connection: AsyncConnection) -> None:
    """Layout 2: the last good content of each feed, what a revision was merged from, observed rates, and indexes of
    changes.
    """
    await create(connection, tables.Edition)
    await add_column(connection, tables.Revision, "inputs")
    await add_column(connection, tables.Rate, "observed", default="false")
    await replace_indexes(connection, tables.Change)


async def index_references(connection: AsyncConnection) -> None:
    """Layout 3: the reference index, filled from the models there are."""
    await create(connection, tables.Reference)
    await create(connection, tables.Prefix)
    await connection.execute(sa.text("DROP INDEX ix_model_version_of"))
    await create_index(connection, tables.Model, "model_versions")
    await write_references(connection)


async def order_by_bytes(connection: AsyncConnection) -> None:
    """Layout 4: PostgreSQL orders text as SQLite does, whatever the collation of the database."""
    if connection.dialect.name != "postgresql":
        return
    for model in tables.REGISTRY:
        changes = [
            f'ALTER COLUMN "{column.name}" TYPE {column.type.compile(connection.dialect)}'
            for column in table(model).columns
            if isinstance(column.type, AutoString)
        ]
        if changes:
            await connection.execute(sa.text(f"ALTER TABLE {table(model).name} {', '.join(changes)}"))


STEPS: dict[int, Step] = {1: add_editions, 2: index_references, 3: order_by_bytes}
"""Layout -> the step that upgrades it to the next one."""


async def upgrade(connection: AsyncConnection, found: int | None) -> str:
    """Upgrades the tables from an older layout to the current one. Returns a note for the operator."""
    layout = found or 0
    while layout < tables.LAYOUT:
        step = STEPS.get(layout)
        if step is None:
            raise OperatorError(
                f"The database has layout {found}, which this program can't upgrade to {tables.LAYOUT}. "
                "Set MODELMETA_DATABASE_URL to another database."
            )
        await step(connection)
        layout += 1
    number = table(tables.Layout)
    await connection.execute(sa.delete(number))
    await connection.execute(sa.insert(number).values(number=tables.LAYOUT))
    return f"The database was upgraded from layout {found} to {tables.LAYOUT}; everything in it was kept."


async def create(connection: AsyncConnection, model: type[tables.Table]) -> None:
    await connection.run_sync(table(model).create)


async def create_index(connection: AsyncConnection, model: type[tables.Table], name: str) -> None:
    index = next(index for index in table(model).indexes if index.name == name)
    await connection.run_sync(index.create)


async def add_column(
    connection: AsyncConnection, model: type[tables.Table], name: str, default: str | None = None
) -> None:
    """Adds a column. A NOT NULL column needs a default for the rows that exist."""
    column = table(model).c[name]
    kind = column.type.compile(connection.dialect)
    given = "" if default is None else f" DEFAULT {default}"
    rule = "" if column.nullable else " NOT NULL"
    await connection.execute(sa.text(f"ALTER TABLE {table(model).name} ADD COLUMN {name} {kind}{given}{rule}"))


async def replace_indexes(connection: AsyncConnection, model: type[tables.Table]) -> None:
    """Replaces a table's indexes with the current ones."""

    def replace(sync: sa.Connection) -> None:
        wanted = {index.name: index for index in table(model).indexes}
        existing = {index["name"] for index in sa.inspect(sync).get_indexes(str(table(model).name))}
        for name in existing - wanted.keys():
            sync.execute(sa.text(f'DROP INDEX "{name}"'))
        for name in wanted.keys() - existing:
            wanted[name].create(sync)

    await connection.run_sync(replace)
