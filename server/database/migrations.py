"""The way from an older layout of the tables to today's, with everything that is stored kept.

A database whose layout is raised keeps its history, which no source could give back. Every step runs in the one
transaction of `database.prepare`, on SQLite as on PostgreSQL.
"""

from collections.abc import Awaitable, Callable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from schema import tables
from seeds.store.references import write_references
from server.errors import OperatorError

Step = Callable[[AsyncConnection], Awaitable[None]]


async def keep_editions(connection: AsyncConnection) -> None:
    """Layout 2: the last good content of each feed, what a revision was merged from, rates seen by the registry,
    and changes found by whatever they are asked for.
    """
    await create(connection, tables.Edition)
    await add_column(connection, tables.Revision, "inputs")
    await add_column(connection, tables.Rate, "observed", default="false")
    await renew_indexes(connection, tables.Change)


async def index_references(connection: AsyncConnection) -> None:
    """Layout 3: the reference index, filled from the models there are."""
    await create(connection, tables.Reference)
    await create(connection, tables.Prefix)
    await connection.execute(sa.text("DROP INDEX ix_model_version_of"))
    await create_index(connection, tables.Model, "model_versions")
    await write_references(connection)


STEPS: dict[int, Step] = {1: keep_editions, 2: index_references}
"""Layout -> the step that leads to the next one."""


async def upgrade(connection: AsyncConnection, found: int | None) -> str:
    """Brings the tables from an older layout to today's, and says so."""
    layout = found or 0
    while layout < tables.LAYOUT:
        step = STEPS.get(layout)
        if step is None:
            raise OperatorError(
                f"The database has layout {found}, which this program can't bring to {tables.LAYOUT}. "
                "Point MODELMETA_DATABASE_URL at another database."
            )
        await step(connection)
        layout += 1
    number = table(tables.Layout)
    await connection.execute(sa.delete(number))
    await connection.execute(sa.insert(number).values(number=tables.LAYOUT))
    return f"The database had layout {found}; it has layout {tables.LAYOUT} now, and everything in it was kept."


def table(model: type[tables.Table]) -> sa.Table:
    return tables.Table.metadata.tables[str(model.__tablename__)]


async def create(connection: AsyncConnection, model: type[tables.Table]) -> None:
    await connection.run_sync(table(model).create)


async def create_index(connection: AsyncConnection, model: type[tables.Table], name: str) -> None:
    index = next(index for index in table(model).indexes if index.name == name)
    await connection.run_sync(index.create)


async def add_column(
    connection: AsyncConnection, model: type[tables.Table], name: str, default: str | None = None
) -> None:
    """Adds a column. One that is never null needs the value that rows stored before get."""
    column = table(model).c[name]
    kind = column.type.compile(connection.dialect)
    given = "" if default is None else f" DEFAULT {default}"
    rule = "" if column.nullable else " NOT NULL"
    await connection.execute(sa.text(f"ALTER TABLE {table(model).name} ADD COLUMN {name} {kind}{given}{rule}"))


async def renew_indexes(connection: AsyncConnection, model: type[tables.Table]) -> None:
    """Gives a table today's indexes in place of those it has."""

    def renew(sync: sa.Connection) -> None:
        wanted = {index.name: index for index in table(model).indexes}
        held = {index["name"] for index in sa.inspect(sync).get_indexes(str(table(model).name))}
        for name in held - wanted.keys():
            sync.execute(sa.text(f'DROP INDEX "{name}"'))
        for name in wanted.keys() - held:
            wanted[name].create(sync)

    await connection.run_sync(renew)
