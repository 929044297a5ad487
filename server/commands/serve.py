"""`modelmeta serve`: the server, and the first load."""

import gc
import logging
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from typing import Annotated

import typer
import uvicorn

from server import database
from server.commands.common import DatabaseUrl, Overlay, opened, run, say
from server.errors import OperatorError
from server.processes import command_line, environment
from server.settings import Settings, read_settings

SPARE_FILES = 1_000
"""File descriptors beyond the counted WebSockets and streams: databases and short requests."""
UNSENT_BYTES = 131_072
"""Bytes per connection that the kernel buffers before it has sent them."""


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. MODELMETA_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 picks a free port. MODELMETA_PORT.")] = None,
    database_url: DatabaseUrl = None,
    overlay: Overlay = None,
    log_level: Annotated[
        str | None, typer.Option(help="critical, error, warning, info or debug. MODELMETA_LOG_LEVEL.")
    ] = None,
) -> None:
    """Serve the registry. An empty database is first loaded from the bundled sources."""
    settings = read_settings(host=host, port=port, database_url=database_url, overlay=overlay, log_level=log_level)
    # On SIGTERM, requests are finished, a running load is stopped, and the exit code is 0.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    listener = listen(settings)
    try:
        if not run(_is_loaded(settings)):
            _load_in_subprocess(settings)
        _serve(settings, listener)
    finally:
        listener.close()


def _load_in_subprocess(settings: Settings) -> None:
    """Loads in a process of its own, so that its memory is given back. It ends with this process."""
    signals: list[int] = []
    # While the subprocess starts, it can't be stopped yet: a signal is only noted.
    handler = signal.signal(signal.SIGTERM, lambda number, _: signals.append(number))
    with subprocess.Popen(command_line(["load"]), env=environment(settings)) as process:  # noqa: S603 - this program itself
        try:
            signal.signal(signal.SIGTERM, handler)
            if signals:
                sys.exit(0)
            code = process.wait()
        except BaseException:
            process.kill()
            raise
    if code:
        raise SystemExit(code)


def _serve(settings: Settings, listener: socket.socket) -> None:
    from server.app import create_app
    from server.uvicorn_server import Server, WebSocketProtocol

    logging.getLogger("modelmeta").setLevel(settings.log_level.upper())
    _raise_file_limit(settings.max_sockets + SPARE_FILES)
    address, port = listener.getsockname()[:2]
    origin = f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
    say(f"ModelMeta is running. Catalog: {origin}/  GraphQL: {origin}/graphql  GraphiQL: {origin}/graphiql")
    config = uvicorn.Config(
        create_app(settings),
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http="httptools",
        ws=WebSocketProtocol,
        ws_max_size=settings.max_body_bytes * 2,
        log_level=settings.log_level,
        access_log=settings.log_level == "debug",
        ws_ping_interval=settings.keep_alive,
        ws_ping_timeout=settings.send_timeout,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    # Everything that exists now stays: keep the garbage collector from traversing it. What is kept later has no cycles,
    # so the collector looks for garbage among young objects, and through all of them only once in a long while.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 5, 5_000)
    Server(config, settings.send_timeout).run(sockets=[listener])


def _raise_file_limit(number: int) -> None:
    """Raises the limit of open files and sockets to this number, or as far as the system allows."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < number:
        wanted = number if hard == resource.RLIM_INFINITY else min(number, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def listen(settings: Settings) -> socket.socket:
    """A socket bound to the settings' address. Raises OperatorError if that fails."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        # What a slow client has not read stays in our buffers, where it is counted, and does not pile up in the kernel.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise OperatorError(
            f"Can't listen on {settings.host} port {settings.port}: {error.strerror or error}. "
            "Stop the program that uses it, or choose another with --port or MODELMETA_PORT."
        ) from error
    return listener


async def _is_loaded(settings: Settings) -> bool:
    """Prepares the database. Returns whether it holds a registry."""
    async with opened(settings) as engine:
        say(f"Database: {database.location(engine)}")
        async with database.reading(engine) as connection:
            return await database.newest(connection) is not None
