"""What commands share: consoles, flags, settings, signals and an open database."""

import asyncio
import gc
import signal
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from server import database, settings
from server.errors import OperatorError
from server.settings import Settings

T = TypeVar("T")
out = Console()
err = Console(stderr=True)

DatabaseUrl = Annotated[str | None, typer.Option("--database-url", help="Database URL. MODELMETA_DATABASE_URL.")]
Overlay = Annotated[
    Path | None, typer.Option(help="TOML or JSON file with your own models, prices and corrections. MODELMETA_OVERLAY.")
]


def read_settings(**flags: object) -> Settings:
    return settings.read_settings(flags)


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


def disable_garbage_collection() -> None:
    """For a command that computes and exits: everything it builds lives until then, so collecting only costs time."""
    gc.disable()


@asynccontextmanager
async def opened(settings: Settings) -> AsyncGenerator[AsyncEngine]:
    """The settings' database with its tables. Database errors become OperatorErrors that say what to do."""
    engine = database.create_engine(settings.database_url)
    try:
        note = await database.prepare(engine)
        if note:
            err.print(note, highlight=False)
        yield engine
    except (SQLAlchemyError, OSError) as error:
        raise OperatorError(database.explain(engine, error)) from error
    finally:
        await engine.dispose()
