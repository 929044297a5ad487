"""Notices every new revision, whichever process wrote it, and wakes those who wait for one."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from server.database.engine import newest, reading

log = logging.getLogger("modelmeta")
POLL_INTERVAL = 0.3
"""Seconds between two reads of the latest revision."""
READ_TIMEOUT = 10.0
"""Seconds one read may take before it is abandoned and tried again."""


class Watch:
    """Knows the latest revision of one database. A server runs one for as long as it serves."""

    def __init__(self, engine: AsyncEngine, interval: float = POLL_INTERVAL) -> None:
        self.engine, self.interval = engine, interval
        self.number = 0
        """The latest revision seen; 0 while there is none."""
        self.waiting = 0
        """Number of tasks that wait for the next one."""
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
            async with asyncio.timeout(READ_TIMEOUT), reading(self.engine) as connection:
                found = await newest(connection) or 0
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
