"""Fixtures: a snapshot of the tiny registry and engines to import it into."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from schema import tables
from seeds.store.rows import insert
from server import database
from tests.support.registry import NOW, put, tiny
from tests.support.snapshots import EDITION_ROW, changed_registry, empty_database, export_bytes


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def snapshot(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The tiny registry with two revisions of history and one feed's content."""
    async with empty_database("sqlite", tmp_path_factory.mktemp("snapshot")) as engine:
        await put(engine, tiny())
        await put(engine, changed_registry(), NOW + timedelta(days=1))
        async with database.writing(engine) as connection:
            await insert(connection, tables.Edition, [EDITION_ROW])
        return await export_bytes(engine)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def protected_engine(kind: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AsyncEngine]:
    """A registry that no refused import may change."""
    async with empty_database(kind, tmp_path_factory.mktemp("protected")) as engine:
        await put(engine, tiny())
        yield engine
