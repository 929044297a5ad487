"""Real servers for tests: `python -m server.cli serve` on a free port of loopback, and what people do with one."""

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
"""What no client has to see: Python, SQL, paths."""


def environment(**settings: str) -> dict[str, str]:
    """This process's environment, with these settings and no other."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MODELMETA_")}
    # Wide, so that what is printed for people stands on one line each.
    # Nothing leaves this machine: a test that refreshes says from where.
    kept |= {"MODELMETA_REFRESH_INTERVAL": "0"} | {f"MODELMETA_{name}_URL": "" for name in FEEDS}
    return kept | {"COLUMNS": "400"} | {f"MODELMETA_{name.upper()}": value for name, value in settings.items()}


def modelmeta(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line to its end."""
    return subprocess.run(
        [sys.executable, "-m", "server.cli", *arguments],
        cwd=ROOT,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@dataclass
class Server:
    """A server under way: its process, its address, and the file its standard error goes to."""

    process: subprocess.Popen[bytes]
    address: str
    log: Path

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def client(self, **more: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.address, timeout=20, trust_env=False, **more)

    @contextmanager
    def asleep(self) -> Generator[None]:
        """Stops the process for as long as the block lasts: what is sent meanwhile it finds all at once."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    async def stop(self) -> int:
        """Asks it to end, as an operator does. Gives its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return await ended(self.process)


async def ended(process: subprocess.Popen[bytes], seconds: float = 20) -> int:
    """The exit code of a process that is about to end; one that does not is killed, and the test fails."""
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
    """Starts the command line; what it says goes to the file."""
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
    """The server, once it says where it answers and /readyz agrees."""
    server = Server(process, "", log)
    async with asyncio.timeout(seconds):
        while not (found := re.search(r"GraphQL: (http://\S+)/graphql ", server.said)):
            assert process.poll() is None, server.said
            await asyncio.sleep(0.02)
        server.address = found[1]
        async with server.client() as client:
            while True:
                try:
                    if (await client.get("/readyz")).status_code == 200:
                        return server
                except httpx.TransportError:
                    pass
                assert process.poll() is None, server.said
                await asyncio.sleep(0.02)


@asynccontextmanager
async def serving(url: str, folder: Path, **settings: str) -> AsyncGenerator[Server]:
    """A server on a database that holds a registry already, or loads one."""
    log = folder / f"{os.urandom(4).hex()}.log"
    process = start(log, "serve", "--port", "0", **{"database_url": url, **settings})
    try:
        yield await answering(process, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        await ended(process)


def in_process(settings: Settings, engine: AsyncEngine, **more: Any) -> httpx.AsyncClient:
    """A client of the application in this process. Its state is made, but nothing runs beside the requests."""
    app, state = create_app(settings), create_state(settings, engine)

    async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": {**state}}, receive, send)

    transport = httpx.ASGITransport(with_state)
    return httpx.AsyncClient(transport=transport, base_url="http://registry.test", **more)


@asynccontextmanager
async def tiny_database(folder: Path, kind: str = "sqlite") -> AsyncGenerator[str]:
    """The address of a database that holds the tiny registry."""
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


@asynccontextmanager
async def locked(url: str) -> AsyncGenerator[Callable[[int], Awaitable[None]]]:
    """Keeps PostgreSQL's readers of models waiting for as long as the block lasts.

    Gives a function that returns once so many of them wait.
    """
    waiting = sa.text("SELECT count(*) FROM pg_stat_activity WHERE datname = :name AND wait_event_type = 'Lock'")
    engine = database.create_engine(url)
    async with engine.connect() as connection:

        async def until(number: int) -> None:
            async with asyncio.timeout(15):
                while await connection.scalar(waiting, {"name": engine.url.database}) != number:
                    await asyncio.sleep(0.02)

        await connection.execute(sa.text("LOCK TABLE model IN ACCESS EXCLUSIVE MODE"))
        try:
            yield until
        finally:
            await connection.rollback()
    await engine.dispose()


def refused(answer: Mapping[str, Any], code: str | None = None) -> str:
    """The message of an answer that is one error and nothing else: coded, short, and without our insides."""
    assert list(answer) == ["errors"], answer
    (error,) = answer["errors"]
    found: str = error["extensions"]["code"]
    assert CODES.match(found), error
    assert code is None or found == code, error
    message: str = error["message"]
    assert 0 < len(message) < 300, error
    assert not LEAKS.search(str(error)), error
    return message
