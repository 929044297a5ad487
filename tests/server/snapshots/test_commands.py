"""`modelmeta export` and `import` report in one line, never replace a file unasked, and leave nothing behind."""

import asyncio
import os
import pty
import subprocess
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from server import database
from server.commands import snapshots
from server.errors import OperatorError
from tests.support.registry import asker, create_database
from tests.support.servers import environment, modelmeta, operator_error, tiny_database
from tests.support.snapshots import export_bytes, parse_lines, run_command


async def test_export_and_import_print_one_line_each(tmp_path: Path) -> None:
    file = tmp_path / "registry.gz"
    copy = await create_database("sqlite", tmp_path)
    async with tiny_database(tmp_path) as url:
        completed = modelmeta("export", str(file), database_url=url)
        assert (completed.returncode, completed.stdout) == (0, "")
        assert completed.stderr.startswith("Exported revision 1: ")
        assert " rows, 3 models from 2 providers (" in completed.stderr
        completed = modelmeta("import", str(file), database_url=copy)
        assert (completed.returncode, completed.stdout) == (0, "")
        assert completed.stderr.startswith("Imported revision 1: ")
        assert completed.stderr.endswith(" rows, 3 models from 2 providers.\n")
        assert [path.name for path in tmp_path.glob("*.gz*")] == ["registry.gz"]
        # The file has the same permissions as any other new file.
        (tmp_path / "plain").touch()
        assert file.stat().st_mode == (tmp_path / "plain").stat().st_mode


async def test_a_snapshot_can_be_piped(tmp_path: Path) -> None:
    copy = await create_database("sqlite", tmp_path)
    async with tiny_database(tmp_path) as url:
        read, write = os.pipe()
        sent = await asyncio.to_thread(run_command, "export", "-", "--database-url", url, stdout=write)
        os.close(write)
        received = await asyncio.to_thread(run_command, "import", "-", "--database-url", copy, stdin=read)
        os.close(read)
        assert (sent.returncode, received.returncode) == (0, 0)
        engines = [database.create_engine(database_url) for database_url in (url, copy)]
        assert await export_bytes(engines[0]) == await export_bytes(engines[1])
        for engine in engines:
            await engine.dispose()


async def test_a_closed_pipe_is_reported_in_one_line(tmp_path: Path) -> None:
    async with tiny_database(tmp_path) as url:
        read, write = os.pipe()
        os.close(read)
        completed = await asyncio.to_thread(
            run_command, "export", "-", "--database-url", url, stdout=write, stderr=subprocess.PIPE
        )
        os.close(write)
    message = b"modelmeta: Standard output can't be written: Broken pipe. Name another file.\n"
    assert (completed.returncode, completed.stderr) == (2, message)


async def test_an_existing_file_is_replaced_only_with_force(tmp_path: Path) -> None:
    file, link = tmp_path / "registry.gz", tmp_path / "link.gz"
    file.write_text("mine")
    link.symlink_to(file)
    async with tiny_database(tmp_path) as url:
        for name in (file, link):
            message = operator_error("export", str(name), database_url=url)
            assert message == f"{name} already exists. Name another file, or replace it with --force."
            assert file.read_text() == "mine"
        assert modelmeta("export", str(link), "--force", database_url=url).returncode == 0
    assert link.is_symlink()
    assert parse_lines(file.read_bytes())[0]["revision"] == 1
    assert sorted(path.name for path in tmp_path.glob("*gz*")) == ["link.gz", "registry.gz"]


def test_a_file_created_during_the_export_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "registry.gz"

    async def create_file(*_: Any) -> None:
        file.write_text("theirs")

    monkeypatch.setattr(snapshots, "_export", create_file)
    with pytest.raises(OperatorError, match="already exists"):
        snapshots.export(file)
    assert file.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [file]


async def test_an_unwritable_path_is_reported_in_one_line(tmp_path: Path) -> None:
    async with tiny_database(tmp_path) as url:
        (tmp_path / "file").write_text("in the way")
        for path in (tmp_path / "file" / "x.gz", tmp_path / "none" / "x.gz", tmp_path / ("x" * 300)):
            message = operator_error("export", str(path), "--force", database_url=url)
            assert message.startswith(f"{path} can't be written: ")
        for path in (tmp_path, Path("/dev/null")):
            message = operator_error("export", str(path), "--force", database_url=url)
            assert message == f"{path} is not a regular file. Name another file, or - for standard output."
    assert Path("/dev/null").is_char_device()


async def test_exporting_an_empty_database_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    url = await create_database("sqlite", tmp_path)
    message = operator_error("export", str(folder / "registry.gz"), database_url=url)
    assert message == (
        "The database is empty. Load the registry with `modelmeta load`, or name another database with --database-url."
    )
    assert list(folder.iterdir()) == []


async def test_exporting_an_invalid_value_names_its_table(tmp_path: Path) -> None:
    async with tiny_database(tmp_path) as url:
        engine = database.create_engine(url)
        async with database.writing(engine) as connection:
            await connection.execute(sa.text("UPDATE rate SET effective_from = 'soon' WHERE id = 1"))
        await engine.dispose()
        message = operator_error("export", str(tmp_path / "registry.gz"), database_url=url)
    assert message.startswith("The table rate contains an invalid value (")
    assert not (tmp_path / "registry.gz").exists()


def test_an_unreadable_file_is_reported_in_one_line_and_creates_no_database(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/modelmeta.sqlite"
    (tmp_path / "text.gz").write_text("text")
    for name, message in (
        ("none.gz", "can't be read: No such file or directory. Name a file written by `modelmeta export`."),
        ("", "can't be read: Is a directory. Name a file written by `modelmeta export`."),
        ("text.gz", "is not a snapshot: it is not gzip. Create one with `modelmeta export`."),
    ):
        assert operator_error("import", str(tmp_path / name), database_url=url) == f"{tmp_path / name} {message}"
    assert not (tmp_path / "modelmeta.sqlite").exists()


async def test_a_refused_import_is_reported_in_one_line(tmp_path: Path, snapshot: bytes) -> None:
    file = tmp_path / "snapshot.gz"
    file.write_bytes(snapshot[:-20])
    async with tiny_database(tmp_path) as url:
        assert operator_error("import", str(file), database_url=url).startswith(
            "The database already contains revision 1."
        )
        assert operator_error("import", str(file), "--replace", database_url=url).startswith(
            f"{file} is truncated after line "
        )
        engine = database.create_engine(url)
        assert (await asker(engine)("{ registry { modelCount } }"))["registry"] == {"modelCount": 3}
        await engine.dispose()


async def test_a_terminal_shows_progress_and_no_compressed_data(tmp_path: Path) -> None:
    terminal = environment() | {"TERM": "xterm"}
    async with tiny_database(tmp_path) as url:
        controller, tty = pty.openpty()
        completed = await asyncio.to_thread(
            run_command, "export", "-", "--database-url", url, stdout=tty, stderr=subprocess.PIPE
        )
        message = b"modelmeta: Standard output is a terminal. Redirect it, or name a file.\n"
        assert (completed.returncode, completed.stderr) == (2, message)
        completed = await asyncio.to_thread(
            run_command, "import", "-", "--database-url", url, stdin=tty, stderr=subprocess.PIPE
        )
        message = b"modelmeta: Standard input is a terminal. Pipe a snapshot into it, or name a file.\n"
        assert (completed.returncode, completed.stderr) == (2, message)
        completed = await asyncio.to_thread(
            run_command, "export", str(tmp_path / "x.gz"), "--database-url", url, stderr=tty, env=terminal
        )
        assert completed.returncode == 0
        bar = os.read(controller, 100_000).decode()
        os.close(controller)
        os.close(tty)
    assert "━" in bar
    assert "Exported revision 1" in bar
