"""Runs the command line and real servers on free loopback ports."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import Receive, Scope, Send

from server import database
from server.app import create_app, create_state
from server.settings import Settings
from tests.support.registry import create_database, drop_database, put, tiny

ROOT = Path(__file__).parents[2]
FEEDS = ("MODELS_DEV", "GENAI_PRICES", "OPENROUTER")
CODES = re.compile(r"^[A-Z][A-Z_]+$")
LEAKS = re.compile(
    r"Traceback|sqlalchemy|sqlite|asyncpg|graphql\.|Decimal\(|<class|NoneType|SELECT |INSERT |no such table|\.py\b|/tmp",
    re.IGNORECASE,
)
"""Internals that no client may see: Python, SQL, paths."""


def environment(**settings: str) -> dict[str, str]:
    """This process's environment, with these settings and no others."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("MODELMETA_")}
    # Tests make no requests to the internet: one that refreshes sets the URLs of its feeds.
    # COLUMNS keeps printed tables from wrapping.
    variables |= {"MODELMETA_REFRESH_INTERVAL": "0"} | {f"MODELMETA_{name}_URL": "" for name in FEEDS}
    return variables | {"COLUMNS": "400"} | {f"MODELMETA_{name.upper()}": value for name, value in settings.items()}


def modelmeta(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line and waits for it."""
    return subprocess.run(
        [sys.executable, "-m", "server.cli", *arguments],
        cwd=ROOT,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def error_line(exit_code: object, stdout: str, stderr: str) -> str:
    """The single line that reports an operator's mistake; nothing else may be printed."""
    assert (exit_code, stdout) == (2, ""), stderr
    (line,) = stderr.splitlines()
    assert line.startswith("modelmeta: ")
    return line.removeprefix("modelmeta: ")


def operator_error(*arguments: str, **settings: str) -> str:
    """Runs a command that must fail because of the operator's mistake, and returns its error line."""
    completed = modelmeta(*arguments, **settings)
    return error_line(completed.returncode, completed.stdout, completed.stderr)


@dataclass
class Server:
    """A running server: its process, its address, and the log file with its output."""

    process: subprocess.Popen[bytes]
    address: str
    log: Path

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    @property
    def output(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def client(self, **more: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.address, timeout=20, trust_env=False, **more)

    @contextmanager
    def asleep(self) -> Generator[None]:
        """Suspends the process during the block, so that it receives everything sent meanwhile at once."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    async def stop(self) -> int:
        """Terminates the server as an operator does, and returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return await ended(self.process)


async def ended(process: subprocess.Popen[bytes], seconds: float = 20) -> int:
    """Waits for a process to exit and returns its exit code. After the timeout it is killed and the test fails."""
    try:
        async with asyncio.timeout(seconds):
            while (code := process.poll()) is None:
                await asyncio.sleep(0.02)
    except TimeoutError:
        process.kill()
        process.wait()
        raise
    return code


def start(log: Path, *arguments: str, **settings: str) -> subprocess.Popen[bytes]:
    """Starts the command line with its output in the log file."""
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "server.cli", *arguments],
            cwd=ROOT,
            env=environment(**settings),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )


async def answering(process: subprocess.Popen[bytes], log: Path, seconds: float = 40) -> Server:
    """The server, once it has printed its address and /readyz succeeds."""
    server = Server(process, "", log)
    async with asyncio.timeout(seconds):
        while not (match := re.search(r"GraphQL: (http://\S+)/graphql ", server.output)):
            assert process.poll() is None, server.output
            await asyncio.sleep(0.02)
        server.address = match[1]
        async with server.client() as client:
            while True:
                try:
                    if (await client.get("/readyz")).status_code == 200:
                        return server
                except httpx.TransportError:
                    pass
                assert process.poll() is None, server.output
                await asyncio.sleep(0.02)


@asynccontextmanager
async def serving(url: str, folder: Path, **settings: str) -> AsyncGenerator[Server]:
    """A server on a database. If the database is empty, the server loads the bundled registry."""
    log = folder / f"{os.urandom(4).hex()}.log"
    process = start(log, "serve", "--port", "0", **{"database_url": url, **settings})
    try:
        yield await answering(process, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        await ended(process)


def in_process(settings: Settings, engine: AsyncEngine, **more: Any) -> httpx.AsyncClient:
    """A client of the application in this process. The state exists, but no background tasks run."""
    app, state = create_app(settings), create_state(settings, engine)

    async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": {**state}}, receive, send)

    transport = httpx.ASGITransport(with_state)
    return httpx.AsyncClient(transport=transport, base_url="http://registry.test", **more)


@asynccontextmanager
async def tiny_database(folder: Path, kind: str = "sqlite") -> AsyncGenerator[str]:
    """The URL of a database with the tiny registry."""
    url = await create_database(kind, folder)
    try:
        engine = database.create_engine(url)
        await database.prepare(engine)
        await put(engine, tiny())
        await engine.dispose()
        yield url
    finally:
        await drop_database(url)


@asynccontextmanager
async def tiny_server(folder: Path, kind: str = "sqlite", **settings: str) -> AsyncGenerator[Server]:
    """A server on the tiny registry."""
    async with tiny_database(folder, kind) as url, serving(url, folder, **settings) as server:
        yield server


# SQLite writes its first bytes once its cache is full, PostgreSQL early.
KILL_SIZES = {"sqlite": (2_000_000, 8_000_000), "postgresql": (500_000, 4_000_000)}
"""Database -> numbers of uncommitted bytes at which tests kill a load or an import."""


async def uncommitted_bytes(url: str) -> AsyncGenerator[int]:
    """Yields, again and again, how many bytes a running transaction has written."""
    if url.startswith("sqlite"):
        log = Path(f"{sa.make_url(url).database}-wal")
        while True:
            yield log.stat().st_size if log.exists() else 0
    sizes = sa.text(
        "SELECT sum(pg_relation_size(name)) FROM unnest(ARRAY['model', 'rate', 'claim']::regclass[]) AS name"
    )
    engine = database.create_engine(url)
    try:
        async with engine.connect() as connection:
            while True:
                yield await connection.scalar(sizes) or 0
    finally:
        await engine.dispose()


@asynccontextmanager
async def locked(url: str) -> AsyncGenerator[Callable[[int], Awaitable[None]]]:
    """Blocks PostgreSQL readers of models during the block.

    Yields a function that returns once the given number of readers are waiting.
    """
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = :name AND pid <> pg_backend_pid() AND "
    waiting, busy = sa.text(others + "wait_event_type = 'Lock'"), sa.text(others + "state <> 'idle'")
    engine = database.create_engine(url)
    async with engine.connect() as connection:

        async def until(number: int) -> None:
            async with asyncio.timeout(15):
                while await connection.scalar(waiting, {"name": engine.url.database}) != number:
                    await asyncio.sleep(0.02)

        # A server that has just started reads what most queries need. What a transaction sees of others stays the same.
        async with asyncio.timeout(15):
            while await connection.scalar(busy, {"name": engine.url.database}):
                await connection.rollback()
                await asyncio.sleep(0.02)
        await connection.execute(sa.text("LOCK TABLE model IN ACCESS EXCLUSIVE MODE"))
        try:
            yield until
        finally:
            await connection.rollback()
    await engine.dispose()


def refused(response: Mapping[str, Any], code: str | None = None) -> str:
    """The message of a response that is a single error with a code, short and without internals."""
    assert list(response) == ["errors"], response
    (error,) = response["errors"]
    error_code: str = error["extensions"]["code"]
    assert CODES.match(error_code), error
    assert code is None or error_code == code, error
    message: str = error["message"]
    assert 0 < len(message) < 300, error
    assert not LEAKS.search(str(error)), error
    return message
