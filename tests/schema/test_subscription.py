"""The promise: every subscriber receives each revision and change once and in order, whatever happens meanwhile.

The tests write revisions to the database themselves; the server has to notice them, as when another process refreshes.
"""

import asyncio
import gc
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import AsyncGeneratorType
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request as HttpRequest
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed, InvalidStatus

from schema import subscription, tables
from schema.context import Context, State
from schema.enums import ChangeKind
from schema.subscription import CHUNK, Position, changes, follow
from schema.tables import table
from seeds.store.rows import insert
from server import database
from server.database.revisions import Watch
from server.graphql.connection_limits import ConnectionLimits
from server.graphql.errors import RequestError
from server.graphql.execution import Runner
from server.graphql.http import GraphQLEndpoint
from server.graphql.operations import Request
from server.graphql.websocket import WebSocketEndpoint
from tests.support.crowd import allow_files, gather
from tests.support.registry import NOW, put, settings_for, tiny
from tests.support.servers import Server, locked, modelmeta, refused, serving, tiny_database
from tests.support.subscribers import (
    StalledClient,
    events_of,
    next_event,
    next_message,
    priced_registry,
    socket_to,
    subscribe,
    write_prices,
)

REFRESHED = "subscription { registryRefreshed { number changeCount } }"
SINCE = "subscription($since: Int!) { registryRefreshed(sinceRevision: $since) { number } }"
CHANGED = "subscription { modelChanged { kind field before after model { ref } revision { number } } }"
FILTERED = (
    "subscription($filter: ChangeFilter) { modelChanged(filter: $filter) { kind field after revision { number } } }"
)


@dataclass
class Live:
    """A server, and the engine with which tests write to its registry."""

    server: Server
    engine: AsyncEngine
    day: int = 1

    async def refresh(self, models: int = 1) -> int:
        """Writes the next day's prices. Returns the number of the new revision."""
        self.day += 1
        return await write_prices(self.engine, self.day, models)

    async def latest(self) -> int:
        async with database.reading(self.engine) as connection:
            found = await connection.scalar(sa.select(sa.func.max(tables.Revision.number)))
        assert found is not None
        return found


@asynccontextmanager
async def live_server(folder: Path, kind: str = "sqlite", **more: str) -> AsyncGenerator[Live]:
    async with tiny_database(folder, kind) as url:
        engine = database.create_engine(url)
        live = Live(Server(None, "", folder), engine)  # type: ignore[arg-type] # replaced below
        await write_prices(engine, live.day)
        async with serving(url, folder, **more) as live.server:
            yield live
        await engine.dispose()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def live(kind: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    async with live_server(tmp_path_factory.mktemp("live"), kind, keep_alive="0.2") as live:
        yield live


# Revisions


async def test_a_subscriber_receives_the_current_revision_at_once_and_then_each_new_one(live: Live) -> None:
    number = await live.latest()
    async with socket_to(live.server) as socket:
        await subscribe(socket, REFRESHED)
        assert (await next_event(socket))["number"] == number
        for step in (1, 2):
            assert await live.refresh() == number + step
            assert await next_event(socket) == {"number": number + step, "changeCount": 2}


async def test_a_subscriber_first_receives_what_it_missed(live: Live) -> None:
    number = await live.latest()
    for _ in range(3):
        await live.refresh()
    async with socket_to(live.server) as socket:
        await subscribe(socket, SINCE, since=number)
        assert [await next_event(socket) for _ in range(3)] == [{"number": number + step} for step in (1, 2, 3)]
        await live.refresh()
        assert await next_event(socket) == {"number": number + 4}
        # A subscriber that missed nothing receives nothing until the next revision.
        await subscribe(socket, SINCE, "2", since=number + 4)
        await live.refresh()
        received = [await next_message(socket), await next_message(socket)]
        assert sorted(message["id"] for message in received) == ["1", "2"]
        assert [message["payload"] for message in received] == [
            {"data": {"registryRefreshed": {"number": number + 5}}}
        ] * 2


async def test_revisions_made_while_a_client_is_away_are_received_on_return(live: Live) -> None:
    async with socket_to(live.server) as socket:
        await subscribe(socket, REFRESHED)
        last = (await next_event(socket))["number"]
    await live.refresh()
    await live.refresh()
    async with socket_to(live.server) as socket:
        await subscribe(socket, SINCE, since=last)
        assert [(await next_event(socket))["number"] for _ in range(2)] == [last + 1, last + 2]


async def test_revisions_made_while_the_server_is_suspended_are_all_sent_in_order(live: Live) -> None:
    async with socket_to(live.server) as socket:
        await subscribe(socket, REFRESHED)
        number = (await next_event(socket))["number"]
        with live.server.asleep():
            for _ in range(5):
                await live.refresh()
        assert [(await next_event(socket))["number"] for _ in range(5)] == [number + step for step in range(1, 6)]


async def test_an_event_shows_the_registry_after_its_refresh(live: Live) -> None:
    query = """subscription { registryRefreshed { number changes { totalCount nodes { field after
      model { ref prices { meter amount } } } } } }"""
    async with socket_to(live.server) as socket:
        await subscribe(socket, query)
        number = (await next_event(socket))["number"]
        await live.refresh()
        amounts = {"INPUT": str(live.day), "OUTPUT": str(2 * live.day)}
        found = await next_event(socket)
        assert found["number"] == number + 1
        assert {change["field"]: change["after"] for change in found["changes"]["nodes"]} == {
            f"prices.STANDARD.{meter}": amount for meter, amount in amounts.items()
        }
        for change in found["changes"]["nodes"]:
            assert {price["meter"]: price["amount"] for price in change["model"]["prices"]} == amounts


# Changes


async def test_each_change_is_sent_once_in_order(live: Live) -> None:
    number = await live.latest()
    async with socket_to(live.server) as socket:
        await subscribe(socket, CHANGED.replace("modelChanged", f"modelChanged(filter: {{sinceRevision: {number}}})"))
        for _ in range(2):
            before, day = str(live.day), str(live.day + 1)
            await live.refresh()
            number += 1
            for meter, old, new in (("INPUT", before, day), ("OUTPUT", str(2 * live.day - 2), str(2 * live.day))):
                assert await next_event(socket) == {
                    "kind": "PRICE_CHANGED",
                    "field": f"prices.STANDARD.{meter}",
                    "before": old,
                    "after": new,
                    "model": {"ref": "openai/daily-000"},
                    "revision": {"number": number},
                }


async def test_a_subscriber_receives_only_changes_that_match_its_filter(live: Live) -> None:
    number = await live.latest()
    filters: dict[str, dict[str, Any]] = {
        "a model in another spelling": {"models": ["openai:daily-001"]},
        "a field and everything below it": {"fields": ["prices.STANDARD.OUTPUT"]},
        "a kind": {"kinds": ["MODEL_ADDED", "MODEL_RETIRED"]},
        "a provider that does not exist": {"providers": ["nobody"]},
        "a provider": {"providers": ["openai"]},
    }
    everything = """query($filter: ChangeFilter) { changes(filter: $filter, first: 100) {
      nodes { kind field after revision { number } } } }"""
    async with socket_to(live.server) as socket, live.server.client() as client:
        for id, filter in filters.items():
            await subscribe(socket, FILTERED, id, filter=filter | {"sinceRevision": number})
        await live.refresh(3)
        await live.refresh(2)
        expected: dict[str, list[Any]] = {}
        for id, filter in filters.items():
            variables = {"filter": filter | {"sinceRevision": number}}
            answer = await client.post("/graphql", json={"query": everything, "variables": variables})
            expected[id] = list(reversed(answer.json()["data"]["changes"]["nodes"]))
        assert sorted(map(len, expected.values())) == [0, 3, 3, 3, 9]
        received: dict[str, list[Any]] = {id: [] for id in filters}
        for _ in range(sum(map(len, expected.values()))):
            message = await next_message(socket)
            received[message["id"]].append(message["payload"]["data"]["modelChanged"])
        assert received == expected


async def test_more_changes_than_one_read_returns_are_all_sent(live: Live) -> None:
    number = await live.latest()
    for _ in range(2):
        await live.refresh(CHUNK + 30)
    change = table(tables.Change)
    later = sa.select(change).where(change.c.revision_number > number).order_by(change.c.id)
    async with database.reading(live.engine) as connection:
        rows = (await connection.execute(later)).all()
    assert len(rows) > 3 * CHUNK
    async with socket_to(live.server) as socket:
        await subscribe(socket, FILTERED, filter={"sinceRevision": number, "providers": ["openai"]})
        assert [await next_event(socket) for _ in rows] == [
            {
                "kind": row.kind.name,
                "field": row.field,
                "after": row.after,
                "revision": {"number": row.revision_number},
            }
            for row in rows
        ]


@pytest.mark.parametrize(
    "query",
    [
        "subscription { registryRefreshed(sinceRevision: 1000000) { number } }",
        "subscription { modelChanged(filter: {sinceRevision: 1000000}) { kind } }",
    ],
)
async def test_a_since_revision_in_the_future_is_refused(live: Live, query: str) -> None:
    latest = await live.latest()
    sentence = f"sinceRevision must not exceed the latest revision, {latest} (got 1000000)."
    async with socket_to(live.server) as socket, events_of(live.server, query) as events:
        await subscribe(socket, query)
        message = await next_message(socket)
        assert (message["type"], refused(message["payload"], "BAD_USER_INPUT")) == ("next", sentence)
        assert await next_message(socket) == {"id": "1", "type": "complete"}
        name, payload = await events.next()
        assert (name, refused(payload, "BAD_USER_INPUT")) == ("next", sentence)
        assert (await events.next())[0] == "complete"


async def test_a_filter_that_is_too_long_is_refused(live: Live) -> None:
    async with socket_to(live.server) as socket:
        await subscribe(socket, FILTERED, filter={"models": ["x"] * 201})
        assert "at most 200" in refused((await next_message(socket))["payload"], "BAD_USER_INPUT")


# One event


async def test_an_error_in_an_event_does_not_end_the_stream(live: Live) -> None:
    query = "subscription($first: Int) { registryRefreshed { number changes(first: $first) { totalCount } } }"
    number = await live.latest()
    async with socket_to(live.server) as socket:
        await subscribe(socket, query, first=101)
        for _ in range(3):
            message = await next_message(socket)
            assert message["type"] == "next"
            assert message["payload"]["data"] is None
            (error,) = message["payload"]["errors"]
            assert error["path"] == ["registryRefreshed", "changes"]
            await live.refresh()
        assert await live.latest() == number + 3


async def test_an_event_that_takes_too_long_is_an_error_and_the_next_is_sent(tmp_path: Path) -> None:
    async with live_server(tmp_path, "postgresql", operation_timeout="1") as live, socket_to(live.server) as socket:
        number = await live.latest()
        query = "subscription($since: Int!) { modelChanged(filter: {sinceRevision: $since}) { field model { ref } } }"
        await live.refresh()
        async with locked(live.engine.url.render_as_string(hide_password=False)):
            await subscribe(socket, query, since=number)
            late = await next_message(socket)
            assert late["payload"]["errors"][0]["extensions"]["code"] == "TIMEOUT"
        message = await next_message(socket)
        while "errors" in message["payload"]:
            message = await next_message(socket)
        assert message["payload"]["data"]["modelChanged"]["model"] == {"ref": "openai/daily-000"}
        await live.refresh()
        assert [(await next_event(socket))["field"] for _ in range(2)] == [
            "prices.STANDARD.INPUT",
            "prices.STANDARD.OUTPUT",
        ]


# Event streams


async def test_an_event_stream_sends_the_same_events_and_keep_alive_comments(live: Live) -> None:
    number = await live.latest()
    async with events_of(live.server, SINCE, since=number - 2) as events:
        assert [(await events.next_value())["number"] for _ in range(2)] == [number - 1, number]
        await live.refresh()
        assert (await events.next_value())["number"] == number + 1
        while events.comments < 2:
            await asyncio.sleep(0.2)
            await live.refresh()
            number += 1
            assert (await events.next_value())["number"] == number + 1


async def test_a_multipart_stream_sends_the_same_events(live: Live) -> None:
    number = await live.latest()
    headers = {"accept": "multipart/mixed;subscriptionSpec=1.0, application/json"}
    body = {"query": SINCE, "variables": {"since": number - 1}}
    found: list[Any] = []
    async with (
        asyncio.timeout(20),
        live.server.client() as client,
        client.stream("POST", "/graphql", json=body, headers=headers) as answer,
    ):
        assert answer.headers["content-type"].startswith("multipart/mixed")
        async for line in answer.aiter_lines():
            if not line.startswith("{"):
                continue
            found.append(json.loads(line))
            if found[-1] == {}:  # keeps the connection alive
                await live.refresh()
            if len([part for part in found if part]) == 2:
                break
    assert [part["payload"]["data"]["registryRefreshed"]["number"] for part in found if part] == [number, number + 1]


async def test_a_head_request_for_a_stream_ends_at_once(live: Live) -> None:
    async with live.server.client() as client:
        answer = await client.head("/graphql", params={"query": REFRESHED}, headers={"accept": "text/event-stream"})
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")


async def test_a_server_stops_without_waiting_for_streams(tmp_path: Path) -> None:
    async with (
        live_server(tmp_path) as live,
        events_of(live.server, REFRESHED) as events,
        socket_to(live.server) as socket,
    ):
        await events.next_value()
        await subscribe(socket, REFRESHED)
        await next_event(socket)
        await live.server.stop()
        with pytest.raises(ConnectionClosed):
            await next_message(socket)
        assert "exceeded" not in live.server.output
        assert "Traceback" not in live.server.output


# Limits


async def test_sockets_and_streams_are_limited_by_address(tmp_path: Path) -> None:
    async with live_server(tmp_path, max_sockets_per_address="2") as live, live.server.client() as client:
        stream = {"query": REFRESHED}
        accept = {"accept": "text/event-stream"}
        async with socket_to(live.server), events_of(live.server, REFRESHED):
            with pytest.raises(InvalidStatus) as caught:
                async with socket_to(live.server):
                    pass
            assert caught.value.response.status_code == 429
            answer = await client.post("/graphql", json=stream, headers=accept)
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")
            assert refused(answer.json(), "RATE_LIMITED") == "Too many open streams. Close one first."
            # A query that is answered at once does not count.
            assert (await client.post("/graphql", json={"query": "{ registry { modelCount } }"})).status_code == 200
        # Both connections can be opened again once the server has noticed that they closed.
        async with asyncio.timeout(10):
            while not await can_open_two(live.server):
                await asyncio.sleep(0.05)


async def can_open_two(server: Server) -> bool:
    try:
        async with socket_to(server), socket_to(server):
            return True
    except InvalidStatus:
        return False


async def test_sockets_are_limited_in_total(tmp_path: Path) -> None:
    async with live_server(tmp_path, max_sockets="1") as live, socket_to(live.server):
        with pytest.raises(InvalidStatus):
            async with socket_to(live.server):
                pass


HUNDRED_CHANGES = (
    "changes(first: 100) { nodes { field before after model { ref name } revision { number createdAt } } }"
)
LARGE_EVENTS = f"subscription {{ registryRefreshed {{ number a: {HUNDRED_CHANGES} b: {HUNDRED_CHANGES} c: {HUNDRED_CHANGES} d: {HUNDRED_CHANGES} }} }}"


async def test_a_client_that_never_reads_is_disconnected_and_delays_nobody(tmp_path: Path) -> None:
    # On a busy machine, no answer may be cut short and no ping may go unanswered: only the stalled clients stall.
    async with (
        live_server(tmp_path, send_timeout="1", keep_alive="3600", operation_timeout="60") as live,
        socket_to(live.server) as socket,
    ):
        await subscribe(socket, REFRESHED)
        number = (await next_event(socket))["number"]
        stalled = [StalledClient.over_socket(live.server, LARGE_EVENTS)]
        stalled += [StalledClient.over_http(live.server, LARGE_EVENTS) for _ in range(2)]
        # A subscription that starts late would get too few events to fill the buffers between it and the server.
        for client in stalled:
            await client.wait_until_subscribed()
        for step in range(1, 11):
            await live.refresh(50)
            assert (await next_event(socket))["number"] == number + step
        for client in stalled:
            await client.wait_until_disconnected()
            client.close()
        await live.refresh()
        assert (await next_event(socket))["number"] == number + 11
        assert "Traceback" not in live.server.output


async def test_a_client_that_does_not_answer_pings_is_disconnected(tmp_path: Path) -> None:
    async with live_server(tmp_path, send_timeout="0.5", keep_alive="0.5") as live, socket_to(live.server) as socket:
        await subscribe(socket, REFRESHED)
        stalled = StalledClient.over_socket(live.server, REFRESHED, 1)
        await stalled.wait_until_disconnected()
        stalled.close()
        # This client answers pings and is still connected.
        await next_event(socket)
        await live.refresh()
        await next_event(socket)


async def test_many_subscribers_receive_everything_in_order_while_some_never_read(tmp_path: Path) -> None:
    allow_files(1_000)
    async with live_server(tmp_path, send_timeout="2", keep_alive="2") as live:
        crowd = await gather(live.server, live.engine, subscribers=100, stalled=10, days=range(3, 6), models=25)
    assert sum(map(len, crowd.received.values())) == 100
    for name, lists in crowd.received.items():
        assert crowd.written[name]
        assert all(events == crowd.written[name] for events in lists), name
    assert crowd.disconnected == 10


# Without a server


async def test_the_query_command_says_that_a_subscription_needs_a_server(tmp_path: Path) -> None:
    async with tiny_database(tmp_path) as url:
        ended = await asyncio.to_thread(modelmeta, "query", REFRESHED, database_url=url)
    assert ended.returncode == 1
    sentence = "Subscriptions need a running server: start one with `modelmeta serve`."
    assert refused(json.loads(ended.stdout), "NOT_SUPPORTED") == sentence


# In this process: what is shared, and what is cleaned up


@dataclass
class LocalServer:
    """The parts of a server, in this process."""

    engine: AsyncEngine
    watch: Watch
    runner: Runner

    def subscribe(self, query: str, **variables: Any) -> AsyncGenerator[bytes]:
        return self.runner.events(self.runner.prepare(Request(query, variables, None, {})))

    async def settled(self, waiting: int) -> None:
        """Returns once this many subscribers have received everything and wait for more."""
        async with asyncio.timeout(20):
            while self.watch.waiting != waiting:
                await asyncio.sleep(0.01)


@pytest_asyncio.fixture(loop_scope="session")
async def local(engine: AsyncEngine) -> AsyncIterator[LocalServer]:
    await put(engine, priced_registry(1))
    watch = Watch(engine, interval=0.05)
    async with watch.running():
        found = settings_for(engine.url.render_as_string(hide_password=False), keep_alive=0.05)
        yield LocalServer(engine, watch, Runner(engine, found, watch))


def running_tasks() -> int:
    """Number of tasks, without the reads of the watch, which start and end at any time."""
    return sum("Watch._read" not in str(task.get_coro()) for task in asyncio.all_tasks())


def open_generators() -> int:
    """Number of asynchronous generators that have started and not finished."""
    gc.collect()
    return sum(isinstance(item, AsyncGeneratorType) and item.ag_frame is not None for item in gc.get_objects())


class FakeConnection:
    """The ASGI side of a connection: what its client sends, and what it receives."""

    def __init__(self, *messages: dict[str, Any], capacity: int = 1_000) -> None:
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        for message in messages:
            self.incoming.put_nowait(message)
        self.sent: list[Any] = []
        self.capacity = capacity
        """How many messages the client receives; sending it one more never returns."""
        self.full = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        return await self.incoming.get()

    async def send(self, message: Any) -> None:
        if len(self.sent) == self.capacity:
            self.full.set()
            await asyncio.get_running_loop().create_future()
        self.sent.append(message)

    def client_sends(self, **message: Any) -> None:
        self.incoming.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})


async def over_http(local: LocalServer, connection: FakeConnection, accept: bytes) -> None:
    """Serves one subscription as an event stream until its client disconnects."""
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": [(b"accept", accept), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
    }
    limits = ConnectionLimits(1, 1)
    response = await GraphQLEndpoint(local.runner, local.runner.settings, limits)(
        HttpRequest(scope, connection.receive)
    )
    await response(scope, connection.receive, connection.send)
    assert limits.open == 0


async def over_websocket(local: LocalServer, connection: FakeConnection) -> None:
    """Serves one socket until its client disconnects."""
    scope: dict[str, Any] = {"type": "websocket", "path": "/", "subprotocols": ["graphql-transport-ws"]}
    limits = ConnectionLimits(1, 1)
    await WebSocketEndpoint(local.runner, local.runner.settings, limits)(
        WebSocket(scope, connection.receive, connection.send)
    )
    assert limits.open == 0


@pytest.mark.parametrize("accept", [b"text/event-stream", b"multipart/mixed"])
async def test_a_stream_is_cleaned_up_when_its_client_disconnects(local: LocalServer, accept: bytes) -> None:
    tasks, generators = running_tasks(), open_generators()
    body = json.dumps({"query": CHANGED}).encode()
    connections = [FakeConnection({"type": "http.request", "body": body, "more_body": False}) for _ in range(5)]
    served = [asyncio.create_task(over_http(local, connection, accept)) for connection in connections]
    await local.settled(5)
    assert running_tasks() > tasks + 5
    assert open_generators() > generators
    for connection in connections:
        connection.incoming.put_nowait({"type": "http.disconnect"})
    async with asyncio.timeout(10):
        await asyncio.gather(*served)
    assert (local.watch.waiting, open_generators(), running_tasks()) == (0, generators, tasks)


@pytest.mark.parametrize(("accept", "before"), [(b"text/event-stream", 1), (b"multipart/mixed", 2)])
async def test_a_client_that_disconnects_during_an_event_leaves_nothing_behind(
    local: LocalServer, accept: bytes, before: int
) -> None:
    tasks, generators = running_tasks(), open_generators()
    body = json.dumps({"query": REFRESHED}).encode()
    reading = FakeConnection({"type": "http.request", "body": body, "more_body": False}, capacity=before)
    listening = FakeConnection({"type": "websocket.connect"}, capacity=2)
    listening.client_sends(type="connection_init")
    listening.client_sends(type="subscribe", id="1", payload={"query": REFRESHED})
    async with asyncio.timeout(10), asyncio.TaskGroup() as served:
        served.create_task(over_http(local, reading, accept))
        served.create_task(over_websocket(local, listening))
        await asyncio.gather(reading.full.wait(), listening.full.wait())
        reading.incoming.put_nowait({"type": "http.disconnect"})
        listening.incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})
    assert (local.watch.waiting, open_generators(), running_tasks()) == (0, generators, tasks)


@pytest.mark.parametrize("leaving", ["complete", "close"])
async def test_a_subscription_is_cleaned_up_when_it_is_completed_or_its_socket_closes(
    local: LocalServer, leaving: str
) -> None:
    tasks, generators = running_tasks(), open_generators()
    connection = FakeConnection({"type": "websocket.connect"})
    served = asyncio.create_task(over_websocket(local, connection))
    connection.client_sends(type="connection_init")
    for number in range(5):
        connection.client_sends(type="subscribe", id=str(number), payload={"query": CHANGED})
    await local.settled(5)
    if leaving == "complete":
        for number in range(5):
            connection.client_sends(type="complete", id=str(number))
        await local.settled(0)
        assert open_generators() == generators
        # The id can be used again at once, and the operation that uses it can be completed, too.
        connection.client_sends(type="subscribe", id="0", payload={"query": CHANGED})
        await local.settled(1)
        connection.client_sends(type="complete", id="0")
        connection.client_sends(type="subscribe", id="0", payload={"query": REFRESHED})
        async with asyncio.timeout(10):
            while len(connection.sent) < 3:
                await asyncio.sleep(0.01)
        await local.settled(1)
        connection.client_sends(type="complete", id="0")
        await local.settled(0)
    connection.incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})
    async with asyncio.timeout(10):
        await served
    assert (local.watch.waiting, open_generators(), running_tasks()) == (0, generators, tasks)


async def test_a_waiting_subscriber_holds_no_database_connection(local: LocalServer) -> None:
    async with aclosing(local.subscribe(REFRESHED)) as first, aclosing(local.subscribe(CHANGED)) as second:
        await anext(first)
        waiting = [asyncio.ensure_future(anext(stream)) for stream in (first, second)]
        await local.settled(2)
        await local.watch.look()
        assert local.engine.pool.checkedout() == 0  # type: ignore[attr-defined] # it is a QueuePool
        await put(local.engine, priced_registry(2), NOW + timedelta(days=2))
        assert json.loads(await waiting[0])["data"] == {"registryRefreshed": {"number": 2, "changeCount": 2}}
        assert json.loads(await waiting[1])["data"]["modelChanged"]["field"] == "prices.STANDARD.INPUT"


async def test_events_that_many_subscribers_need_are_read_once(local: LocalServer) -> None:
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "revision.number) AS" not in statement and statement.lstrip().startswith("SELECT"):
            seen.append(statement)

    async def next_two(query: str) -> list[Any]:
        async with aclosing(local.subscribe(query)) as stream:
            return [json.loads(await anext(stream)) for _ in range(2)]

    subscribers = [asyncio.create_task(next_two(CHANGED)) for _ in range(50)]
    await local.settled(50)
    event.listen(local.engine.sync_engine, "before_cursor_execute", note)
    await put(local.engine, priced_registry(2), NOW + timedelta(days=2))
    received = await asyncio.gather(*subscribers)
    event.remove(local.engine.sync_engine, "before_cursor_execute", note)
    assert received == [received[0]] * 50
    asked = [statement for statement in seen if "FROM change" in statement]
    assert len(asked) == 1, asked
    assert "LIMIT" in asked[0]
    # The model and the revision of each event are read once for all subscribers.
    assert len([text for text in seen if "FROM model" in text and "model.ref IN" in text]) <= 3


async def test_subscriptions_that_start_together_look_for_the_revision_once(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    looks: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "max(revision.number)" in statement:
            looks.append(statement)

    watch = Watch(engine)
    event.listen(engine.sync_engine, "before_cursor_execute", note)
    assert await asyncio.gather(*(watch.look() for _ in range(200))) == [1] * 200
    assert len(looks) == 1, looks
    first = asyncio.create_task(watch.look())
    async with asyncio.timeout(10):
        while len(looks) < 2:
            await asyncio.sleep(0)
    # A look that is under way may miss newer revisions, so these callers share the next one.
    assert await asyncio.gather(first, *(watch.look() for _ in range(200))) == [1] * 201
    assert len(looks) == 3, looks


async def test_events_are_shared_only_between_equal_queries_and_variables(local: LocalServer) -> None:
    query = """subscription($since: Int, $all: Boolean!, $first: Int = 7) {
      registryRefreshed(sinceRevision: $since) { number changes(first: $first) @include(if: $all) { pageInfo { hasNextPage } } } }"""
    for variables, shown in (
        ({"since": 0, "all": True}, True),
        ({"since": 0, "all": False}, False),
        ({"since": None, "all": True}, True),
        ({"all": True, "first": 0}, True),
        ({"all": False, "first": 0}, False),
    ):
        async with aclosing(local.subscribe(query, **variables)) as stream:
            answer = json.loads(await anext(stream))
        assert answer["data"]["registryRefreshed"]["number"] == 1
        assert ("changes" in answer["data"]["registryRefreshed"]) is shown
    with pytest.raises(RequestError):
        await anext(local.subscribe(query, all=1))


async def test_an_unexpected_error_in_an_event_is_hidden_and_the_next_is_sent(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with aclosing(local.subscribe(CHANGED)) as stream:
        waiting = asyncio.ensure_future(anext(stream))
        await local.settled(1)
        with monkeypatch.context() as broken:

            async def fail(context: Context, batch: Any, key: Any) -> Any:
                raise ZeroDivisionError("local")

            broken.setattr(Context, "load", fail)
            await put(local.engine, priced_registry(2), NOW + timedelta(days=2))
            answer = json.loads(await waiting)
        assert answer["data"] is None
        assert answer["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
        assert "local" not in str(answer)
        assert json.loads(await anext(stream))["data"]["modelChanged"]["field"] == "prices.STANDARD.OUTPUT"


async def test_a_database_outage_loses_no_event(local: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "RETRY_DELAY", 0.05)
    away = 6

    def fail(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        nonlocal away
        if away and statement.lstrip().startswith("SELECT"):
            away -= 1
            raise OperationalError(statement, {}, ConnectionError("no connection"))

    async with aclosing(local.subscribe("subscription { modelChanged { field } }")) as stream:
        waiting = asyncio.ensure_future(anext(stream))
        await local.settled(1)
        await put(local.engine, priced_registry(2), NOW + timedelta(days=2))
        event.listen(local.engine.sync_engine, "before_cursor_execute", fail)
        fields = [json.loads(text)["data"]["modelChanged"]["field"] for text in (await waiting, await anext(stream))]
        assert fields == ["prices.STANDARD.INPUT", "prices.STANDARD.OUTPUT"]
    assert away == 0


async def test_notify_announces_a_revision_before_the_next_look(engine: AsyncEngine) -> None:
    looked = asyncio.Event()
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *_: looked.set())
    watch = Watch(engine, interval=3_600)
    async with watch.running(), asyncio.timeout(20):
        waiting = asyncio.create_task(watch.after(0))
        await looked.wait()
        await put(engine, tiny())
        watch.notify()
        assert await waiting == watch.number == 1


async def test_a_subscriber_of_an_empty_registry_waits_for_its_first_revision(engine: AsyncEngine) -> None:
    watch = Watch(engine, interval=0.05)
    async with watch.running():
        runner = Runner(engine, settings_for(engine.url.render_as_string(hide_password=False)), watch)
        async with aclosing(runner.events(runner.prepare(Request(REFRESHED, {}, None, {})))) as stream:
            waiting = asyncio.ensure_future(anext(stream))
            await put(engine, tiny())
            assert json.loads(await waiting) == {"data": {"registryRefreshed": {"number": 1, "changeCount": 0}}}


# Random interleavings of writes and reads


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(["write", "read"]), st.integers(1, 250)), min_size=1, max_size=8))
async def test_every_change_is_received_once_in_order_however_writes_and_reads_interleave(
    local: LocalServer, steps: list[tuple[str, int]]
) -> None:
    watch, change = local.watch, table(tables.Change)
    since = await watch.look()
    received: list[int] = []
    written = 0
    async with aclosing(follow(State(), watch, changes(None), Position(since))) as stream:
        for step, number in [*steps, ("read", 10**6)]:
            if step == "write":
                await write_revision(local.engine, watch.number + 1, number)
                written += number
                await watch.look()
            else:
                for _ in range(min(number, written - len(received))):
                    received.append((await anext(stream)).id)
    async with database.reading(local.engine) as connection:
        later = sa.select(change.c.id).where(change.c.revision_number > since).order_by(change.c.id)
        assert received == list(await connection.scalars(later))


async def write_revision(engine: AsyncEngine, number: int, count: int) -> None:
    """Writes a revision with this many changes."""
    row = {"kind": ChangeKind.FACT_CHANGED, "model_ref": "openai/tiny-large", "provider_slug": "openai", "before": None}
    row |= {"revision_number": number, "field": "name", "observed_at": NOW}
    async with database.writing(engine) as connection:
        await insert(connection, tables.Revision, [{"number": number, "created_at": NOW, "change_count": count}])
        await insert(connection, tables.Change, [row | {"after": index} for index in range(count)])
