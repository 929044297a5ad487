"""Fixtures every test can use: an empty database, the tiny registry and the whole one, on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import settings
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from seeds import load
from server import database
from tests.support.registry import Ask, asker, create_database, drop_database, put, tiny

settings.register_profile("modelmeta", deadline=None)  # the time of an example depends on the machine
settings.load_profile("modelmeta")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Tests without a database or a browser run first, since they fail fastest.
    items.sort(key=lambda item: ("postgresql" in item.nodeid, "browser" in item.nodeid))


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture(loop_scope="session")
async def url(kind: str, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of an empty database."""
    made = await create_database(kind, tmp_path)
    yield made
    await drop_database(made)


@pytest_asyncio.fixture(loop_scope="session")
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    """An empty database with its tables."""
    made = database.create_engine(url)
    await database.prepare(made)
    yield made
    await made.dispose()


@pytest_asyncio.fixture(loop_scope="session")
async def ask(engine: AsyncEngine) -> Ask:
    """Runs queries on the tiny registry."""
    await put(engine, tiny())
    return asker(engine)


@pytest.fixture(scope="session")
def loaded() -> load.Loaded:
    """The bundled sources, merged."""
    return load.read()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def full_engine(
    kind: str, loaded: load.Loaded, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[AsyncEngine]:
    """The whole registry as the bundled sources describe it. Tests only read it."""
    made_url = await create_database(kind, tmp_path_factory.mktemp("full"))
    made = database.create_engine(made_url)
    await database.prepare(made)
    async with database.writing(made) as connection:
        await load.write(connection, loaded)
    yield made
    await made.dispose()
    await drop_database(made_url)


@pytest.fixture
def full(full_engine: AsyncEngine) -> Ask:
    """Runs queries on the whole registry."""
    return asker(full_engine)


@pytest.fixture
def statements(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """The SQL statements run on the whole registry's engine during the test."""
    engine: AsyncEngine = request.getfixturevalue("full_engine")
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine.sync_engine, "before_cursor_execute", note)
