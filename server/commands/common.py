"""What commands share: consoles, flags, settings, and a database opened and closed in good order."""

import asyncio
import gc
import os
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

DatabaseUrl = Annotated[
    str | None, typer.Option("--database-url", help="Where the registry is kept. MODELMETA_DATABASE_URL.")
]
Overlay = Annotated[
    Path | None, typer.Option(help="TOML or JSON file of your own models, prices and corrections. MODELMETA_OVERLAY.")
]


def read_settings(**flags: Any) -> Settings:
    return settings.read(os.environ, flags)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs to the end. A command that ends its own way when it is asked to is ended between two steps, not within one:
    what a driver is about can't stand an exception out of nowhere.
    """
    ending = signal.getsignal(signal.SIGTERM)
    if not callable(ending):
        return asyncio.run(work)
    asked = False

    async def watched() -> T:
        task = asyncio.current_task()
        assert task

        def end() -> None:
            nonlocal asked
            asked = True
            task.cancel()

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
        return await work

    try:
        return asyncio.run(watched())
    except asyncio.CancelledError:
        if not asked:
            raise
    finally:
        signal.signal(signal.SIGTERM, ending)
    ending(signal.SIGTERM, None)
    raise SystemExit(128 + signal.SIGTERM)


def once() -> None:
    """For a command that computes and ends: what it builds lives that long, and the collector would walk it in vain."""
    gc.disable()


@asynccontextmanager
async def opened(found: Settings) -> AsyncGenerator[AsyncEngine]:
    """The settings' database, laid out. Its errors become the operator's, with what to do."""
    engine = database.create_engine(found.database_url)
    try:
        note = await database.prepare(engine)
        if note:
            err.print(note, highlight=False)
        yield engine
    except (SQLAlchemyError, OSError) as error:
        raise OperatorError(database.explain(engine, error)) from error
    finally:
        await engine.dispose()
