"""What commands share: consoles, flags, settings, signals and an open database."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from server import database
from server.errors import OperatorError
from server.settings import Settings

T = TypeVar("T")
out = Console()
err = Console(stderr=True)

DatabaseUrl = Annotated[str | None, typer.Option("--database-url", help="Database URL. MODELMETA_DATABASE_URL.")]
Overlay = Annotated[
    Path | None, typer.Option(help="TOML or JSON file with your own models, prices and corrections. MODELMETA_OVERLAY.")
]


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end.

    SIGTERM cancels it at an await instead of raising inside whatever runs: database drivers do not survive an exception
    at an arbitrary point. Then the command's own handler runs.
    """
    handler = signal.getsignal(signal.SIGTERM)
    if not callable(handler):
        return asyncio.run(work)
    terminated = False

    async def cancellable() -> T:
        task = asyncio.current_task()
        assert task

        def cancel() -> None:
            nonlocal terminated
            terminated = True
            task.cancel()

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, cancel)
        return await work

    try:
        return asyncio.run(cancellable())
    except asyncio.CancelledError:
        if not terminated:
            raise
    finally:
        signal.signal(signal.SIGTERM, handler)
    handler(signal.SIGTERM, None)
    raise SystemExit(128 + signal.SIGTERM)


def say(text: str) -> None:
    """Prints a line for people to standard error, exactly as it is."""
    err.print(text, highlight=False, markup=False, soft_wrap=True)


def progress_bar(*columns: ProgressColumn) -> Progress:
    """Progress on a terminal, with more columns than the usual ones; nothing elsewhere."""
    usual = SpinnerColumn(), TextColumn("{task.description}")
    return Progress(*usual, *columns, TimeElapsedColumn(), console=err, transient=True, disable=not err.is_terminal)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncGenerator[AsyncEngine]:
    """The settings' database with its tables. Database errors become OperatorErrors that say what to do."""
    engine = database.create_engine(settings.database_url)
    try:
        if note := await database.prepare(engine):
            say(note)
        yield engine
    except (SQLAlchemyError, OSError) as error:
        raise OperatorError(database.explain(engine, error)) from error
    finally:
        await engine.dispose()
