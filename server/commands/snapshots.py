"""The commands `modelmeta export` and `modelmeta import`, which move the whole registry as one file."""

import os
import secrets
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.filesize import decimal
from rich.progress import BarColumn, MofNCompleteColumn

from schema import tables
from server import database
from server.commands.common import DatabaseUrl, opened, progress_bar, run, say
from server.database import locks
from server.errors import OperatorError
from server.settings import Settings, read_settings
from server.snapshots import transfer
from server.snapshots.format import Reader
from server.snapshots.transfer import Transfer

STREAM = "-"
"""As a file argument: standard input or output."""


def export(
    file: Annotated[Path, typer.Argument(help="File to write, such as modelmeta.jsonl.gz, or - for standard output.")],
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Write the whole registry and its history to one compressed file.

    The file holds one revision, even while a refresh runs. It appears only once it is complete.
    """
    settings = read_settings(database_url=database_url)
    with _destination(file, force) as sink, _progress() as progress:
        result = run(_export(settings, sink, progress))
    say(f"Exported {_summary(result)} ({decimal(sink.size)}).")


async def _export(settings: Settings, sink: Callable[[bytes], object], progress: transfer.Progress) -> Transfer:
    async with opened(settings) as engine, database.reading(engine) as connection:
        return await transfer.export_registry(connection, sink, progress)


def import_(
    file: Annotated[Path, typer.Argument(help="File written by `modelmeta export`, or - for standard input.")],
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Replace the registry in the database and its history. Revision numbers never decrease: if the "
            "database already has the snapshot's number or a higher one, a new revision is added. Running servers "
            "notice the change by themselves.",
        ),
    ] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Import an exported registry into an empty database, in one transaction."""
    settings = read_settings(database_url=database_url)
    with _source(file) as source, _progress() as progress:
        # Reads the header, so that a wrong file is refused before the database is opened or created.
        reader = Reader(source, "Standard input" if str(file) == STREAM else str(file))
        result = run(_import(settings, reader, replace, progress))
    renumbered = f" as revision {result.revision}" if result.revision != result.header.revision else ""
    say(f"Imported {_summary(result)}{renumbered}.")


async def _import(settings: Settings, reader: Reader, replace: bool, progress: transfer.Progress) -> Transfer:
    async with opened(settings) as engine, locks.command_lock(engine), database.writing(engine) as connection:
        return await transfer.import_registry(connection, reader, replace, progress)


def _summary(result: Transfer) -> str:
    header, models, providers = result.header, result.row_count(tables.Model), result.row_count(tables.Provider)
    return f"revision {header.revision}: {header.rows:,} rows, {models:,} models from {providers:,} providers"


@contextmanager
def _progress() -> Generator[transfer.Progress]:
    """Shows a progress bar on a terminal, nothing elsewhere."""
    with progress_bar(BarColumn(), MofNCompleteColumn()) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda name, done, total: bar.update(task, description=name, completed=done, total=total)


class _Sink:
    """Writes a snapshot: counts its bytes and turns write errors into OperatorErrors."""

    def __init__(self, write: Callable[[bytes], object], name: str) -> None:
        self.write, self.name, self.size = write, name, 0

    def __call__(self, data: bytes) -> None:
        try:
            self.write(data)
        except OSError as error:
            raise _write_error(self.name, error) from error
        self.size += len(data)


@contextmanager
def _destination(file: Path, force: bool) -> Generator[_Sink]:
    """Writes to a temporary file next to the target, which it replaces if the block succeeds; or to standard output."""
    if str(file) == STREAM:
        if sys.stdout.isatty():
            raise OperatorError("Standard output is a terminal. Redirect it, or name a file.")
        yield _Sink(_to_standard_output, "Standard output")
        return
    target = Path(os.path.realpath(file))
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    previous_handler = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        _check_target(file, target, force)
        with part.open("xb") as output:
            yield _Sink(output.write, str(file))
            output.flush()
            os.fsync(output.fileno())
        _publish(file, part, target, force)
    except OSError as error:
        raise _write_error(str(file), error) from error
    finally:
        signal.signal(signal.SIGTERM, previous_handler)
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _check_target(file: Path, target: Path, force: bool) -> None:
    if target.exists() and not target.is_file():
        raise OperatorError(f"{file} is not a regular file. Name another file, or - for standard output.")
    if target.exists() and not force:
        raise _already_exists(file)


def _publish(file: Path, part: Path, target: Path, force: bool) -> None:
    if not force:
        try:
            # Unlike a rename, a hard link never replaces a file that was created in the meantime.
            os.link(part, target)
            return
        except FileExistsError:
            raise _already_exists(file) from None
        except OSError:  # not every file system supports hard links
            _check_target(file, target, force)
    part.replace(target)


def _already_exists(file: Path) -> OperatorError:
    return OperatorError(f"{file} already exists. Name another file, or replace it with --force.")


def _write_error(name: str, error: OSError) -> OperatorError:
    return OperatorError(f"{name} can't be written: {error.strerror or error}. Name another file.")


def _to_standard_output(data: bytes) -> None:
    # Bypasses Python's buffer, which would report a closed pipe a second time at exit.
    remaining = memoryview(data)
    while remaining:
        remaining = remaining[os.write(sys.stdout.fileno(), remaining) :]


@contextmanager
def _source(file: Path) -> Generator[BinaryIO]:
    if str(file) == STREAM:
        if sys.stdin.isatty():
            raise OperatorError("Standard input is a terminal. Pipe a snapshot into it, or name a file.")
        yield sys.stdin.buffer
        return
    try:
        source = file.open("rb")
    except OSError as error:
        raise OperatorError(
            f"{file} can't be read: {error.strerror}. Name a file written by `modelmeta export`."
        ) from error
    with source:
        yield source
