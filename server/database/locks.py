"""One refresher at a time, however many processes serve: a lock file beside SQLite, an advisory lock in PostgreSQL."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.ext.asyncio import AsyncEngine

from server.errors import OperatorError

ADVISORY = 0x6D6D_7265_6672
"""The key of PostgreSQL's advisory lock: the letters mmrefr."""
WAIT = 120.0
"""Seconds an operator's command waits for another process that is refreshing."""
PAUSE = 0.2
"""Seconds between two tries."""


class Busy(Exception):  # noqa: N818 - a lock that is held is no error
    """Another process is refreshing."""


@asynccontextmanager
async def refreshing(engine: AsyncEngine, wait: float = 0.0) -> AsyncGenerator[None]:
    """Holds the refresh's lock as long as the block lasts. Raises Busy when it isn't free within so many seconds.

    A process that is killed gives its lock back: the system closes its file, PostgreSQL its connection.
    """
    deadline = asyncio.get_running_loop().time() + wait
    async with AsyncExitStack() as stack:
        while not await _taken(engine, stack):
            if asyncio.get_running_loop().time() >= deadline:
                raise Busy
            await asyncio.sleep(PAUSE)
        yield


@asynccontextmanager
async def taken(engine: AsyncEngine) -> AsyncGenerator[None]:
    """The lock for an operator's command, which waits for a refresh under way, but not for ever."""
    try:
        async with refreshing(engine, WAIT):
            yield
    except Busy:
        raise OperatorError(
            f"Another process has been refreshing for more than {WAIT:g} s. Wait for it, or end it."
        ) from None


async def _taken(engine: AsyncEngine, stack: AsyncExitStack) -> bool:
    """Tries once. What was taken is given back when the stack ends."""
    if engine.url.get_backend_name() == "sqlite":
        try:
            stack.enter_context(FileLock(f"{engine.url.database}.refresh.lock", timeout=0))
        except Timeout:
            return False
        return True
    async with AsyncExitStack() as attempt:
        connection = await attempt.enter_async_context(engine.connect())
        # A session's lock, not a transaction's: nothing stays open in the database while feeds are fetched.
        connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
        if not await connection.scalar(sa.select(sa.func.pg_try_advisory_lock(ADVISORY))):
            return False
        attempt.push_async_callback(connection.execute, sa.select(sa.func.pg_advisory_unlock(ADVISORY)))
        stack.push_async_exit(attempt.pop_all())
        return True
