"""The clock: a refresh at start when one is due, then at every interval. It never takes the server down.

A refresh runs in a process of its own: readers keep their rate while it computes, and its memory is given back.
"""

import asyncio
import json
import logging
import os
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from server.refresh.plan import due_at
from server.settings import Settings, environment

log = logging.getLogger("modelmeta")
MOST_JITTER = 60.0
"""Seconds by which refreshes of many servers are spread at most."""
PATIENCE = 15.0
"""Seconds until the next look where another process is refreshing, or a refresh failed."""
GRACE = 5.0
"""Seconds a refresh under way has to end when the server does."""


class RefreshFailed(Exception):  # noqa: N818 - it says what happened
    """The refresh's process did not do its work; the log says why."""


class Refresher:
    """Refreshes in a process of its own, one at a time."""

    def __init__(self, settings: Settings, done: Callable[[], None] = lambda: None) -> None:
        self.settings, self.done = settings, done
        self._turn = asyncio.Lock()

    async def __call__(self, *arguments: str) -> Mapping[str, Any]:
        """What the refresh did. Raises RefreshFailed."""
        async with self._turn:
            return await self._run(arguments)

    async def ask(self, slugs: Sequence[str]) -> Mapping[str, Any]:
        """A refresh of these feeds, or all if none are named."""
        return await self(*slugs)

    async def _run(self, arguments: Sequence[str]) -> Mapping[str, Any]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server.cli", "refresh", "--json", *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # By environment, not by flags: an address may hold a password, and anybody can list a process's arguments.
            env=dict(os.environ) | environment(self.settings),
        )
        try:
            said, complaints = await process.communicate()
        except BaseException:
            await _end(process)
            raise
        if process.returncode not in (0, 1):
            raise RefreshFailed(
                complaints.decode(errors="replace").strip()[-2_000:] or f"exit code {process.returncode}"
            )
        self.done()
        summary: Mapping[str, Any] = json.loads(said)
        return summary


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), GRACE)
        except TimeoutError:
            process.kill()
            await process.wait()


class Clock:
    """Refreshes whenever it is due."""

    def __init__(self, engine: AsyncEngine, interval: int, refresher: Refresher) -> None:
        self.engine, self.interval, self.refresher = engine, interval, refresher

    async def run(self) -> None:
        """Goes on until it is cancelled; whatever fails is logged and tried again."""
        while True:
            try:
                await asyncio.sleep(await self._until_due())
                report = await self.refresher("--due")
                _tell(report)
            except (RefreshFailed, SQLAlchemyError, OSError, ValueError) as error:
                log.error("the refresh failed, and is tried again: %s", error)
            # Whatever the database says of what is due: never one refresh after another without a pause.
            await asyncio.sleep(min(PATIENCE, self.interval))

    async def _until_due(self) -> float:
        wait = (await due_at(self.engine, self.interval) - datetime.now(UTC)).total_seconds()
        # Servers that share a start or an upstream do not all ask in the same second.
        spread = random.uniform(0, min(MOST_JITTER, self.interval / 20))  # noqa: S311 - no secret
        return wait + spread if wait > 0 else 0.0


def _tell(report: Mapping[str, Any]) -> None:
    if not report["refreshed"]:
        return
    log.info("refreshed: revision %s, %s changes", report["revision"], report["changeCount"])
    for slug, state in report["sources"].items():
        if state["error"]:
            log.warning("source %s is %s: %s", slug, state["status"], state["error"])
