"""A reader sees one revision of the registry; a write is all or nothing."""

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col

from schema import tables
from schema.context import Context
from schema.tables import table
from server import database
from server.graphql.execution import Runner
from server.graphql.operations import Request
from tests.server.database.names import CHANGED_NAMES, ORIGINAL_NAMES, model_names, newest_revision, renamed
from tests.support.registry import put, settings_for, tiny


async def test_a_reader_keeps_seeing_the_registry_as_it_was_when_it_started(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    async with database.reading(engine) as before:
        assert await newest_revision(before) == 1
        await put(engine, renamed())
        # Also in a table it reads for the first time after the write.
        assert await model_names(before) == ORIGINAL_NAMES
        assert await newest_revision(before) == 1
        async with database.reading(engine) as after:
            assert (await newest_revision(after), await model_names(after)) == (2, CHANGED_NAMES)
        assert await model_names(before) == ORIGINAL_NAMES
    async with database.reading(engine) as later:
        assert (await newest_revision(later), await model_names(later)) == (2, CHANGED_NAMES)


async def test_a_reader_neither_sees_nor_waits_for_an_unfinished_write(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    async with database.writing(engine) as writer:
        await writer.execute(sa.update(table(tables.Model)).values(name="unfinished"))
        async with asyncio.timeout(5), database.reading(engine) as reader:
            assert await model_names(reader) == ORIGINAL_NAMES
    async with database.reading(engine) as reader:
        assert set((await model_names(reader)).values()) == {"unfinished"}


async def test_a_context_sees_one_revision(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    context = Context(engine)
    try:
        assert await context.scalar(sa.select(sa.func.max(col(tables.Revision.number)))) == 1
        await put(engine, renamed())
        assert await model_names(context) == ORIGINAL_NAMES
    finally:
        await context.close()


async def test_every_response_comes_from_one_revision_while_revisions_are_written(engine: AsyncEngine) -> None:
    runner = Runner(engine, settings_for(engine.url.render_as_string(hide_password=False)))
    query = '{ registry { revision { number } } model(ref: "openai/tiny-large") { name } }'
    prepared = runner.prepare(Request(query, {}, None, {}))
    await put(engine, tiny())
    seen: list[tuple[int, str]] = []
    done = asyncio.Event()

    async def ask_repeatedly() -> None:
        while not done.is_set():
            data = (await runner.run(prepared))["data"]
            seen.append((data["registry"]["revision"]["number"], data["model"]["name"]))

    askers = [asyncio.create_task(ask_repeatedly()) for _ in range(4)]
    for catalogues in (renamed(), tiny(), renamed()):
        await put(engine, catalogues)
    done.set()
    await asyncio.gather(*askers)
    data = (await runner.run(prepared))["data"]
    assert data == {"registry": {"revision": {"number": 4}}, "model": {"name": "Larger"}}
    assert seen
    assert set(seen) <= {(1, "Tiny Large"), (2, "Larger"), (3, "Tiny Large"), (4, "Larger")}


async def test_a_failed_write_changes_nothing(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    with pytest.raises(RuntimeError, match="halfway"):
        async with database.writing(engine) as writer:
            await writer.execute(sa.delete(table(tables.Claim)))
            await writer.execute(sa.update(table(tables.Model)).values(name="half"))
            raise RuntimeError("halfway")
    async with database.reading(engine) as reader:
        assert await model_names(reader) == ORIGINAL_NAMES
        assert await reader.scalar(sa.select(sa.func.count()).select_from(table(tables.Claim)))


async def test_foreign_keys_are_enforced(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    with pytest.raises(IntegrityError):
        async with database.writing(engine) as writer:
            await writer.execute(
                sa.insert(table(tables.Trait)).values(model_id=999_999, kind="CAPABILITY", value="VISION")
            )
    with pytest.raises(IntegrityError):
        async with database.writing(engine) as writer:
            await writer.execute(sa.delete(table(tables.Provider)).where(table(tables.Provider).c.slug == "openai"))
