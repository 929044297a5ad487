"""A crowd of listeners: many that hear everything in order, some that never read, and the memory it takes."""

import asyncio
import resource
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from schema import tables
from schema.enums import ChangeKind
from schema.tables import table
from server import database
from tests.support.servers import Server
from tests.support.subscribers import Deaf, hear, refreshed, socket_to, subscribe

QUERIES = {
    "revisions": "subscription($since: Int!) { registryRefreshed(sinceRevision: $since) { number changeCount } }",
    "changes": "subscription($since: Int!) { modelChanged(filter: {sinceRevision: $since}) {"
    " field before after model { ref } revision { number } } }",
    "prices": "subscription($since: Int!) { modelChanged(filter: {sinceRevision: $since, kinds: [PRICE_CHANGED]}) {"
    " field after } }",
    "one": "subscription($since: Int!) {"
    ' modelChanged(filter: {sinceRevision: $since, models: ["daily-000"]}) { kind field after } }',
}
"""What listeners ask for, one after another."""
LOUD = (
    "subscription { registryRefreshed { number changes(first: 100) { nodes { field before after model { ref } } } } }"
)
"""What those ask for who never read: much."""
MOST_AT_ONCE = 50
"""Sockets opened at once."""


@dataclass
class Crowd:
    """What became of a crowd."""

    heard: dict[str, list[list[Any]]] = field(default_factory=dict[str, list[list[Any]]])
    """Query -> what each of its listeners heard, in order."""
    written: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    """Query -> what was written for them to hear."""
    cut_off: int = 0
    memory: dict[str, int] = field(default_factory=dict[str, int])
    """Moment -> KiB the server holds."""
    seconds: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def events(self) -> int:
        return sum(len(each) for lists in self.heard.values() for each in lists)


def memory(server: Server) -> int:
    """KiB of memory the server's process holds."""
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def allow_files(number: int) -> None:
    """This process holds the other end of every socket."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < number:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(number, hard), hard))


async def written(engine: AsyncEngine, since: int) -> dict[str, list[Any]]:
    """What each query has to bring, in order, read from the tables."""
    change, revision = table(tables.Change), table(tables.Revision)
    later = sa.select(change).where(change.c.revision_number > since).order_by(change.c.id)
    numbers = sa.select(revision).where(revision.c.number > since).order_by(revision.c.number)
    async with database.reading(engine) as connection:
        changes = (await connection.execute(later)).all()
        revisions = (await connection.execute(numbers)).all()
    return {
        "revisions": [{"number": row.number, "changeCount": row.change_count} for row in revisions],
        "changes": [
            {
                "field": row.field,
                "before": row.before,
                "after": row.after,
                "model": {"ref": row.model_ref},
                "revision": {"number": row.revision_number},
            }
            for row in changes
        ],
        "prices": [{"field": row.field, "after": row.after} for row in changes if row.kind is ChangeKind.PRICE_CHANGED],
        "one": [
            {"kind": row.kind.name, "field": row.field, "after": row.after}
            for row in changes
            if row.model_ref == "openai/daily-000"
        ],
    }


async def gather(server: Server, engine: AsyncEngine, listeners: int, deaf: int, days: range, models: int) -> Crowd:
    """Lets a crowd listen while the days' prices are written, until all who listen have heard everything."""
    since = await refreshed(engine, days.start - 1, models)
    crowd = Crowd(heard={name: [] for name in QUERIES})
    turn = asyncio.Semaphore(MOST_AT_ONCE)
    ready = asyncio.Barrier(listeners + 1)
    expected = {"revisions": len(days), "changes": 2 * models * len(days), "one": 2 * len(days)}
    expected["prices"] = expected["changes"]

    async def listen(name: str) -> None:
        found: list[Any] = []
        crowd.heard[name].append(found)
        async with AsyncExitStack() as stack:
            async with turn:
                opened = await stack.enter_async_context(socket_to(server))
                await subscribe(opened, QUERIES[name], since=since)
            await ready.wait()
            while len(found) < expected[name]:
                message = await hear(opened)
                assert message["type"] == "next", message
                (value,) = message["payload"]["data"].values()
                found.append(value)

    crowd.memory["alone"] = memory(server)
    began = time.perf_counter()
    names = cycle(QUERIES)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(listen(next(names))) for _ in range(listeners)]
        silent = [await asyncio.to_thread(Deaf.over_socket, server, LOUD) for _ in range(deaf)]
        await ready.wait()
        crowd.seconds["to gather"] = time.perf_counter() - began
        crowd.memory["gathered"] = memory(server)
        began = time.perf_counter()
        for day in days:
            await refreshed(engine, day, models)
        crowd.seconds["to write"] = time.perf_counter() - began
        crowd.written = await written(engine, since)
        while not all(task.done() for task in tasks):
            crowd.memory["most"] = max(crowd.memory.get("most", 0), memory(server))
            await asyncio.sleep(0.1)
    crowd.seconds["until all had heard"] = time.perf_counter() - began
    for each in silent:
        await each.cut_off()
        crowd.cut_off += 1
        each.close()
    crowd.seconds["until the deaf were cut off"] = time.perf_counter() - began
    crowd.memory["most"] = max(crowd.memory.get("most", 0), memory(server))
    crowd.memory["after"] = memory(server)
    return crowd
