"""Engines for SQLite and PostgreSQL whose read transactions see one revision, and the tables they need."""

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
from schema.tables import table
from server.database.migrations import upgrade
from server.errors import OperatorError

READERS = 8
"""Connections each engine keeps open; as many again are opened under load."""
EMPTY = "The database is empty. Load the registry with `modelmeta load`, or name another database with --database-url."


def create_engine(url: str) -> AsyncEngine:
    """An engine whose transactions are snapshots: WAL on SQLite, REPEATABLE READ on PostgreSQL."""
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError) as error:
        raise OperatorError(
            "MODELMETA_DATABASE_URL is not a valid database URL. Write sqlite+aiosqlite:///FILE or "
            "postgresql+asyncpg://USER@HOST:PORT/DATABASE."
        ) from error
    if parsed.get_backend_name() == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise OperatorError("MODELMETA_DATABASE_URL names no file. Write sqlite+aiosqlite:///FILE.")
        return _sqlite(parsed, Path(parsed.database).expanduser())
    return create_async_engine(
        parsed, isolation_level="REPEATABLE READ", pool_size=READERS, max_overflow=READERS, pool_pre_ping=True
    )


def _sqlite(url: sa.URL, file: Path) -> AsyncEngine:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError(
            f"The database's folder {file.parent} can't be created: {error.strerror}. "
            "Set MODELMETA_DATABASE_URL to a file in a writable folder."
        ) from error
    made = create_async_engine(
        # The driver opens no transaction by itself: `begin` below does, so that every read is a snapshot.
        url.set(database=str(file)),
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
    """A connection in a transaction that sees one revision, whatever is written meanwhile."""
    async with engine.connect() as connection:
        yield connection


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncGenerator[AsyncConnection]:
    """A connection in a transaction that is committed at the end, or rolled back after an error."""
    async with engine.connect() as connection:
        connection = await connection.execution_options(modelmeta_writes=True)
        async with connection.begin():
            yield connection


async def newest(connection: AsyncConnection) -> int | None:
    """Number of the newest revision; None while no registry is loaded."""
    return await connection.scalar(sa.select(sa.func.max(col(tables.Revision.number))))


def location(engine: AsyncEngine) -> str:
    """URL of the database, without its password."""
    return engine.url.render_as_string(hide_password=True)


async def prepare(engine: AsyncEngine) -> str | None:
    """Creates the tables, or upgrades those of an older layout and says so.

    Raises OperatorError when the database can't be reached, read or written.
    """
    try:
        # Usually there is nothing to write, and then this does not wait for a writer.
        async with reading(engine) as connection:
            if await _layout_number(connection) == tables.LAYOUT:
                return None
        async with writing(engine) as connection:
            return await _create_or_upgrade(connection)
    except (SQLAlchemyError, OSError, sqlite3.Error) as error:
        raise OperatorError(explain(engine, error)) from error


async def _create_or_upgrade(connection: AsyncConnection) -> str | None:
    names = await _table_names(connection)
    ours = {table(model).name for model in tables.REGISTRY}
    if not names & ours:
        await connection.run_sync(tables.Table.metadata.create_all, tables=[table(model) for model in tables.REGISTRY])
        await connection.execute(sa.insert(table(tables.Layout)).values(number=tables.LAYOUT))
        return None
    if "layout" not in names:
        raise OperatorError(
            f"The database already has tables named {', '.join(sorted(names & ours))} that are not ModelMeta's. "
            "Set MODELMETA_DATABASE_URL to a separate database."
        )
    found = await _layout_number(connection)
    if found == tables.LAYOUT:
        return None
    if found is not None and found > tables.LAYOUT:
        raise OperatorError(
            f"The database has layout {found}, which is newer than this program's ({tables.LAYOUT}). "
            "Upgrade ModelMeta, or set MODELMETA_DATABASE_URL to another database."
        )
    return await upgrade(connection, found)


async def _table_names(connection: AsyncConnection) -> set[str]:
    return set(await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names()))


async def _layout_number(connection: AsyncConnection) -> int | None:
    if "layout" not in await _table_names(connection):
        return None
    return await connection.scalar(sa.select(sa.func.max(col(tables.Layout.number))))


def explain(engine: AsyncEngine, error: BaseException) -> str:
    """One line that says what is wrong with the database and how to fix it."""
    cause: BaseException | None = error.orig if isinstance(error, DBAPIError) else error
    text = str(cause or error).strip().splitlines()[0] if str(cause or error).strip() else type(error).__name__
    where = location(engine)
    if engine.url.get_backend_name() == "sqlite":
        if "malformed" in text or "not a database" in text:
            return f"The database {where} is damaged ({text}). Move the file away; the next start creates a new one."
        if "locked" in text:
            return (
                f"The database {where} is locked by another program that writes to it ({text}). "
                "Try again, or stop that program."
            )
        return (
            f"The database {where} can't be opened or written ({text}). "
            "Check the path and the file's permissions, or set MODELMETA_DATABASE_URL."
        )
    return f"PostgreSQL at {where} can't be used ({text}). Start it, or set MODELMETA_DATABASE_URL to another server."
