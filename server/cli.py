"""The command line: serve, load, query, sdl, settings."""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import orjson
import sqlalchemy as sa
import typer
import uvicorn
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from schema import tables
from schema.columns import is_object
from schema.root import sdl as printed_sdl
from seeds import load as loading
from seeds.feeds.overlay import OverlayError
from seeds.load import Loaded
from seeds.store import Outcome
from server import coverage as covering
from server import database, reports, settings
from server.endpoint import HttpError, read_json
from server.errors import OperatorError
from server.execution import Request, RequestError, Runner, refusal
from server.settings import Settings

T = TypeVar("T")
app = typer.Typer(
    name="modelmeta",
    help="The registry of LLM models that other software asks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
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
    return asyncio.run(work)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. MODELMETA_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 picks a free one. MODELMETA_PORT.")] = None,
    database_url: DatabaseUrl = None,
    overlay: Overlay = None,
    log_level: Annotated[
        str | None, typer.Option(help="critical, error, warning, info or debug. MODELMETA_LOG_LEVEL.")
    ] = None,
) -> None:
    """Serve the registry; an empty database is loaded first from the bundled sources."""
    found = read_settings(host=host, port=port, database_url=database_url, overlay=overlay, log_level=log_level)
    # Ends well when asked to: what runs is finished, a load under way is stopped, and the exit code says so.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    listener = listen(found)
    try:
        note, loaded = run(_prepared(found))
        if note:
            err.print(note, highlight=False)
        if not loaded:
            _load_apart(found)
        _serve(found, listener)
    finally:
        listener.close()


def _load_apart(found: Settings) -> None:
    """Loads in a process of its own, so that the memory it needs is given back. That one ends with this one."""
    command = [sys.executable, "-m", "server.cli", "load"]
    # By environment, not by flags: an address may hold a password, and anybody can list a process's arguments.
    environment = os.environ | {settings.variable("database_url"): found.database_url}
    if found.overlay:
        environment[settings.variable("overlay")] = str(found.overlay)
    asked_to_end: list[int] = []
    # While the process is being started nobody could stop it: only note that we are asked to end.
    ending = signal.signal(signal.SIGTERM, lambda number, _: asked_to_end.append(number))
    with subprocess.Popen(command, env=environment) as process:  # noqa: S603 - this very program
        try:
            signal.signal(signal.SIGTERM, ending)
            if asked_to_end:
                sys.exit(0)
            code = process.wait()
        except BaseException:
            process.kill()
            raise
    if code:
        raise SystemExit(code)


def _serve(found: Settings, listener: socket.socket) -> None:
    from server.app import create_app

    logging.getLogger("modelmeta").setLevel(found.log_level.upper())
    address, port = listener.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    err.print(
        f"ModelMeta answers at http://{shown}:{port}/graphql; explore at http://{shown}:{port}/graphiql",
        highlight=False,
        soft_wrap=True,
    )
    config = uvicorn.Config(
        create_app(found),
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=found.max_body_bytes * 2,
        log_level=found.log_level,
        access_log=found.log_level == "debug",
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    uvicorn.Server(config).run(sockets=[listener])


def listen(found: Settings) -> socket.socket:
    """A socket bound to the settings' address. Raises OperatorError when it can't be had."""
    family = socket.AF_INET6 if ":" in found.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((found.host, found.port))
    except OSError as error:
        listener.close()
        raise OperatorError(
            f"Can't listen on {found.host} port {found.port}: {error.strerror or error}. "
            "Stop what uses it, or choose another with --port or MODELMETA_PORT."
        ) from error
    return listener


async def _prepared(found: Settings) -> tuple[str | None, bool]:
    """Lays out the database. Says what was done to an older one, and whether a registry is in it."""
    engine = database.engine(found.database_url)
    try:
        note = await database.prepare(engine)
        err.print(f"Database: {database.location(engine)}", highlight=False, soft_wrap=True)
        async with database.reading(engine) as connection:
            return note, bool(await connection.scalar(sa.select(sa.func.count()).select_from(tables.Revision)))
    except (SQLAlchemyError, OSError) as error:
        raise OperatorError(database.explain(engine, error)) from error
    finally:
        await engine.dispose()


@app.command()
def load(database_url: DatabaseUrl = None, overlay: Overlay = None) -> None:
    """Load the bundled sources and the overlay: no network, and all or nothing."""
    found = read_settings(database_url=database_url, overlay=overlay)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("starting", total=len(loading.STEPS))

        def progress(step: str) -> None:
            bar.update(task, description=step, completed=loading.STEPS.index(step))

        try:
            loaded = loading.read(progress, found.overlay)
        except OverlayError as error:
            raise OperatorError(str(error)) from error
        outcome = run(_stored(found, loaded, progress))
    reports.summary(err, loaded, outcome)


async def _stored(found: Settings, loaded: Loaded, progress: loading.Progress) -> Outcome:
    engine = database.engine(found.database_url)
    try:
        note = await database.prepare(engine)
        if note:
            err.print(note, highlight=False)
        async with database.writing(engine) as connection:
            return await loading.write(connection, loaded, progress)
    except (SQLAlchemyError, OSError) as error:
        raise OperatorError(database.explain(engine, error)) from error
    finally:
        await engine.dispose()


@app.command()
def query(
    document: Annotated[str, typer.Argument(help="A GraphQL document, or - to read it from standard input.")],
    variables: Annotated[str, typer.Option(help="Variables, as a JSON object.")] = "{}",
    database_url: DatabaseUrl = None,
) -> None:
    """Run a GraphQL document against the database, without a server."""
    try:
        values = read_json(variables, "the text")
    except HttpError as error:
        raise OperatorError(f"--variables is not a JSON object: {error}") from error
    if not is_object(values):
        raise OperatorError("--variables is not a JSON object: write one in braces.")
    text = sys.stdin.read() if document == "-" else document
    answer = run(_answered(read_settings(database_url=database_url), Request(text, values, None, {})))
    sys.stdout.buffer.write(orjson.dumps(answer, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    if answer.get("errors"):
        raise SystemExit(1)


async def _answered(found: Settings, request: Request) -> dict[str, Any]:
    engine: AsyncEngine = database.engine(found.database_url)
    try:
        await database.prepare(engine)
        runner = Runner(engine, found)
        try:
            return await runner.run(runner.check(request))
        except RequestError as error:
            return refusal(error)
    except (SQLAlchemyError, OSError) as error:
        raise OperatorError(database.explain(engine, error)) from error
    finally:
        await engine.dispose()


@app.command()
def coverage(
    markdown: Annotated[bool, typer.Option("--markdown", help="As the README's table.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Show how completely the labs' own models are described, and where sources disagree."""
    rows, disputed = run(_covered(read_settings(database_url=database_url)))
    if markdown:
        sys.stdout.write(covering.markdown(rows))
    else:
        out.print(reports.coverage(rows), reports.disputes(disputed))


async def _covered(found: Settings) -> tuple[list[covering.Covered], list[tuple[str, int, int]]]:
    engine = database.engine(found.database_url)
    try:
        await database.prepare(engine)
        async with database.reading(engine) as connection:
            return await covering.coverage(connection), await covering.disputes(connection)
    except (SQLAlchemyError, OSError) as error:
        raise OperatorError(database.explain(engine, error)) from error
    finally:
        await engine.dispose()


@app.command()
def sdl(
    output: Annotated[Path | None, typer.Option(help="File to write to; by default standard output.")] = None,
) -> None:
    """Print the schema in GraphQL's definition language."""
    if output:
        try:
            output.write_text(printed_sdl(), encoding="utf-8")
        except OSError as error:
            raise OperatorError(f"{output} can't be written: {error.strerror}. Name another with --output.") from error
    else:
        sys.stdout.write(printed_sdl())


@app.command("settings")
def show_settings(
    markdown: Annotated[bool, typer.Option("--markdown", help="As the README's table, with defaults.")] = False,
) -> None:
    """List every setting: its variable, its value, where that comes from and what it means."""
    if markdown:
        sys.stdout.write(settings.settings_table())
        return
    out.print(reports.settings_listed(settings.origins(os.environ)))


def main() -> None:
    """The program: an operator's mistake ends it with one line and exit code 2."""
    try:
        app()
    except OperatorError as error:
        sys.stderr.write(f"modelmeta: {error}\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
