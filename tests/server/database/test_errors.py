"""A database that can't be used gives one line that names the problem and the fix."""

import sqlite3
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from server import database
from server.errors import OperatorError
from tests.support.registry import POSTGRESQL, create_database, drop_database


async def preparation_error(url: str) -> str:
    """The one-line error about a database that can't be used."""
    with pytest.raises(OperatorError) as caught:
        engine = database.create_engine(url)
        try:
            await database.prepare(engine)
        finally:
            await engine.dispose()
    message = str(caught.value)
    assert "\n" not in message
    return message


def write_garbage(file: Path) -> None:
    file.write_bytes(b"this is not a database, whatever its name says\n" * 100)


def damage_later_pages(file: Path) -> None:
    """Creates a database and overwrites every page after the first."""
    connection = sqlite3.connect(file)
    for number in range(40):
        connection.execute(f"CREATE TABLE t{number} (a TEXT, b TEXT, c TEXT)")
    connection.execute("CREATE TABLE layout (number INTEGER PRIMARY KEY)")
    connection.commit()
    connection.close()
    size = file.stat().st_size
    with file.open("r+b") as content:
        content.seek(4_096)
        content.write(b"\xa5" * (size - 4_096))


def truncate(file: Path) -> None:
    damage_later_pages(file)
    with file.open("r+b") as content:
        content.truncate(3_000)


@pytest.mark.parametrize("damage", [write_garbage, damage_later_pages, truncate])
async def test_a_damaged_file_is_reported_with_a_fix(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    file = tmp_path / "damaged.sqlite"
    damage(file)
    message = await preparation_error(f"sqlite+aiosqlite:///{file}")
    assert str(file) in message
    assert "is damaged" in message
    assert "Move the file away; the next start creates a new one." in message


async def test_a_folder_that_cannot_be_created_is_reported_with_a_fix(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nobody/may")):
        message = await preparation_error(f"sqlite+aiosqlite:///{folder}/modelmeta.sqlite")
        assert message.startswith(f"The database's folder {folder} can't be created: ")
        assert message.endswith("Set MODELMETA_DATABASE_URL to a file in a writable folder.")


async def test_a_file_that_cannot_be_opened_is_reported_with_a_fix(tmp_path: Path) -> None:
    for path in (tmp_path, Path("/proc/modelmeta.sqlite")):
        message = await preparation_error(f"sqlite+aiosqlite:///{path}")
        assert str(path) in message
        assert "can't be opened or written" in message
        assert message.endswith("Check the path and the file's permissions, or set MODELMETA_DATABASE_URL.")


async def test_a_missing_folder_is_created(tmp_path: Path) -> None:
    engine = database.create_engine(f"sqlite+aiosqlite:///{tmp_path}/new/folder/modelmeta.sqlite")
    assert await database.prepare(engine) is None
    await engine.dispose()
    assert (tmp_path / "new" / "folder" / "modelmeta.sqlite").stat().st_size > 0


async def test_a_locked_file_is_reported(tmp_path: Path) -> None:
    url = await create_database("sqlite", tmp_path)
    engine = database.create_engine(url)
    await database.prepare(engine)
    error = sqlite3.OperationalError("database is locked")
    assert database.explain(engine, error) == (
        f"The database {url} is locked by another program that writes to it (database is locked). "
        "Try again, or stop that program."
    )
    await engine.dispose()


async def test_an_unreachable_postgresql_is_reported_with_a_fix() -> None:
    message = await preparation_error("postgresql+asyncpg://owner:pass-word@127.0.0.1:1/models")
    assert message.startswith("PostgreSQL at postgresql+asyncpg://owner:***@127.0.0.1:1/models can't be used (")
    assert message.endswith("Start it, or set MODELMETA_DATABASE_URL to another server.")


async def test_a_missing_postgresql_database_or_user_is_named(tmp_path: Path) -> None:
    await drop_database(await create_database("postgresql", tmp_path))  # skips if there is no server
    base = sa.make_url(POSTGRESQL).set(drivername="postgresql+asyncpg")
    missing = f"modelmeta_{uuid.uuid4().hex}"
    for url in (base.set(database=missing), base.set(username=missing)):
        message = await preparation_error(url.render_as_string(hide_password=False))
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
async def test_an_unusable_url_names_the_setting(url: str) -> None:
    # A database in memory could not be shared between processes.
    assert "MODELMETA_DATABASE_URL" in await preparation_error(url)


async def test_messages_never_contain_the_password() -> None:
    engine = database.create_engine("postgresql+asyncpg://owner:pass-word@db.example/models")
    assert database.location(engine) == "postgresql+asyncpg://owner:***@db.example/models"
    assert "pass-word" not in database.explain(engine, OSError("refused"))
    await engine.dispose()


def test_messages_have_one_line_even_if_the_driver_gives_several() -> None:
    engine = database.create_engine("postgresql+asyncpg://owner@db.example/models")
    errors: list[Any] = [OSError("first\nsecond"), OSError(""), TimeoutError()]
    for error in errors:
        message = database.explain(engine, error)
        assert "\n" not in message
        assert "second" not in message
        assert "()" not in message
