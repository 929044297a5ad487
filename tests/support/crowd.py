"""A load test of subscriptions: many subscribers that read, some that never do, and the memory the server needs."""

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
from tests.support.subscribers import StalledClient, next_message, socket_to, subscribe, write_prices

QUERIES = {
    "revisions": "subscription($since: Int!) { registryRefreshed(sinceRevision: $since) { number changeCount } }",
    "changes": "subscription($since: Int!) { modelChanged(filter: {sinceRevision: $since}) {"
    " field before after model { ref } revision { number } } }",
    "prices": "subscription($since: Int!) { modelChanged(filter: {sinceRevision: $since, kinds: [PRICE_CHANGED]}) {"
    " field after } }",
    "one": "subscription($since: Int!) {"
    ' modelChanged(filter: {sinceRevision: $since, models: ["daily-000"]}) { kind field after } }',
}
"""The subscriptions, used in turn."""
LARGE_EVENTS = (
    "subscription { registryRefreshed { number changes(first: 100) { nodes { field before after model { ref } } } } }"
)
"""The subscription of clients that never read: one with large events."""
MAX_CONCURRENT_HANDSHAKES = 50


@dataclass
class Crowd:
    """The outcome of a load test."""

    received: dict[str, list[list[Any]]] = field(default_factory=dict[str, list[list[Any]]])
    """Query -> the events each of its subscribers received, in order."""
    written: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    """Query -> the events its subscribers should receive."""
    disconnected: int = 0
    """Disconnected clients that never read."""
    memory: dict[str, int] = field(default_factory=dict[str, int])
    """Phase -> memory of the server in KiB."""
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    """Phase -> its duration."""

    @property
    def events(self) -> int:
        return sum(len(events) for lists in self.received.values() for events in lists)


def memory(server: Server) -> int:
    """The memory of the server's process in KiB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def allow_files(number: int) -> None:
    """Raises the limit of open files: this process has the client end of every socket."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < number:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(number, hard), hard))


async def written(engine: AsyncEngine, since: int) -> dict[str, list[Any]]:
    """The events each query should deliver, in order, read from the tables."""
    change, revision = table(tables.Change), table(tables.Revision)
    new_changes = sa.select(change).where(change.c.revision_number > since).order_by(change.c.id)
    new_revisions = sa.select(revision).where(revision.c.number > since).order_by(revision.c.number)
    async with database.reading(engine) as connection:
        changes = (await connection.execute(new_changes)).all()
        revisions = (await connection.execute(new_revisions)).all()
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


async def gather(
    server: Server, engine: AsyncEngine, subscribers: int, stalled: int, days: range, models: int
) -> Crowd:
    """Subscribes a crowd and writes the days' prices, until every subscriber that reads has received all events."""
    since = await write_prices(engine, days.start - 1, models)
    crowd = Crowd(received={name: [] for name in QUERIES})
    handshakes = asyncio.Semaphore(MAX_CONCURRENT_HANDSHAKES)
    ready = asyncio.Barrier(subscribers + 1)
    expected = {"revisions": len(days), "changes": 2 * models * len(days), "one": 2 * len(days)}
    expected["prices"] = expected["changes"]

    async def receive(name: str) -> None:
        events: list[Any] = []
        crowd.received[name].append(events)
        async with AsyncExitStack() as stack:
            async with handshakes:
                connection = await stack.enter_async_context(socket_to(server))
                await subscribe(connection, QUERIES[name], since=since)
            await ready.wait()
            while len(events) < expected[name]:
                message = await next_message(connection)
                assert message["type"] == "next", message
                (value,) = message["payload"]["data"].values()
                events.append(value)

    crowd.memory["idle"] = memory(server)
    started = time.perf_counter()
    names = cycle(QUERIES)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(receive(next(names))) for _ in range(subscribers)]
        stalled_clients = [
            await asyncio.to_thread(StalledClient.over_socket, server, LARGE_EVENTS) for _ in range(stalled)
        ]
        await ready.wait()
        crowd.seconds["to connect"] = time.perf_counter() - started
        crowd.memory["connected"] = memory(server)
        started = time.perf_counter()
        for day in days:
            await write_prices(engine, day, models)
        crowd.seconds["to write the changes"] = time.perf_counter() - started
        crowd.written = await written(engine, since)
        while not all(task.done() for task in tasks):
            crowd.memory["most"] = max(crowd.memory.get("most", 0), memory(server))
            await asyncio.sleep(0.1)
    crowd.seconds["until all events were received"] = time.perf_counter() - started
    for client in stalled_clients:
        await client.wait_until_disconnected()
        crowd.disconnected += 1
        client.close()
    crowd.seconds["until stalled clients were disconnected"] = time.perf_counter() - started
    crowd.memory["most"] = max(crowd.memory.get("most", 0), memory(server))
    crowd.memory["after"] = memory(server)
    return crowd
