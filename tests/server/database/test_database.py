"""The promise: a reader sees one state of the registry, a writer writes all or nothing, what is broken says so."""

import asyncio
import sqlite3
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlmodel import col

from schema import tables
from schema.context import Context
from seeds.catalogue import Catalogue
from seeds.store.store import table
from server import database
from server.errors import OperatorError
from server.graphql.execution import Request, Runner
from tests.support.registry import POSTGRESQL, create_database, drop_database, put, settings_for, tiny

NAMES = sa.select(col(tables.Model.ref), col(tables.Model.name)).order_by(col(tables.Model.ref))
OLD = {"azure/tiny-small": "Tiny Small (Azure)", "openai/tiny-large": "Tiny Large", "openai/tiny-small": "Tiny Small"}
NEW = {**OLD, "openai/tiny-large": "Larger"}


def renamed() -> list[Catalogue]:
    """The tiny registry a day later: one name and one alias have changed."""
    catalogues = tiny()
    for model in catalogues[2].models:
        if model.slug == "tiny-large":
            model.facts["name"] = "Larger"
    return catalogues


async def names(reader: AsyncConnection | Context) -> dict[str, str]:
    rows = await (reader.tuples(NAMES) if isinstance(reader, Context) else reader.execute(NAMES))
    return {row.ref: row.name for row in rows}


async def revision(reader: AsyncConnection) -> int | None:
    return await reader.scalar(sa.select(sa.func.max(col(tables.Revision.number))))


# One state


async def test_a_reader_that_began_before_a_write_sees_the_old_registry_to_its_end(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    async with database.reading(engine) as before:
        assert await revision(before) == 1
        await put(engine, renamed())
        # Not even in a table it had not read yet.
        assert await names(before) == OLD
        assert await revision(before) == 1
        async with database.reading(engine) as after:
            assert (await revision(after), await names(after)) == (2, NEW)
        assert await names(before) == OLD
    async with database.reading(engine) as later:
        assert (await revision(later), await names(later)) == (2, NEW)


async def test_a_reader_neither_sees_nor_awaits_a_write_under_way(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    async with database.writing(engine) as writer:
        await writer.execute(sa.update(table(tables.Model)).values(name="unfinished"))
        async with asyncio.timeout(5), database.reading(engine) as reader:
            assert await names(reader) == OLD
    async with database.reading(engine) as reader:
        assert set((await names(reader)).values()) == {"unfinished"}


async def test_one_answer_comes_from_one_state(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    context = Context(engine)
    try:
        assert await context.scalar(sa.select(sa.func.max(col(tables.Revision.number)))) == 1
        await put(engine, renamed())
        assert await names(context) == OLD
    finally:
        await context.close()


async def test_answers_before_and_after_a_write_are_each_of_one_piece(engine: AsyncEngine) -> None:
    runner = Runner(engine, settings_for(engine.url.render_as_string(hide_password=False)))
    query = '{ registry { revision { number } } model(ref: "openai/tiny-large") { name } }'
    ready = runner.prepare(Request(query, {}, None, {}))
    await put(engine, tiny())
    seen: list[tuple[int, str]] = []
    done = asyncio.Event()

    async def ask() -> None:
        while not done.is_set():
            data = (await runner.run(ready))["data"]
            seen.append((data["registry"]["revision"]["number"], data["model"]["name"]))

    askers = [asyncio.create_task(ask()) for _ in range(4)]
    for catalogues in (renamed(), tiny(), renamed()):
        await put(engine, catalogues)
    done.set()
    await asyncio.gather(*askers)
    data = (await runner.run(ready))["data"]
    assert data == {"registry": {"revision": {"number": 4}}, "model": {"name": "Larger"}}
    assert seen
    assert set(seen) <= {(1, "Tiny Large"), (2, "Larger"), (3, "Tiny Large"), (4, "Larger")}


async def test_a_write_that_fails_leaves_nothing(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    with pytest.raises(RuntimeError, match="half way"):
        async with database.writing(engine) as writer:
            await writer.execute(sa.delete(table(tables.Claim)))
            await writer.execute(sa.update(table(tables.Model)).values(name="half"))
            raise RuntimeError("half way")
    async with database.reading(engine) as reader:
        assert await names(reader) == OLD
        assert await reader.scalar(sa.select(sa.func.count()).select_from(table(tables.Claim)))


async def test_foreign_keys_hold(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    with pytest.raises(IntegrityError):
        async with database.writing(engine) as writer:
            await writer.execute(
                sa.insert(table(tables.Trait)).values(model_id=999_999, kind="CAPABILITY", value="VISION")
            )
    with pytest.raises(IntegrityError):
        async with database.writing(engine) as writer:
            await writer.execute(sa.delete(table(tables.Provider)).where(table(tables.Provider).c.slug == "openai"))


# Layout


async def test_a_database_is_laid_out_once_and_then_left_alone(url: str) -> None:
    engine = database.create_engine(url)
    try:
        assert await database.prepare(engine) is None
        await put(engine, tiny())
        assert await database.prepare(engine) is None
        async with database.reading(engine) as reader:
            assert await names(reader) == OLD
    finally:
        await engine.dispose()


async def columns_of(reader: AsyncConnection) -> dict[str, set[Any]]:
    """Every table with its columns, those of changes and models with their indexes."""

    def look(sync: sa.Connection) -> dict[str, set[Any]]:
        inspector = sa.inspect(sync)
        found = {name: {each["name"] for each in inspector.get_columns(name)} for name in inspector.get_table_names()}
        indexes = {name: {index["name"] for index in inspector.get_indexes(name)} for name in ("change", "model")}
        return found | {name: found[name] | indexes[name] for name in indexes}

    return await reader.run_sync(look)


async def rows_of(reader: AsyncConnection, model: type[tables.Table]) -> set[tuple[Any, ...]]:
    return {tuple(row) for row in await reader.execute(sa.select(table(model)))}


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
async def test_an_older_layout_becomes_todays_and_keeps_everything(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    await put(engine, renamed())
    async with database.reading(engine) as reader:
        today = await columns_of(reader)
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
    said = await database.prepare(engine)
    assert said == f"The database was upgraded from layout 1 to {tables.LAYOUT}; everything in it was kept."
    assert await database.prepare(engine) is None
    async with database.reading(engine) as reader:
        assert await columns_of(reader) == {**today, "operators_notes": {"note"}}
        assert (await revision(reader), await names(reader)) == (2, NEW)
        assert (await rows_of(reader, tables.Reference), await rows_of(reader, tables.Prefix)) == index
        assert await reader.scalar(sa.select(sa.func.count()).select_from(table(tables.Change))) == 1
        assert await reader.scalar(sa.text("SELECT note FROM operators_notes")) == "keep me"
    await put(engine, tiny())
    async with database.reading(engine) as reader:
        assert (await revision(reader), await names(reader)) == (3, OLD)


async def test_a_layout_nobody_knows_a_way_from_is_refused(engine: AsyncEngine) -> None:
    async with database.writing(engine) as writer:
        await writer.execute(sa.update(table(tables.Layout)).values(number=0))
    with pytest.raises(OperatorError, match="can't upgrade"):
        await database.prepare(engine)


async def test_a_newer_layout_is_refused_and_left_alone(engine: AsyncEngine) -> None:
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
        assert await names(reader) == OLD


# What an operator has to mend


async def mistake(url: str) -> str:
    """The one line an operator reads about a database that can't be used."""
    with pytest.raises(OperatorError) as caught:
        engine = database.create_engine(url)
        try:
            await database.prepare(engine)
        finally:
            await engine.dispose()
    message = str(caught.value)
    assert "\n" not in message
    return message


def garbage(file: Path) -> None:
    file.write_bytes(b"this is no database, whatever its name says\n" * 100)


def emptied_pages(file: Path) -> None:
    """A database whose first page is whole, and nothing after it."""
    connection = sqlite3.connect(file)
    for number in range(40):
        connection.execute(f"CREATE TABLE t{number} (a TEXT, b TEXT, c TEXT)")
    connection.execute("CREATE TABLE layout (number INTEGER PRIMARY KEY)")
    connection.commit()
    connection.close()
    size = file.stat().st_size
    with file.open("r+b") as opened:
        opened.seek(4_096)
        opened.write(b"\xa5" * (size - 4_096))


def cut_off(file: Path) -> None:
    emptied_pages(file)
    with file.open("r+b") as opened:
        opened.truncate(3_000)


@pytest.mark.parametrize("damage", [garbage, emptied_pages, cut_off])
async def test_a_damaged_file_says_so_and_what_to_do(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    file = tmp_path / "damaged.sqlite"
    damage(file)
    message = await mistake(f"sqlite+aiosqlite:///{file}")
    assert str(file) in message
    assert "is damaged" in message
    assert "Move the file away; the next start builds a new one." in message


async def test_a_folder_that_can_not_be_made_says_so_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nobody/may")):
        message = await mistake(f"sqlite+aiosqlite:///{folder}/modelmeta.sqlite")
        assert message.startswith(f"The database's folder {folder} can't be created: ")
        assert message.endswith("Set MODELMETA_DATABASE_URL to a file in a writable folder.")


async def test_a_file_that_can_not_be_opened_says_so_and_what_to_do(tmp_path: Path) -> None:
    for place in (tmp_path, Path("/proc/modelmeta.sqlite")):
        message = await mistake(f"sqlite+aiosqlite:///{place}")
        assert str(place) in message
        assert "can't be opened or written" in message
        assert message.endswith("Check the path and the file's permissions, or set MODELMETA_DATABASE_URL.")


async def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    engine = database.create_engine(f"sqlite+aiosqlite:///{tmp_path}/new/folder/modelmeta.sqlite")
    assert await database.prepare(engine) is None
    await engine.dispose()
    assert (tmp_path / "new" / "folder" / "modelmeta.sqlite").stat().st_size > 0


async def test_a_file_another_program_writes_to_says_so(tmp_path: Path) -> None:
    url = await create_database("sqlite", tmp_path)
    engine = database.create_engine(url)
    await database.prepare(engine)
    error = sqlite3.OperationalError("database is locked")
    assert database.explain(engine, error) == (
        f"The database {url} is locked by another program that writes to it (database is locked). "
        "Try again, or stop that program."
    )
    await engine.dispose()


async def test_an_unreachable_postgresql_says_so_and_what_to_do() -> None:
    message = await mistake("postgresql+asyncpg://owner:pass-word@127.0.0.1:1/models")
    assert message.startswith("PostgreSQL at postgresql+asyncpg://owner:***@127.0.0.1:1/models can't be used (")
    assert message.endswith("Start it, or set MODELMETA_DATABASE_URL to another server.")


async def test_a_postgresql_without_the_database_or_the_user_says_which(tmp_path: Path) -> None:
    await drop_database(await create_database("postgresql", tmp_path))  # skips where there is no server
    base = sa.make_url(POSTGRESQL).set(drivername="postgresql+asyncpg")
    missing = f"modelmeta_{uuid.uuid4().hex}"
    for url in (base.set(database=missing), base.set(username=missing)):
        message = await mistake(url.render_as_string(hide_password=False))
        assert missing in message
        assert "does not exist" in message or "authentication failed" in message


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg://owner@db.example:port/models",
        "postgresql+asyncpg://owner@db.example:99999999/models",
        "sqlite+aiosqlite://",
        "sqlite+aiosqlite:///:memory:",
    ],
)
async def test_an_address_that_can_not_be_used_is_an_operators_mistake(url: str) -> None:
    # Kept in memory, what one process loads no other can serve.
    assert "MODELMETA_DATABASE_URL" in await mistake(url)


async def test_a_password_stays_out_of_what_is_said() -> None:
    engine = database.create_engine("postgresql+asyncpg://owner:pass-word@db.example/models")
    assert database.location(engine) == "postgresql+asyncpg://owner:***@db.example/models"
    assert "pass-word" not in database.explain(engine, OSError("refused"))
    await engine.dispose()


def test_what_is_said_is_one_line_whatever_the_driver_says() -> None:
    engine = database.create_engine("postgresql+asyncpg://owner@db.example/models")
    errors: list[Any] = [OSError("first\nsecond"), OSError(""), TimeoutError()]
    for error in errors:
        said = database.explain(engine, error)
        assert "\n" not in said
        assert "second" not in said
        assert "()" not in said
