"""The refresh lock, held by one process at a time: a lock file beside SQLite, an advisory lock in PostgreSQL."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.ext.asyncio import AsyncEngine

from server.errors import OperatorError, RefreshRunningError

ADVISORY = 0x6D6D_7265_6672
"""The key of PostgreSQL's advisory lock: the letters mmrefr."""
WAIT = 120.0
"""Seconds a command waits for a refresh that another process runs."""
PAUSE = 0.2
"""Seconds between two attempts."""


@asynccontextmanager
async def refresh_lock(engine: AsyncEngine, wait: float = 0.0) -> AsyncGenerator[None]:
    """Holds the refresh lock for the block. Raises RefreshRunningError if it is not free within `wait` seconds.

    A killed process releases its lock: the system closes its file, PostgreSQL its connection.
    """
    deadline = asyncio.get_running_loop().time() + wait
    async with AsyncExitStack() as stack:
        while not await _acquire(engine, stack):
            if asyncio.get_running_loop().time() >= deadline:
                raise RefreshRunningError
            await asyncio.sleep(PAUSE)
        yield


@asynccontextmanager
async def command_lock(engine: AsyncEngine) -> AsyncGenerator[None]:
    """The refresh lock for a command, which waits up to two minutes for a running refresh."""
    try:
        async with refresh_lock(engine, WAIT):
            yield
    except RefreshRunningError:
        raise OperatorError(
            f"Another process has been refreshing for more than {WAIT:g} s. Wait for it, or stop it."
        ) from None


async def _acquire(engine: AsyncEngine, stack: AsyncExitStack) -> bool:
    """Tries once. The stack releases the lock when it ends."""
    if engine.url.get_backend_name() == "sqlite":
        try:
            stack.enter_context(FileLock(f"{engine.url.database}.refresh.lock", timeout=0))
        except Timeout:
            return False
        return True
    async with AsyncExitStack() as attempt:
        connection = await attempt.enter_async_context(engine.connect())
        # A session lock, not a transaction lock: no transaction stays open while feeds are fetched.
        connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
        if not await connection.scalar(sa.select(sa.func.pg_try_advisory_lock(ADVISORY))):
            return False
        attempt.push_async_callback(connection.execute, sa.select(sa.func.pg_advisory_unlock(ADVISORY)))
        stack.push_async_exit(attempt.pop_all())
        return True
