"""Text has one order on every database: by its bytes, whatever collation a PostgreSQL database was created with."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import AutoString

from schema import tables
from schema.tables import table
from seeds.catalogue import Catalogue
from server import database
from tests.support.registry import POSTGRESQL, Ask, asker, create_database, drop_database, put, tiny

BY_BYTES = ["Tiny-Small", "_Tiny Large", "tiny Small (Azure)"]
"""A linguistic collation would ignore case and punctuation, and put the underscore first."""
PAGE = """
    query ($after: String, $direction: OrderDirection!) {
      models(first: 1, after: $after, orderBy: {field: NAME, direction: $direction}) {
        nodes { name }
        pageInfo { endCursor hasNextPage }
      }
    }
"""


@pytest_asyncio.fixture(loop_scope="session")
async def icu(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """An empty PostgreSQL database that sorts as people who write English do."""
    url = await create_database("postgresql", tmp_path)
    name = sa.make_url(url).database
    connection = await asyncpg.connect(POSTGRESQL, timeout=5)
    try:
        await connection.execute(f'DROP DATABASE "{name}"')
        await connection.execute(
            f"CREATE DATABASE \"{name}\" TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
        )
    finally:
        await connection.close()
    engine = database.create_engine(url)
    yield engine
    await engine.dispose()
    await drop_database(url)


def mixed() -> list[Catalogue]:
    """The tiny registry, its models named so that collations disagree about their order."""
    catalogues = tiny()
    names = iter(("_Tiny Large", "Tiny-Small", "tiny Small (Azure)"))
    for model in catalogues[-1].models:
        model.facts["name"] = next(names)
    return catalogues


async def names_by_page(ask: Ask, direction: str) -> list[str]:
    """The names of all models, in order, a page of one at a time."""
    found: list[str] = []
    after = None
    while True:
        page = (await ask(PAGE, {"after": after, "direction": direction}))["models"]
        found += [node["name"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


async def check_order(engine: AsyncEngine) -> None:
    ask = asker(engine)
    assert await names_by_page(ask, "ASC") == BY_BYTES
    assert await names_by_page(ask, "DESC") == BY_BYTES[::-1]


async def test_every_database_orders_names_by_their_bytes(engine: AsyncEngine) -> None:
    await put(engine, mixed())
    await check_order(engine)


async def test_a_linguistic_collation_of_the_database_does_not_change_the_order(icu: AsyncEngine) -> None:
    await database.prepare(icu)
    await put(icu, mixed())
    await check_order(icu)


async def test_a_database_of_an_older_layout_is_upgraded_to_that_order(icu: AsyncEngine) -> None:
    await database.prepare(icu)
    await put(icu, mixed())
    async with database.writing(icu) as writer:
        await writer.execute(sa.text("UPDATE layout SET number = 3"))
        for model in tables.REGISTRY:
            for column in table(model).columns:
                if isinstance(column.type, AutoString):
                    await writer.execute(
                        sa.text(f'ALTER TABLE {table(model).name} ALTER "{column.name}" TYPE VARCHAR COLLATE "default"')
                    )
    await icu.dispose()  # its connections know statements over the former columns
    assert await names_by_page(asker(icu), "ASC") != BY_BYTES
    assert await database.prepare(icu) is not None
    await icu.dispose()
    await check_order(icu)
