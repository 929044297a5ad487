"""Snapshots for tests: exporting, importing, reading and comparing them."""

import gzip
import io
import json
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from schema import tables
from schema.tables import table
from seeds.catalogue import Catalogue, ModelClaims
from server import database
from server.snapshots import transfer
from server.snapshots.format import Reader
from tests.support.registry import NOW, create_database, drop_database, tiny
from tests.support.servers import ROOT, environment

SQL_TABLES = [table(model) for model in tables.REGISTRY]
EDITION_ROW = {
    "source_slug": "models-dev",
    "content": bytes(range(256)),
    "fingerprint": "f",
    "etag": '"e"',
    "last_modified": None,
    "fetched_at": NOW,
}
UNICODE = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
NUMBERS = (
    st.integers(-(2**63), 2**64 - 1)
    | st.integers(10**20, 10**40).map(Decimal)
    | st.decimals(-(10**30), 10**30, places=9).map(
        lambda number: int(number) if number == int(number) and abs(number) < 2**53 else number
    )
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(UNICODE, max_size=5), inner, max_size=3),
    max_leaves=6,
)


def no_progress(*_: Any) -> None:
    """Ignores reports of progress."""


async def export_bytes(engine: AsyncEngine) -> bytes:
    parts: list[bytes] = []
    async with database.reading(engine) as connection:
        await transfer.export_registry(connection, parts.append, no_progress)
    return b"".join(parts)


async def import_bytes(engine: AsyncEngine, data: bytes, replace: bool = False) -> transfer.Transfer:
    reader = Reader(io.BytesIO(data), "FILE")
    async with database.writing(engine) as connection:
        return await transfer.import_registry(connection, reader, replace, no_progress)


def parse_lines(data: bytes) -> list[Any]:
    return [json.loads(line) for line in gzip.decompress(data).splitlines()]


def read_all_rows(data: bytes) -> dict[str, list[dict[str, Any]]]:
    """All rows of a snapshot, read without a database."""
    reader = Reader(io.BytesIO(data), "FILE")
    rows = {
        sql_table.name: [row.values for row in reader.read_rows(sql_table, postgresql=False)]
        for sql_table in SQL_TABLES
    }
    reader.close()
    return rows


async def all_rows(engine: AsyncEngine) -> dict[str, list[str]]:
    """Every row of every table, as text that shows the type of each value."""
    async with database.reading(engine) as connection:
        return {
            sql_table.name: sorted(repr(tuple(row)) for row in await connection.execute(sa.select(sql_table)))
            for sql_table in SQL_TABLES
        }


async def clear(engine: AsyncEngine) -> None:
    async with database.writing(engine) as connection:
        for sql_table in reversed(SQL_TABLES):
            await connection.execute(sa.delete(sql_table))
        await connection.execute(sa.insert(table(tables.Layout)).values(number=tables.LAYOUT))


def changed_registry() -> list[Catalogue]:
    """The tiny registry a day later: one context window grew, one model was added."""
    catalogues = tiny()
    catalogues[2].models[0].facts["context_window"] = 400_000
    catalogues[2].models.append(ModelClaims("openai", "tiny-new", facts={"name": "Tiny New"}))
    return catalogues


@asynccontextmanager
async def empty_database(kind: str, folder: Path) -> AsyncGenerator[AsyncEngine]:
    """Another empty database with its tables."""
    url = await create_database(kind, folder)
    engine = database.create_engine(url)
    await database.prepare(engine)
    try:
        yield engine
    finally:
        await engine.dispose()
        await drop_database(url)


def url_of(engine: AsyncEngine) -> str:
    return engine.url.render_as_string(hide_password=False)


def run_command(
    *arguments: str,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
    env: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Runs the command line with the given file descriptors and waits for it."""
    return subprocess.run(
        [sys.executable, "-m", "server.cli", *arguments],
        cwd=ROOT,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=env or environment(),
        timeout=60,
        check=False,
    )
