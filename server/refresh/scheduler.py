"""Starts refreshes: one at startup if it is due, then one every interval. Failures are logged and retried."""

import asyncio
import json
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeAlias

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from server.errors import RefreshError
from server.processes import command_line, environment
from server.refresh.plan import due_at
from server.settings import Settings

log = logging.getLogger("modelmeta")
Summary: TypeAlias = Mapping[str, Any]
"""What `modelmeta refresh --json` prints, as `server.refresh.plan.summary` builds it."""
MAX_JITTER = 60.0
"""Seconds over which the refreshes of many servers are spread."""
RETRY_PAUSE = 15.0
"""Seconds until the next check while another process refreshes, or after a failure."""
GRACE_PERIOD = 5.0
"""Seconds a running refresh may take to stop when the server stops."""


class Refresher:
    """Runs refreshes in a process of their own, one at a time."""

    def __init__(self, settings: Settings, notify: Callable[[], None] = lambda: None) -> None:
        """`notify` is called after every refresh that finished."""
        self.settings, self.notify = settings, notify
        self._turn = asyncio.Lock()

    async def __call__(self, *arguments: str) -> Summary:
        """Refreshes, and returns the summary `modelmeta refresh --json` prints. Raises RefreshError."""
        async with self._turn:
            process = await asyncio.create_subprocess_exec(
                *command_line(("refresh", "--json", *arguments)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=environment(self.settings),
            )
            try:
                output, errors = await process.communicate()
            except BaseException:
                await _stop(process)
                raise
            if process.returncode not in (0, 1):
                raise RefreshError(
                    errors.decode(errors="replace").strip()[-2_000:] or f"exit code {process.returncode}"
                )
            self.notify()
            summary: Summary = json.loads(output)
            return summary

    async def refresh_feeds(self, slugs: Sequence[str]) -> Summary:
        """Refreshes these feeds, or all if none are named."""
        return await self(*slugs)


async def _stop(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), GRACE_PERIOD)
        except TimeoutError:
            process.kill()
            await process.wait()


class Scheduler:
    """Refreshes whenever a refresh is due."""

    def __init__(self, engine: AsyncEngine, interval: int, refresher: Refresher) -> None:
        self.engine, self.interval, self.refresher = engine, interval, refresher

    async def run(self) -> None:
        """Runs until it is canceled; failures are logged and tried again."""
        while True:
            try:
                await asyncio.sleep(await self._until_due())
                _log_summary(await self.refresher("--due"))
            except (RefreshError, SQLAlchemyError, OSError, ValueError) as error:
                log.error("the refresh failed and will be retried: %s", error)
            # Always pause between two refreshes, even if the database says that one is due.
            await asyncio.sleep(min(RETRY_PAUSE, self.interval))

    async def _until_due(self) -> float:
        wait = (await due_at(self.engine, self.interval) - datetime.now(UTC)).total_seconds()
        # Spread the servers that were started together, so that they do not fetch in the same second.
        spread = random.uniform(0, min(MAX_JITTER, self.interval / 20))  # noqa: S311 - not a secret
        return wait + spread if wait > 0 else 0.0


def _log_summary(summary: Summary) -> None:
    if not summary["refreshed"]:
        return
    log.info("refreshed: revision %s, %s changes", summary["revision"], summary["changeCount"])
    for slug, state in summary["sources"].items():
        if state["error"]:
            log.warning("source %s is %s: %s", slug, state["status"], state["error"])
