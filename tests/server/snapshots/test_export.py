"""An export is exact, reproducible and follows the documented format, on SQLite and on PostgreSQL."""

import asyncio
import gzip
import hashlib
import json
import subprocess
import sys
from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import UTC, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from schema import tables
from schema.tables import table
from seeds.store.rows import insert
from server import database
from server.snapshots import transfer
from server.snapshots.values import codec
from tests.support.registry import NOW, asker, create_database, drop_database, put, tiny
from tests.support.servers import ROOT, environment, modelmeta, tiny_database
from tests.support.snapshots import (
    EDITION_ROW,
    JSON_VALUES,
    SQL_TABLES,
    UNICODE,
    all_rows,
    changed_registry,
    clear,
    empty_database,
    export_bytes,
    import_bytes,
    no_progress,
    url_of,
)

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-(2**31), 2**31 - 1),
    "boolean": st.booleans(),
    "text": st.text(UNICODE, max_size=12),
    "decimal": st.decimals(-(10**19), 10**19, places=18) | st.sampled_from([Decimal("1e-7"), Decimal("1E+3")]),
    "instant": st.datetimes(timezones=st.just(UTC)),
    "date": st.dates(),
    "time": st.times(),
    "bytes": st.binary(max_size=40),
    "json": JSON_VALUES,
}


@st.composite
def registries(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """Rows for every table, with any values their columns accept."""
    generated: dict[str, list[dict[str, Any]]] = {"layout": [{"number": tables.LAYOUT}]}
    for sql_table in SQL_TABLES[1:]:
        generated[sql_table.name] = []
        unique: set[tuple[str, Any]] = set()
        for _ in range(draw(st.integers(1 if sql_table.name == "revision" else 0, 3))):
            row: dict[str, Any] = {}
            for column in sql_table.columns:
                kind = codec(column.type).kind
                values = VALUES.get(kind)
                if column.foreign_keys:
                    (key,) = column.foreign_keys
                    values = st.sampled_from(
                        [parent[key.column.name] for parent in generated[key.column.table.name]] or [None]
                    )
                elif isinstance(column.type, sa.Enum):
                    values = st.sampled_from(list(column.type.enum_class or ()))
                elif (sql_table.name, column.name) == ("revision", "number"):
                    values = st.integers(1, 2**31 - 1)
                elif kind == "json" and not column.nullable:
                    values = st.lists(st.text(UNICODE, max_size=5), max_size=2)
                assert values is not None, column
                row[column.name] = draw(st.none() | values if column.nullable else values)
            if any(row[column.name] is None and not column.nullable for column in sql_table.columns):
                continue  # it would need a parent row, and there is none
            keys = {
                ("key", tuple(row[column.name] for column in sql_table.primary_key.columns)),
                ("ref", row.get("ref", len(unique))),
            }
            if not keys & unique:
                unique |= keys
                generated[sql_table.name].append(row)
    return generated


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def both_engines(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[AsyncEngine, AsyncEngine]]:
    folder = tmp_path_factory.mktemp("both")
    async with empty_database("sqlite", folder) as sqlite, empty_database("postgresql", folder) as postgresql:
        yield sqlite, postgresql


@settings(max_examples=30, deadline=None)
@given(rows=registries())
async def test_any_valid_rows_survive_a_trip_to_postgresql_and_back(
    both_engines: tuple[AsyncEngine, AsyncEngine], rows: dict[str, list[dict[str, Any]]]
) -> None:
    sqlite, postgresql = both_engines
    for engine in both_engines:
        await clear(engine)
    async with database.writing(sqlite) as connection:
        for model in tables.REGISTRY[1:]:
            await insert(connection, model, rows[str(model.__tablename__)])
    first, rows_before = await export_bytes(sqlite), await all_rows(sqlite)
    await import_bytes(postgresql, first)
    assert await export_bytes(postgresql) == first
    await clear(sqlite)
    await import_bytes(sqlite, await export_bytes(postgresql))
    assert await export_bytes(sqlite) == first
    assert await all_rows(sqlite) == rows_before


PEAK_MEMORY = """
import sys
from pathlib import Path
from server import cli
try:
    cli.main()
finally:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print(status["VmHWM"].split()[0], file=sys.stderr)
"""
"""Runs the command line, then prints its peak memory in KiB."""


async def peak_memory(*arguments: str) -> int:
    """The peak memory of a command in MB."""
    completed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", PEAK_MEMORY, *arguments],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return int(completed.stderr.splitlines()[-1]) // 1024


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True, scope="session")
async def test_the_whole_registry_is_copied_to_postgresql_with_little_memory(
    full_engine: AsyncEngine, tmp_path: Path
) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("needs /proc to measure the memory of a process")
    file, small = tmp_path / "whole.gz", tmp_path / "small.gz"
    async with empty_database("postgresql", tmp_path) as engine, tiny_database(tmp_path) as tiny_url:
        baseline = await peak_memory("export", str(small), "--database-url", tiny_url)
        assert await peak_memory("export", str(file), "--database-url", url_of(full_engine)) < baseline + 80
        assert await peak_memory("import", str(file), "--database-url", url_of(engine)) < baseline + 80
        # Read all at once, these lines would be hundreds of megabytes of rows.
        assert len(gzip.decompress(file.read_bytes())) > 20_000_000
        assert await export_bytes(engine) == file.read_bytes()
        query = "{ models(first: 100) { nodes { ref updatedAt prices { amount } facts { field value observedAt } } } }"
        assert await asker(engine)(query) == await asker(full_engine)(query)


async def test_a_database_with_a_locale_collation_exports_the_same_bytes(tmp_path: Path) -> None:
    url = await create_database("postgresql", tmp_path)
    name = sa.make_url(url).database
    engine = database.create_engine(url)
    async with engine.connect() as connection:
        connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
        swedish = f"{name}_sv"
        await connection.execute(
            sa.text(f"CREATE DATABASE \"{swedish}\" TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'sv'")
        )
    await engine.dispose()
    swedish_url = sa.make_url(url).set(database=swedish).render_as_string(hide_password=False)
    catalogues = tiny()
    catalogues[2].models[0].aliases = ("Z-large", "a-large", "B-large", "ä-large", "å-large", "_large", "-large")
    try:
        async with empty_database("sqlite", tmp_path) as plain:
            await put(plain, catalogues)
            engine = database.create_engine(swedish_url)
            await database.prepare(engine)
            await import_bytes(engine, await export_bytes(plain))
            assert await export_bytes(engine) == await export_bytes(plain)
            await engine.dispose()
    finally:
        await drop_database(swedish_url)
        await drop_database(url)


async def test_exporting_again_later_gives_the_same_bytes(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    first = await export_bytes(engine)
    await asyncio.sleep(1.1)
    assert await export_bytes(engine) == first
    flags, timestamp = first[3], first[4:8]
    assert (flags, timestamp) == (0, b"\0\0\0\0")


async def test_an_export_contains_one_revision_and_does_not_wait_for_writers(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    await put(engine, tiny())
    before = await export_bytes(engine)
    parts: list[bytes] = []
    async with database.reading(engine) as connection:
        assert await database.newest(connection) == 1
        await put(engine, changed_registry(), NOW + timedelta(days=1))
        await transfer.export_registry(connection, parts.append, no_progress)
    assert b"".join(parts) == before
    async with database.writing(engine) as writer:
        await writer.execute(sa.update(table(tables.Model)).values(name="unfinished"))
        file = tmp_path / "meanwhile.gz"
        completed = await asyncio.to_thread(modelmeta, "export", str(file), database_url=url_of(engine))
        assert completed.returncode == 0, completed.stderr
        assert b"unfinished" not in gzip.decompress(file.read_bytes())


def test_the_documented_format_is_enough_to_read_a_snapshot(snapshot: bytes) -> None:
    text = gzip.decompress(snapshot)
    header, *rows, end = map(json.loads, text.splitlines())
    assert (header["format"], header["version"], header["layout"]) == ("modelmeta-snapshot", 1, tables.LAYOUT)
    assert header["revision"] == 2
    rows_by_table: dict[str, list[dict[str, Any]]] = {}
    remaining_rows = iter(rows)
    for entry in header["tables"]:
        rows_by_table[entry["name"]] = []
        for _ in range(entry["rows"]):
            name, *values = next(remaining_rows)
            assert name == entry["name"]
            rows_by_table[name].append(dict(zip([column for column, _ in entry["columns"]], values, strict=True)))
    assert next(remaining_rows, None) is None
    assert list(rows_by_table) == [str(model.__tablename__) for model in tables.REGISTRY]
    closing = text.splitlines(keepends=True)[-1]
    assert end == {"rows": len(rows), "sha256": hashlib.sha256(text.removesuffix(closing)).hexdigest()}

    assert [revision | {"inputs": len(revision["inputs"])} for revision in rows_by_table["revision"]] == [
        {"number": 1, "created_at": "2026-11-23T12:00:00Z", "change_count": 0, "inputs": 64},
        {"number": 2, "created_at": "2026-11-24T12:00:00Z", "change_count": 2, "inputs": 64},
    ]
    (edition,) = rows_by_table["edition"]
    assert b64decode(edition["content"]) == EDITION_ROW["content"]
    (large,) = [row for row in rows_by_table["model"] if row["ref"] == "openai/tiny-large"]
    assert (large["release_date"], large["price_input"], large["access_type"]) == ("2026-03-01", "2.5", "CLOSED")
    assert {row["value"] for row in rows_by_table["claim"] if row["field"] == "contextWindow"} == {200_000, 400_000}
    assert (rows_by_table["change"][0]["before"], rows_by_table["change"][0]["after"]) == (200_000, 400_000)
