"""`modelmeta export` and `import`: the whole registry as one file."""

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
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from schema import tables
from server import database
from server.commands.common import DatabaseUrl, err, opened, read_settings, run
from server.database import locks
from server.errors import OperatorError
from server.settings import Settings
from server.snapshots import transfer
from server.snapshots.format import Reader
from server.snapshots.transfer import Moved

STREAM = "-"
"""The name that stands for standard input and output."""


def export(
    file: Annotated[Path, typer.Argument(help="File to write, say modelmeta.jsonl.gz; - for standard output.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if there is one.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Write the whole registry, history included, to one compressed file.

    It is one revision even while a refresh runs. The file is there when it is whole, and not before.
    """
    found = read_settings(database_url=database_url)
    with _destination(file, force) as sink, _progress() as progress:
        moved = run(_exported(found, sink, progress))
    _say(f"Exported {_counted(moved)} ({decimal(sink.size)})")


async def _exported(found: Settings, sink: Callable[[bytes], object], progress: transfer.Progress) -> Moved:
    async with opened(found) as engine, database.reading(engine) as connection:
        return await transfer.export(connection, sink, progress)


def import_(
    file: Annotated[Path, typer.Argument(help="File that `modelmeta export` wrote; - for standard input.")],
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Replace the registry that the database holds, its history included. Revision numbers never go back: "
            "where the database's is as high as the snapshot's or higher, one more is added. So servers that run on "
            "the database notice by themselves.",
        ),
    ] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Bring an exported registry into an empty database: one transaction, all or nothing."""
    found = read_settings(database_url=database_url)
    with _source(file) as source, _progress() as progress:
        # Its header is looked at before the database is.
        reader = Reader(source, "Standard input" if str(file) == STREAM else str(file))
        moved = run(_imported(found, reader, replace, progress))
    counted_on = f" as revision {moved.revision}" if moved.revision != moved.header.revision else ""
    _say(f"Imported {_counted(moved)}{counted_on}")


async def _imported(found: Settings, reader: Reader, replace: bool, progress: transfer.Progress) -> Moved:
    async with opened(found) as engine, locks.command_lock(engine), database.writing(engine) as connection:
        return await transfer.restore(connection, reader, replace, progress)


def _counted(moved: Moved) -> str:
    models, providers = moved.rows(tables.Model), moved.rows(tables.Provider)
    return f"revision {moved.header.revision}: {moved.header.rows:,} rows, {models:,} models of {providers:,} providers"


def _say(text: str) -> None:
    err.print(f"{text}.", highlight=False, markup=False, soft_wrap=True)


@contextmanager
def _progress() -> Generator[transfer.Progress]:
    """A bar on a terminal, nothing elsewhere."""
    shown = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*shown, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda name, done, total: bar.update(task, description=name, completed=done, total=total)


class _Sink:
    """Where a snapshot goes: counts its bytes, and turns errors into the operator's."""

    def __init__(self, put: Callable[[bytes], object], name: str) -> None:
        self.put, self.name, self.size = put, name, 0

    def __call__(self, data: bytes) -> None:
        try:
            self.put(data)
        except OSError as error:
            raise _unwritable(self.name, error) from error
        self.size += len(data)


@contextmanager
def _destination(file: Path, force: bool) -> Generator[_Sink]:
    """A new file beside the one named, which takes its place when the block has ended well; or standard output."""
    if str(file) == STREAM:
        if sys.stdout.isatty():
            raise OperatorError("Standard output is a terminal. Redirect it, or name a file.")
        yield _Sink(_to_standard_output, "Standard output")
        return
    target = Path(os.path.realpath(file))
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    ending = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        _check_free(file, target, force)
        with part.open("xb") as opened:
            yield _Sink(opened.write, str(file))
            opened.flush()
            os.fsync(opened.fileno())
        _place(file, part, target, force)
    except OSError as error:
        raise _unwritable(str(file), error) from error
    finally:
        signal.signal(signal.SIGTERM, ending)
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _check_free(file: Path, target: Path, force: bool) -> None:
    if target.exists() and not target.is_file():
        raise OperatorError(f"{file} is no ordinary file. Name another, or - for standard output.")
    if target.exists() and not force:
        raise _taken(file)


def _place(file: Path, part: Path, target: Path, force: bool) -> None:
    if not force:
        try:
            # Unlike a renaming, a link never takes the place of a file that came to be meanwhile.
            os.link(part, target)
            return
        except FileExistsError:
            raise _taken(file) from None
        except OSError:  # not every file system has links
            _check_free(file, target, force)
    part.replace(target)


def _taken(file: Path) -> OperatorError:
    return OperatorError(f"{file} is there already. Name another file, or replace it with --force.")


def _unwritable(name: str, error: OSError) -> OperatorError:
    return OperatorError(f"{name} can't be written: {error.strerror or error}. Name another file to write to.")


def _to_standard_output(data: bytes) -> None:
    # Past Python's buffer, which would complain a second time at the end if nobody reads.
    left = memoryview(data)
    while left:
        left = left[os.write(sys.stdout.fileno(), left) :]


@contextmanager
def _source(file: Path) -> Generator[BinaryIO]:
    if str(file) == STREAM:
        if sys.stdin.isatty():
            raise OperatorError("Standard input is a terminal. Send a snapshot to it, or name a file.")
        yield sys.stdin.buffer
        return
    try:
        opened = file.open("rb")
    except OSError as error:
        raise OperatorError(
            f"{file} can't be read: {error.strerror}. Name a file that `modelmeta export` wrote."
        ) from error
    with opened:
        yield opened
