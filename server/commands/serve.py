"""`modelmeta serve`: the server, and the first load."""

import gc
import logging
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from typing import Annotated

import sqlalchemy as sa
import typer
import uvicorn

from schema import tables
from server import database, settings
from server.commands.common import DatabaseUrl, Overlay, err, opened, read_settings, run
from server.errors import OperatorError
from server.settings import Settings

SPARE_FILES = 1_000
"""Files and sockets open besides those that are counted: databases, and requests that are answered at once."""
UNSENT = 131_072
"""Bytes for one connection that the kernel takes ahead of what it can send."""


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
        if not run(_loaded(found)):
            _load_apart(found)
        _serve(found, listener)
    finally:
        listener.close()


def _load_apart(found: Settings) -> None:
    """Loads in a process of its own, so that the memory it needs is given back. That one ends with this one."""
    command = [sys.executable, "-m", "server.cli", "load"]
    # By environment, not by flags: an address may hold a password, and anybody can list a process's arguments.
    environment = os.environ | settings.environment(found)
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
    from server.uvicorn_server import Server, WebSocketProtocol

    logging.getLogger("modelmeta").setLevel(found.log_level.upper())
    _allow_files(found.max_sockets + SPARE_FILES)
    address, port = listener.getsockname()[:2]
    origin = f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
    err.print(
        f"ModelMeta answers at {origin}/graphql; browse at {origin}/, explore at {origin}/graphiql",
        highlight=False,
        soft_wrap=True,
    )
    config = uvicorn.Config(
        create_app(found),
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http="httptools",
        ws=WebSocketProtocol,
        ws_max_size=found.max_body_bytes * 2,
        log_level=found.log_level,
        access_log=found.log_level == "debug",
        ws_ping_interval=found.keep_alive,
        ws_ping_timeout=found.send_timeout,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    # What exists now stays: keep the collector from walking it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    Server(config, found.send_timeout).run(sockets=[listener])


def _allow_files(number: int) -> None:
    """Lets this process have so many files and sockets open, or as many as it may."""
    if sys.platform == "win32":
        return
    import resource

    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed != resource.RLIM_INFINITY and allowed < number:
        wanted = number if most == resource.RLIM_INFINITY else min(number, most)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def listen(found: Settings) -> socket.socket:
    """A socket bound to the settings' address. Raises OperatorError when it can't be had."""
    family = socket.AF_INET6 if ":" in found.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        # What a client leaves lying stays with us, where it is counted, and is not piled up in the kernel.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
    try:
        listener.bind((found.host, found.port))
    except OSError as error:
        listener.close()
        raise OperatorError(
            f"Can't listen on {found.host} port {found.port}: {error.strerror or error}. "
            "Stop what uses it, or choose another with --port or MODELMETA_PORT."
        ) from error
    return listener


async def _loaded(found: Settings) -> bool:
    """Lays out the database. Whether a registry is in it."""
    async with opened(found) as engine:
        err.print(f"Database: {database.location(engine)}", highlight=False, soft_wrap=True)
        async with database.reading(engine) as connection:
            return bool(await connection.scalar(sa.select(sa.func.count()).select_from(tables.Revision)))
