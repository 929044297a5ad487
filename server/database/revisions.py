"""Notices every new revision, whichever process wrote it, and wakes those who wait for one."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from server.database.engine import newest

log = logging.getLogger("modelmeta")
POLL_INTERVAL = 0.3
"""Seconds between two reads of the latest revision."""
MAX_AGE = 0.5
"""Seconds for which the result of a poll may be taken for the latest revision."""
READ_TIMEOUT = 10.0
"""Seconds one read may take before it is abandoned and tried again."""


class RevisionReader:
    """Reads the latest revision of an SQLite file on a connection of its own, in microseconds and without a thread.

    One read serves all requests that the event loop runs in the same turn: each had arrived before the turn began, so
    none of them gets a revision that had been replaced when it arrived.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._known: int | None = None
        """The result for this turn of the event loop."""

    def read(self) -> int | None:
        """The latest revision; None if the file can't be read now."""
        if self._known is None:
            self._known = self._read()
            if self._known is not None:
                asyncio.get_running_loop().call_soon(self._forget)
        return self._known

    def _forget(self) -> None:
        self._known = None

    def _read(self) -> int | None:
        try:
            if self._connection is None:
                uri = f"{Path(self.path).absolute().as_uri()}?mode=ro"
                self._connection = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)
            # All rows are fetched: a statement that is still open would hold up the checkpoints of writers.
            ((number,),) = self._connection.execute("SELECT max(number) FROM revision").fetchall()
            return number or None
        except sqlite3.Error:
            self.close()
            return None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Watch:
    """Knows the latest revision of one database. A server runs one for as long as it serves."""

    def __init__(self, engine: AsyncEngine, interval: float = POLL_INTERVAL) -> None:
        self.engine, self.interval = engine, interval
        self.number = 0
        """The latest revision seen; 0 while there is none."""
        self.waiting = 0
        """Number of tasks that wait for the next one."""
        self._reader = RevisionReader(engine.url.database or "") if engine.dialect.name == "sqlite" else None
        self._read_at = float("-inf")
        """When the read that found `number` began, by the monotonic clock."""
        self._changed = asyncio.Event()
        self._poll_now = asyncio.Event()
        self._turn = asyncio.Lock()
        self._reads: set[asyncio.Task[int]] = set()
        self._next: asyncio.Task[int] | None = None
        """The read that has not started yet."""

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["Watch"]:
        """Polls for as long as the block lasts."""
        task = asyncio.create_task(self._run())
        try:
            yield self
        finally:
            tasks: list[asyncio.Task[Any]] = [task, *self._reads]
            for running in tasks:
                running.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._reader is not None:
                self._reader.close()

    def current(self) -> int | None:
        """The latest revision, without waiting: read from an SQLite file, else known from a poll at most half a
        second ago. None if that can't be told."""
        if self._reader is not None:
            return self._reader.read()
        return self.number or None if time.monotonic() - self._read_at <= MAX_AGE else None

    async def look(self) -> int:
        """The latest revision, read from the database now. One read serves everyone who asked before it started."""
        if self._next is None or self._next.done():
            self._next = asyncio.create_task(self._read())
            self._reads.add(self._next)
            self._next.add_done_callback(self._read_done)
        return await asyncio.shield(self._next)

    def _read_done(self, look: asyncio.Task[int]) -> None:
        self._reads.discard(look)
        if not look.cancelled():
            look.exception()  # marks it as seen: everyone who asked for it may be gone

    async def _read(self) -> int:
        async with self._turn:
            self._next = None
            begun = time.monotonic()
            async with asyncio.timeout(READ_TIMEOUT), self.engine.connect() as connection:
                found = await newest(connection) or 0
        self._read_at = begun
        if found != self.number:
            self.number = found
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()
        return found

    def notify(self) -> None:
        """Polls at once, for a caller that knows of a new revision."""
        self._poll_now.set()

    async def after(self, number: int) -> int:
        """Waits for a revision after this one, and returns the latest."""
        self.waiting += 1
        try:
            while self.number <= number:
                await self._changed.wait()
        finally:
            self.waiting -= 1
        return self.number

    async def _run(self) -> None:
        reachable = True
        while True:
            try:
                await self.look()
                if not reachable:
                    log.info("the database can be read again")
                reachable = True
            except Exception as error:
                # Drivers raise many kinds of errors while a database is away; polling goes on.
                if reachable:
                    log.warning("the database can't be read, retrying: %s", error)
                reachable = False
            with suppress(TimeoutError):
                async with asyncio.timeout(self.interval):
                    await self._poll_now.wait()
            self._poll_now.clear()
