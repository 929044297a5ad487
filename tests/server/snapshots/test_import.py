"""An import replaces only on request, keeps revision numbers increasing, and reaches running servers."""

import asyncio
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from seeds.catalogue import ModelClaims
from server import database
from server.errors import OperatorError
from server.snapshots import transfer
from server.snapshots.format import Reader
from tests.server.snapshots.edits import refusal, rewrite, set_header
from tests.support.registry import NOW, asker, put, tiny
from tests.support.servers import modelmeta, serving, tiny_database
from tests.support.snapshots import all_rows, changed_registry, export_bytes, import_bytes, no_progress, parse_lines

STATE = """{ registry { revision { number createdAt } modelCount sources { slug lastSuccessAt } }
  models { nodes { ref name prices { meter amount source { slug } } parameters { name default }
  facts { field value observedAt } } } }"""


async def test_an_import_into_a_filled_database_needs_replace(engine: AsyncEngine, snapshot: bytes) -> None:
    result = await import_bytes(engine, snapshot)
    assert result.revision == 2
    before = await all_rows(engine)
    with pytest.raises(OperatorError) as caught:
        await import_bytes(engine, snapshot)
    assert str(caught.value) == (
        "The database already contains revision 2. Choose an empty database with --database-url, or replace the "
        "content and its history with --replace."
    )
    assert await all_rows(engine) == before


async def test_replacing_a_shorter_history_gives_exactly_the_snapshot(engine: AsyncEngine, snapshot: bytes) -> None:
    catalogues = tiny()
    catalogues[2].models.pop()
    await put(engine, catalogues)
    await import_bytes(engine, snapshot, replace=True)
    assert await export_bytes(engine) == snapshot


async def test_revision_numbers_never_decrease(engine: AsyncEngine, snapshot: bytes) -> None:
    for day in range(4):
        await put(engine, changed_registry() if day % 2 else tiny(), NOW + timedelta(days=day))
    result = await import_bytes(engine, snapshot, replace=True)
    assert result.revision == 5
    current, file = parse_lines(await export_bytes(engine)), parse_lines(snapshot)
    assert [row for row in current[1:-1] if row[0] != "revision"] == [row for row in file[1:-1] if row[0] != "revision"]
    numbers = [(row[1], row[3]) for row in current[1:-1] if row[0] == "revision"]
    assert numbers == [(1, 0), (2, 2), (5, 0)]


async def test_a_refresh_continues_after_an_import(engine: AsyncEngine, snapshot: bytes) -> None:
    await import_bytes(engine, snapshot)
    newer = changed_registry()
    newer[2].models.append(ModelClaims("azure", "tiny-newest", facts={"name": "Tiny Newest"}))
    outcome = await put(engine, newer, NOW + timedelta(days=2))
    ask = asker(engine)
    assert await ask('{ registry { modelCount revision { number } } model(ref: "azure/tiny-newest") { name } }') == {
        "registry": {"modelCount": 5, "revision": {"number": outcome.revision}},
        "model": {"name": "Tiny Newest"},
    }
    # Also after an import whose own revision number is lower.
    await import_bytes(engine, snapshot, replace=True)
    await put(engine, newer, NOW + timedelta(days=3))
    assert (await ask("{ registry { modelCount revision { number } } }"))["registry"] == {
        "modelCount": 5,
        "revision": {"number": 5},
    }


async def test_a_refresh_continues_after_a_refused_import(engine: AsyncEngine, snapshot: bytes) -> None:
    await put(engine, tiny())
    await refusal(engine, rewrite(snapshot, set_header(revision=3)))
    await put(engine, changed_registry(), NOW + timedelta(days=1))
    assert (await asker(engine)("{ registry { modelCount } }"))["registry"]["modelCount"] == 4


async def test_a_running_server_notices_an_import(kind: str, tmp_path: Path, snapshot: bytes) -> None:
    file = tmp_path / "snapshot.gz"
    file.write_bytes(snapshot)
    query = {"query": '{ registry { revision { number } } model(ref: "openai/tiny-large") { contextWindow } }'}
    async with tiny_database(tmp_path, kind) as url:
        engine = database.create_engine(url)
        smaller = tiny()
        for day, window in enumerate((100_000, 150_000), 1):
            smaller[2].models[0].facts["context_window"] = window
            await put(engine, smaller, NOW + timedelta(days=day))
        await engine.dispose()
        async with serving(url, tmp_path) as server, server.client() as client:
            answers: list[Any] = [(await client.post("/graphql", json=query)).json()["data"]]
            completed = await asyncio.to_thread(modelmeta, "import", str(file), "--replace", database_url=url)
            assert completed.stderr == "Imported revision 2: 110 rows, 4 models from 2 providers as revision 4.\n"
            answers.append((await client.post("/graphql", json=query)).json()["data"])
    assert answers == [
        {"registry": {"revision": {"number": number}}, "model": {"contextWindow": window}}
        for number, window in ((3, 150_000), (4, 400_000))
    ]


async def test_readers_are_not_blocked_by_an_import(engine: AsyncEngine, snapshot: bytes) -> None:
    await put(engine, tiny())
    ask = asker(engine)
    before = await ask(STATE)
    reader = Reader(io.BytesIO(snapshot), "FILE")
    async with asyncio.timeout(20):
        async with database.writing(engine) as connection:
            await transfer.import_registry(connection, reader, True, no_progress)
            assert await ask(STATE) == before
        assert await ask(STATE) != before
