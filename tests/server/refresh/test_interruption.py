"""The promise: a refresh that is killed at any moment leaves one whole revision, and no reader ever sees two at once.

Eight kills a database here; KILLS=200 asks for as many as you like.
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

REFRESHER = """
import os, sys
from server import cli

for line in sys.stdin:
    refreshing = os.fork()
    if not refreshing:
        sys.argv = ["modelmeta", "refresh", "--json"]
        sys.stdout = open(os.devnull, "w")
        cli.main()
        break
    print(refreshing, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(refreshing, 0)[1]), flush=True)
"""
"""Imports the program once, which takes a second, then refreshes by a process of its own for each line."""


def edition(number: int) -> dict[str, Any]:
    """A document in which every model, limit and price tells which edition it is of."""
    models = {
        f"acme/{place}": listing(context=10_000 + number, price=(str(number), str(number + 1)))
        for place in range(MODELS)
    }
    # Some models come and go with every edition.
    return catalogue(models | {f"acme/only-{number}": listing(context=10_000 + number, price=None)})


@dataclass
class Refresher:
    process: asyncio.subprocess.Process
    took: list[float] = field(default_factory=list[float])

    async def number(self) -> int:
        assert self.process.stdout
        async with asyncio.timeout(60):
            return int(await self.process.stdout.readline())

    async def start(self) -> int:
        assert self.process.stdin
        self.process.stdin.write(b"\n")
        return await self.number()

    async def whole(self) -> None:
        """A refresh that is left alone."""
        begun = time.monotonic()
        await self.start()
        assert await self.number() == 0
        self.took.append(time.monotonic() - begun)

    async def killed(self, after: float) -> int:
        """The exit code of a refresh that is killed after so many seconds, if it still runs then."""
        refreshing = await self.start()
        await asyncio.sleep(after)
        with suppress(ProcessLookupError):
            os.kill(refreshing, signal.SIGKILL)
        return await self.number()


@pytest_asyncio.fixture(loop_scope="session")
async def feeds() -> AsyncIterator[Publisher]:
    with publishing({"models-dev": edition(1)}) as publisher:
        yield publisher


@pytest_asyncio.fixture(loop_scope="session")
async def refresher(url: str, feeds: Publisher) -> AsyncIterator[Refresher]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", REFRESHER),
        cwd=ROOT,
        env=environment(database_url=url, **feeds.variables(), **GUARD_OFF),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    yield Refresher(process)
    assert process.stdin
    process.stdin.close()
    await process.wait()


async def seen(engine: AsyncEngine) -> tuple[int, int]:
    """(revision, edition) of everything in the registry, read table by table in one transaction.

    Fails where one row is of another edition than the rest.
    """
    model, rate, claim = (table(each) for each in (tables.Model, tables.Rate, tables.Claim))
    acme = model.c.ref.like("acme/%") & (model.c.status != "RETIRED")
    windows = sa.select(sa.func.min(model.c.context_window), sa.func.max(model.c.context_window), sa.func.count())
    now = rate.c.effective_to.is_(None) & (rate.c.meter == "INPUT")
    async with context(engine) as reader:
        number = await reader.scalar(sa.select(sa.func.max(table(tables.Revision).c.number)))
        ((least, most, count),) = await reader.tuples(windows.where(acme))
        await asyncio.sleep(0)
        amounts = await reader.tuples(
            sa.select(rate.c.amount).join(model, model.c.id == rate.c.model_id).where(acme, now).distinct()
        )
        said = await reader.tuples(
            sa.select(claim.c.value)
            .join(model, model.c.id == claim.c.model_id)
            .where(acme, claim.c.field == "contextWindow")
            .distinct()
        )
        changes = await reader.scalar(sa.select(sa.func.count()).select_from(table(tables.Change)))
        counted = await reader.scalar(sa.select(sa.func.sum(table(tables.Revision).c.change_count)))
    assert number is not None
    assert least == most, "models of two editions"
    assert count == MODELS + 1, "models of two editions"
    assert [int(row.amount) for row in amounts] == [least - 10_000], "prices of another edition than their models"
    assert [row.value for row in said] == [least], "claims of another edition than their models"
    assert changes == counted, "changes of another revision"
    return number, least - 10_000


async def intact(engine: AsyncEngine) -> None:
    if engine.url.get_backend_name() == "sqlite":
        async with engine.connect() as connection:
            assert await connection.scalar(sa.text("PRAGMA integrity_check")) == "ok"
            assert (await connection.execute(sa.text("PRAGMA foreign_key_check"))).all() == []


async def test_killed_at_random_moments_it_leaves_one_whole_revision_and_the_next_refresh_completes(
    url: str, feeds: Publisher, refresher: Refresher
) -> None:
    dice = random.Random(20261123)  # noqa: S311 - no secret
    await refresher.whole()
    feeds.documents["models-dev"] = edition(2)
    await refresher.whole()
    engine = database.create_engine(url)
    reading = asyncio.Event()
    pairs: dict[int, int] = {}

    async def read_throughout() -> int:
        reads = 0
        while not reading.is_set():
            number, content = await seen(engine)
            assert pairs.setdefault(number, content) == content, "a revision's content moved"
            reads += 1
            await asyncio.sleep(0.01)
        return reads

    reader = asyncio.create_task(read_throughout())
    codes: list[int] = []
    try:
        number = 2
        for _ in range(KILLS):
            number += 1
            before = await seen(engine)
            feeds.documents["models-dev"] = edition(number)
            codes.append(await refresher.killed(dice.uniform(0, 1.1 * refresher.took[-1])))
            await intact(engine)
            after = await seen(engine)
            assert after in (before, (before[0] + 1, number))
            await refresher.whole()
            assert await seen(engine) == (before[0] + 1, number)
    finally:
        reading.set()
    assert await reader > KILLS
    assert -signal.SIGKILL in codes
    assert set(codes) <= {0, -signal.SIGKILL}
    await engine.dispose()
