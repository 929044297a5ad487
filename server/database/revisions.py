"""Notices every new revision, whoever wrote it, and wakes those who wait for one."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col

from schema import tables

log = logging.getLogger("modelmeta")
EVERY = 0.3
"""Seconds between two looks at the database."""
PATIENCE = 10.0
"""Seconds one look may take before it is given up and tried again."""


class Watch:
    """The latest revision of one database. Whoever serves it for longer keeps one running."""

    def __init__(self, engine: AsyncEngine, every: float = EVERY) -> None:
        self.engine, self.every = engine, every
        self.number = 0
        """The latest revision seen; 0 while there is none."""
        self.waiting = 0
        """How many wait for the next one."""
        self._moved = asyncio.Event()
        self._asked = asyncio.Event()
        self._turn = asyncio.Lock()
        self._looks: set[asyncio.Task[int]] = set()
        self._next: asyncio.Task[int] | None = None
        """The look that has not begun yet."""

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["Watch"]:
        """Looks again and again for as long as the block lasts."""
        task = asyncio.create_task(self._run())
        try:
            yield self
        finally:
            tasks: list[asyncio.Task[Any]] = [task, *self._looks]
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def look(self) -> int:
        """The latest revision, asked of the database now. One look serves all who asked before it began."""
        if self._next is None or self._next.done():
            self._next = asyncio.create_task(self._look())
            self._looks.add(self._next)
            self._next.add_done_callback(self._looked)
        return await asyncio.shield(self._next)

    def _looked(self, look: asyncio.Task[int]) -> None:
        self._looks.discard(look)
        if not look.cancelled():
            look.exception()  # those who asked for it may all have gone: it is no news

    async def _look(self) -> int:
        async with self._turn:
            self._next = None
            async with asyncio.timeout(PATIENCE), self.engine.connect() as connection:
                found = await connection.scalar(sa.select(sa.func.max(col(tables.Revision.number)))) or 0
        if found != self.number:
            self.number = found
            moved, self._moved = self._moved, asyncio.Event()
            moved.set()
        return found

    def notify(self) -> None:
        """Looks at once: for whoever knows that there is something new."""
        self._asked.set()

    async def after(self, number: int) -> int:
        """The latest revision, as soon as there is one after this."""
        self.waiting += 1
        try:
            while self.number <= number:
                await self._moved.wait()
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
                # Whatever a driver raises when its database is away, this goes on.
                if reachable:
                    log.warning("the database can't be read, trying on: %s", error)
                reachable = False
            with suppress(TimeoutError):
                async with asyncio.timeout(self.every):
                    await self._asked.wait()
            self._asked.clear()
