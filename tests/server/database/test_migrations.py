"""An older database is upgraded in place; a newer one is refused."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from schema import tables
from schema.tables import table
from server import database
from server.errors import OperatorError
from tests.server.database.names import CHANGED_NAMES, ORIGINAL_NAMES, model_names, newest_revision, renamed
from tests.support.registry import put, tiny


async def test_preparing_a_database_again_changes_nothing(url: str) -> None:
    engine = database.create_engine(url)
    try:
        assert await database.prepare(engine) is None
        await put(engine, tiny())
        assert await database.prepare(engine) is None
        async with database.reading(engine) as reader:
            assert await model_names(reader) == ORIGINAL_NAMES
    finally:
        await engine.dispose()


async def columns_of(reader: AsyncConnection) -> dict[str, set[Any]]:
    """Every table with its columns; those of changes and models with their indexes too."""

    def inspect(sync: sa.Connection) -> dict[str, set[Any]]:
        inspector = sa.inspect(sync)
        columns = {
            name: {column["name"] for column in inspector.get_columns(name)} for name in inspector.get_table_names()
        }
        indexes = {name: {index["name"] for index in inspector.get_indexes(name)} for name in ("change", "model")}
        return columns | {name: columns[name] | indexes[name] for name in indexes}

    return await reader.run_sync(inspect)


async def rows_of(reader: AsyncConnection, model: type[tables.Table]) -> set[tuple[Any, ...]]:
    return {tuple(row) for row in await reader.execute(sa.select(table(model)))}


# SQLAlchemy leaves out indexes on expressions, and says so.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
async def test_an_older_layout_is_upgraded_and_keeps_its_data(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    await put(engine, renamed())
    async with database.reading(engine) as reader:
        current = await columns_of(reader)
        index = await rows_of(reader, tables.Reference), await rows_of(reader, tables.Prefix)
    async with database.writing(engine) as writer:
        for change in (
            "DROP TABLE reference",
            "DROP TABLE prefix",
            "DROP INDEX model_versions",
            "CREATE INDEX ix_model_version_of ON model (version_of)",
            "DROP TABLE edition",
            "ALTER TABLE revision DROP COLUMN inputs",
            "ALTER TABLE rate DROP COLUMN observed",
            "DROP INDEX change_by_kind",
            "DROP INDEX change_by_field",
            "CREATE INDEX ix_change_kind ON change (kind)",
            "UPDATE layout SET number = 1",
            "CREATE TABLE operators_notes (note TEXT)",
            "INSERT INTO operators_notes VALUES ('keep me')",
        ):
            await writer.execute(sa.text(change))
    message = await database.prepare(engine)
    assert message == f"The database was upgraded from layout 1 to {tables.LAYOUT}; everything in it was kept."
    assert await database.prepare(engine) is None
    async with database.reading(engine) as reader:
        assert await columns_of(reader) == {**current, "operators_notes": {"note"}}
        assert (await newest_revision(reader), await model_names(reader)) == (2, CHANGED_NAMES)
        assert (await rows_of(reader, tables.Reference), await rows_of(reader, tables.Prefix)) == index
        assert await reader.scalar(sa.select(sa.func.count()).select_from(table(tables.Change))) == 1
        assert await reader.scalar(sa.text("SELECT note FROM operators_notes")) == "keep me"
    await put(engine, tiny())
    async with database.reading(engine) as reader:
        assert (await newest_revision(reader), await model_names(reader)) == (3, ORIGINAL_NAMES)


async def test_a_layout_that_cannot_be_upgraded_is_refused(engine: AsyncEngine) -> None:
    async with database.writing(engine) as writer:
        await writer.execute(sa.update(table(tables.Layout)).values(number=0))
    with pytest.raises(OperatorError, match="can't upgrade"):
        await database.prepare(engine)


async def test_a_newer_layout_is_refused_and_unchanged(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    newer = tables.LAYOUT + 1
    async with database.writing(engine) as writer:
        await writer.execute(sa.update(table(tables.Layout)).values(number=newer))
    with pytest.raises(OperatorError) as caught:
        await database.prepare(engine)
    assert str(caught.value) == (
        f"The database has layout {newer}, which is newer than this program's ({tables.LAYOUT}). "
        "Upgrade ModelMeta, or set MODELMETA_DATABASE_URL to another database."
    )
    async with database.reading(engine) as reader:
        assert await model_names(reader) == ORIGINAL_NAMES
