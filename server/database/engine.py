"""The database: engine, layout, and a read transaction that sees one state of the registry."""

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlmodel import col

from schema import tables
from server.database.migrations import upgrade
from server.errors import OperatorError

READERS = 8
"""Connections kept open for reading."""
EMPTY = "The database holds no registry yet. Load one with `modelmeta load`, or name another with --database-url."


def create_engine(url: str) -> AsyncEngine:
    """An engine whose transactions are snapshots: WAL on SQLite, REPEATABLE READ on PostgreSQL."""
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError) as error:
        raise OperatorError(
            "MODELMETA_DATABASE_URL can't be read. Write sqlite+aiosqlite:///FILE or "
            "postgresql+asyncpg://USER@HOST:PORT/DATABASE."
        ) from error
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise OperatorError("MODELMETA_DATABASE_URL names no file. Write sqlite+aiosqlite:///FILE.")
        return _sqlite(parsed)
    return create_async_engine(
        parsed, isolation_level="REPEATABLE READ", pool_size=READERS, max_overflow=READERS, pool_pre_ping=True
    )


def _sqlite(url: sa.URL) -> AsyncEngine:
    if url.database and url.database != ":memory:":
        folder = Path(url.database).expanduser().parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OperatorError(
                f"The database's folder {folder} can't be made: {error.strerror}. "
                "Set MODELMETA_DATABASE_URL to a file in a folder that can be written."
            ) from error
    made = create_async_engine(
        # The driver begins no transaction by itself: `begin` below does, so that a read is a snapshot.
        url.set(database=str(Path(url.database).expanduser()) if url.database else None),
        connect_args={"isolation_level": None, "timeout": 30},
        pool_size=READERS,
        max_overflow=READERS,
    )

    @event.listens_for(made.sync_engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA mmap_size = 268435456")
        cursor.execute("PRAGMA cache_size = -16384")
        cursor.close()

    @event.listens_for(made.sync_engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("modelmeta_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return made


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncGenerator[AsyncConnection]:
    """A connection in a transaction that sees one state of the registry, whatever is written meanwhile."""
    async with engine.connect() as connection:
        yield connection


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncGenerator[AsyncConnection]:
    """A connection in a transaction that is committed at the end, or rolled back whole."""
    async with engine.connect() as connection:
        connection = await connection.execution_options(modelmeta_writes=True)
        async with connection.begin():
            yield connection


async def newest(connection: AsyncConnection) -> int | None:
    """The newest revision's number; None while no registry is loaded."""
    return await connection.scalar(sa.select(sa.func.max(col(tables.Revision.number))))


def location(engine: AsyncEngine) -> str:
    """Where the registry is kept, without a password."""
    return engine.url.render_as_string(hide_password=True)


async def prepare(engine: AsyncEngine) -> str | None:
    """Makes sure the tables exist in today's layout. Says what was done when an older one was found.

    Raises OperatorError when the database can't be reached, read or written.
    """
    try:
        # Most often there is nothing to write; then nobody who writes is waited for.
        async with reading(engine) as connection:
            names = await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names())
            if "layout" in names and await _layout(connection) == tables.LAYOUT:
                return None
        async with writing(engine) as connection:
            return await _lay_out(connection)
    except (SQLAlchemyError, OSError, sqlite3.Error) as error:
        raise OperatorError(explain(engine, error)) from error


async def _lay_out(connection: AsyncConnection) -> str | None:
    names = set(await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names()))
    ours = {_table(each).name for each in tables.REGISTRY}
    if names & ours and "layout" not in names:
        raise OperatorError(
            f"The database already has tables called {', '.join(sorted(names & ours))} that are not ModelMeta's. "
            "Give it a database of its own with MODELMETA_DATABASE_URL."
        )
    if names & ours:
        found = await _layout(connection)
        if found == tables.LAYOUT:
            return None
        if found is not None and found > tables.LAYOUT:
            raise OperatorError(
                f"The database has layout {found}, which is newer than this program's ({tables.LAYOUT}). "
                "Upgrade ModelMeta, or point MODELMETA_DATABASE_URL at another database."
            )
        return await upgrade(connection, found)
    await connection.run_sync(tables.Table.metadata.create_all, tables=[_table(each) for each in tables.REGISTRY])
    await connection.execute(sa.insert(_table(tables.Layout)).values(number=tables.LAYOUT))
    return None


async def _layout(connection: AsyncConnection) -> int | None:
    return await connection.scalar(sa.select(sa.func.max(col(tables.Layout.number))))


def _table(model: type[tables.Table]) -> sa.Table:
    return tables.Table.metadata.tables[str(model.__tablename__)]


def explain(engine: AsyncEngine, error: BaseException) -> str:
    """One line that says what is wrong with the database and what to do."""
    cause: BaseException | None = error.orig if isinstance(error, DBAPIError) else error
    text = str(cause or error).strip().splitlines()[0] if str(cause or error).strip() else type(error).__name__
    where = location(engine)
    if engine.url.get_backend_name() == "sqlite":
        if "malformed" in text or "not a database" in text:
            return f"The database {where} is damaged ({text}). Move the file away; it is built anew at the next start."
        if "locked" in text:
            return (
                f"The database {where} is in use by a program that writes to it ({text}). Try again, or stop that one."
            )
        return (
            f"The database {where} can't be opened or written ({text}). "
            "Mend the file's rights or set MODELMETA_DATABASE_URL."
        )
    return f"PostgreSQL at {where} can't be used ({text}). Start it, or set MODELMETA_DATABASE_URL to one that answers."
