"""A refresh killed at any moment leaves one complete revision, and readers never see parts of two.

Kills eight refreshes per database; set KILLS=200 for more.
"""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from schema import tables
from schema.context import context
from schema.tables import table
from server import database
from tests.support.feeds import Publisher, catalogue, listing, publishing
from tests.support.servers import ROOT, environment

KILLS = int(os.environ.get("KILLS", "8"))
MODELS = 80
GUARD_OFF = {"guard_moved": "1", "guard_retired": "1", "guard_invalid": "1"}

REFRESH_LOOP = """
import os, sys
from server import cli

for line in sys.stdin:
    process_id = os.fork()
    if not process_id:
        sys.argv = ["modelmeta", "refresh", "--json"]
        sys.stdout = open(os.devnull, "w")
        cli.main()
        break
    print(process_id, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(process_id, 0)[1]), flush=True)
"""
"""Imports the program once, which takes a second, then runs one refresh process for each line of input."""


def edition(number: int) -> dict[str, Any]:
    """A document whose limits and prices all contain its edition number."""
    models = {
        f"acme/{index}": listing(context=10_000 + number, price=(str(number), str(number + 1)))
        for index in range(MODELS)
    }
    # Every edition adds one model and retires one.
    return catalogue(models | {f"acme/only-{number}": listing(context=10_000 + number, price=None)})


@dataclass
class Refresher:
    process: asyncio.subprocess.Process
    durations: list[float] = field(default_factory=list[float])

    async def read_number(self) -> int:
        assert self.process.stdout
        async with asyncio.timeout(60):
            return int(await self.process.stdout.readline())

    async def start(self) -> int:
        assert self.process.stdin
        self.process.stdin.write(b"\n")
        return await self.read_number()

    async def complete(self) -> None:
        """Runs one refresh to its end."""
        started = time.monotonic()
        await self.start()
        assert await self.read_number() == 0
        self.durations.append(time.monotonic() - started)

    async def kill(self, after: float) -> int:
        """Starts a refresh and kills it after some seconds if it is still running. Returns its exit code."""
        process_id = await self.start()
        await asyncio.sleep(after)
        with suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGKILL)
        return await self.read_number()


@pytest_asyncio.fixture(loop_scope="session")
async def feeds() -> AsyncIterator[Publisher]:
    with publishing({"models-dev": edition(1)}) as publisher:
        yield publisher


@pytest_asyncio.fixture(loop_scope="session")
async def refresher(url: str, feeds: Publisher) -> AsyncIterator[Refresher]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", REFRESH_LOOP),
        cwd=ROOT,
        env=environment(database_url=url, **feeds.variables(), **GUARD_OFF),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    yield Refresher(process)
    assert process.stdin
    process.stdin.close()
    await process.wait()


async def check_consistency(engine: AsyncEngine) -> tuple[int, int]:
    """(revision, edition) of the registry, read table by table in one transaction.

    Fails if any row belongs to another edition.
    """
    model, rate, claim = (table(model) for model in (tables.Model, tables.Rate, tables.Claim))
    acme = model.c.ref.like("acme/%") & (model.c.status != "RETIRED")
    windows = sa.select(sa.func.min(model.c.context_window), sa.func.max(model.c.context_window), sa.func.count())
    current = rate.c.effective_to.is_(None) & (rate.c.meter == "INPUT")
    async with context(engine) as reader:
        number = await reader.scalar(sa.select(sa.func.max(table(tables.Revision).c.number)))
        ((smallest, largest, count),) = await reader.tuples(windows.where(acme))
        await asyncio.sleep(0)
        amounts = await reader.tuples(
            sa.select(rate.c.amount).join(model, model.c.id == rate.c.model_id).where(acme, current).distinct()
        )
        claims = await reader.tuples(
            sa.select(claim.c.value)
            .join(model, model.c.id == claim.c.model_id)
            .where(acme, claim.c.field == "contextWindow")
            .distinct()
        )
        changes = await reader.scalar(sa.select(sa.func.count()).select_from(table(tables.Change)))
        change_count = await reader.scalar(sa.select(sa.func.sum(table(tables.Revision).c.change_count)))
    assert number is not None
    assert smallest == largest, "models of two editions"
    assert count == MODELS + 1, "models of two editions"
    assert [int(row.amount) for row in amounts] == [smallest - 10_000], "prices of another edition than their models"
    assert [row.value for row in claims] == [smallest], "claims of another edition than their models"
    assert changes == change_count, "changes of another revision"
    return number, smallest - 10_000


async def check_integrity(engine: AsyncEngine) -> None:
    if engine.url.get_backend_name() == "sqlite":
        async with engine.connect() as connection:
            assert await connection.scalar(sa.text("PRAGMA integrity_check")) == "ok"
            assert (await connection.execute(sa.text("PRAGMA foreign_key_check"))).all() == []


async def test_a_refresh_killed_at_a_random_moment_leaves_one_revision_and_the_next_one_completes(
    url: str, feeds: Publisher, refresher: Refresher
) -> None:
    rng = random.Random(20261123)
    await refresher.complete()
    feeds.documents["models-dev"] = edition(2)
    await refresher.complete()
    engine = database.create_engine(url)
    stop = asyncio.Event()
    edition_by_revision: dict[int, int] = {}

    async def read_throughout() -> int:
        reads = 0
        while not stop.is_set():
            number, content = await check_consistency(engine)
            assert edition_by_revision.setdefault(number, content) == content, "a revision's content changed"
            reads += 1
            await asyncio.sleep(0.01)
        return reads

    reader = asyncio.create_task(read_throughout())
    codes: list[int] = []
    try:
        number = 2
        for _ in range(KILLS):
            number += 1
            before = await check_consistency(engine)
            feeds.documents["models-dev"] = edition(number)
            codes.append(await refresher.kill(rng.uniform(0, 1.1 * refresher.durations[-1])))
            await check_integrity(engine)
            after = await check_consistency(engine)
            assert after in (before, (before[0] + 1, number))
            await refresher.complete()
            assert await check_consistency(engine) == (before[0] + 1, number)
    finally:
        stop.set()
    assert await reader > KILLS
    assert -signal.SIGKILL in codes
    assert set(codes) <= {0, -signal.SIGKILL}
    await engine.dispose()
