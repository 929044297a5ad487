"""The promise: whoever listens hears every revision and change once and in order, whatever happens on the way.

Revisions are written here, and noticed by a server that knows nothing of it, as when another process refreshes.
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
from server.graphql.execution import Request, Runner
from server.graphql.http import GraphQLEndpoint
from server.graphql.websocket import WebSocketEndpoint
from tests.support.crowd import allow_files, gather
from tests.support.registry import NOW, put, settings_for, tiny
from tests.support.servers import Server, locked, modelmeta, refused, serving, tiny_database
from tests.support.subscribers import Deaf, events_of, hear, priced, refreshed, socket_to, subscribe, told

REFRESHED = "subscription { registryRefreshed { number changeCount } }"
SINCE = "subscription($since: Int!) { registryRefreshed(sinceRevision: $since) { number } }"
CHANGED = "subscription { modelChanged { kind field before after model { ref } revision { number } } }"
FILTERED = (
    "subscription($filter: ChangeFilter) { modelChanged(filter: $filter) { kind field after revision { number } } }"
)


@dataclass
class Live:
    """A server on a registry that others write to."""

    server: Server
    engine: AsyncEngine
    day: int = 1

    async def refresh(self, models: int = 1) -> int:
        """Writes the next day's prices. Gives the number of the revision."""
        self.day += 1
        return await refreshed(self.engine, self.day, models)

    async def latest(self) -> int:
        async with database.reading(self.engine) as connection:
            found = await connection.scalar(sa.select(sa.func.max(tables.Revision.number)))
        assert found is not None
        return found


@asynccontextmanager
async def living(folder: Path, kind: str = "sqlite", **more: str) -> AsyncGenerator[Live]:
    async with tiny_database(folder, kind) as url:
        engine = database.create_engine(url)
        live = Live(Server(None, "", folder), engine)  # type: ignore[arg-type] # until there is one
        await refreshed(engine, live.day)
        async with serving(url, folder, **more) as live.server:
            yield live
        await engine.dispose()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def live(kind: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    async with living(tmp_path_factory.mktemp("live"), kind, keep_alive="0.2") as live:
        yield live


# Revisions


async def test_the_current_revision_is_told_at_once_and_then_each_as_it_lands(live: Live) -> None:
    number = await live.latest()
    async with socket_to(live.server) as socket:
        await subscribe(socket, REFRESHED)
        assert (await told(socket))["number"] == number
        for step in (1, 2):
            assert await live.refresh() == number + step
            assert await told(socket) == {"number": number + step, "changeCount": 2}


async def test_a_subscriber_first_hears_what_it_missed(live: Live) -> None:
    number = await live.latest()
    for _ in range(3):
        await live.refresh()
    async with socket_to(live.server) as socket:
        await subscribe(socket, SINCE, since=number)
        assert [await told(socket) for _ in range(3)] == [{"number": number + step} for step in (1, 2, 3)]
        await live.refresh()
        assert await told(socket) == {"number": number + 4}
        # One who has missed nothing hears nothing until there is something new.
        await subscribe(socket, SINCE, "2", since=number + 4)
        await live.refresh()
        heard = [await hear(socket), await hear(socket)]
        assert sorted(each["id"] for each in heard) == ["1", "2"]
        assert [each["payload"] for each in heard] == [{"data": {"registryRefreshed": {"number": number + 5}}}] * 2


async def test_what_lands_while_nobody_listens_is_heard_on_return(live: Live) -> None:
    async with socket_to(live.server) as socket:
        await subscribe(socket, REFRESHED)
        last = (await told(socket))["number"]
    await live.refresh()
    await live.refresh()
    async with socket_to(live.server) as socket:
        await subscribe(socket, SINCE, since=last)
        assert [(await told(socket))["number"] for _ in range(2)] == [last + 1, last + 2]


async def test_revisions_that_land_while_one_is_sent_are_all_told_in_order(live: Live) -> None:
    async with socket_to(live.server) as socket:
        await subscribe(socket, REFRESHED)
        number = (await told(socket))["number"]
        with live.server.asleep():
            for _ in range(5):
                await live.refresh()
        assert [(await told(socket))["number"] for _ in range(5)] == [number + step for step in range(1, 6)]


async def test_a_revision_tells_the_registry_as_it_is_then(live: Live) -> None:
    query = """subscription { registryRefreshed { number changes { totalCount nodes { field after
      model { ref prices { meter amount } } } } } }"""
    async with socket_to(live.server) as socket:
        await subscribe(socket, query)
        number = (await told(socket))["number"]
        await live.refresh()
        amounts = {"INPUT": str(live.day), "OUTPUT": str(2 * live.day)}
        found = await told(socket)
        assert found["number"] == number + 1
        assert {each["field"]: each["after"] for each in found["changes"]["nodes"]} == {
            f"prices.STANDARD.{meter}": amount for meter, amount in amounts.items()
        }
        for each in found["changes"]["nodes"]:
            assert {price["meter"]: price["amount"] for price in each["model"]["prices"]} == amounts


# Changes


async def test_each_change_is_told_once_in_the_order_it_was_found(live: Live) -> None:
    number = await live.latest()
    async with socket_to(live.server) as socket:
        await subscribe(socket, CHANGED.replace("modelChanged", f"modelChanged(filter: {{sinceRevision: {number}}})"))
        for _ in range(2):
            before, day = str(live.day), str(live.day + 1)
            await live.refresh()
            number += 1
            for meter, old, new in (("INPUT", before, day), ("OUTPUT", str(2 * live.day - 2), str(2 * live.day))):
                assert await told(socket) == {
                    "kind": "PRICE_CHANGED",
                    "field": f"prices.STANDARD.{meter}",
                    "before": old,
                    "after": new,
                    "model": {"ref": "openai/daily-000"},
                    "revision": {"number": number},
                }


async def test_a_subscriber_hears_only_of_what_it_asked_for(live: Live) -> None:
    number = await live.latest()
    filters: dict[str, dict[str, Any]] = {
        "a model, as people write it": {"models": ["openai:daily-001"]},
        "a fact with all below it": {"fields": ["prices.STANDARD.OUTPUT"]},
        "a kind": {"kinds": ["MODEL_ADDED", "MODEL_RETIRED"]},
        "nothing there is": {"providers": ["nobody"]},
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
        heard: dict[str, list[Any]] = {id: [] for id in filters}
        for _ in range(sum(map(len, expected.values()))):
            message = await hear(socket)
            heard[message["id"]].append(message["payload"]["data"]["modelChanged"])
        assert heard == expected


async def test_more_changes_than_are_read_at_once_are_all_told(live: Live) -> None:
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
        assert [await told(socket) for _ in rows] == [
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
async def test_a_revision_that_is_yet_to_come_can_not_be_begun_after(live: Live, query: str) -> None:
    latest = await live.latest()
    sentence = f"sinceRevision must not exceed the latest revision, {latest} (got 1000000)."
    async with socket_to(live.server) as socket, events_of(live.server, query) as events:
        await subscribe(socket, query)
        message = await hear(socket)
        assert (message["type"], refused(message["payload"], "BAD_USER_INPUT")) == ("next", sentence)
        assert await hear(socket) == {"id": "1", "type": "complete"}
        name, payload = await events.next()
        assert (name, refused(payload, "BAD_USER_INPUT")) == ("next", sentence)
        assert (await events.next())[0] == "complete"


async def test_a_filter_nobody_needs_is_refused(live: Live) -> None:
    async with socket_to(live.server) as socket:
        await subscribe(socket, FILTERED, filter={"models": ["x"] * 201})
        assert "at most 200" in refused((await hear(socket))["payload"], "BAD_USER_INPUT")


# One event


async def test_an_error_in_an_event_does_not_end_the_stream(live: Live) -> None:
    query = "subscription($first: Int) { registryRefreshed { number changes(first: $first) { totalCount } } }"
    number = await live.latest()
    async with socket_to(live.server) as socket:
        await subscribe(socket, query, first=101)
        for _ in range(3):
            message = await hear(socket)
            assert message["type"] == "next"
            assert message["payload"]["data"] is None
            (error,) = message["payload"]["errors"]
            assert error["path"] == ["registryRefreshed", "changes"]
            await live.refresh()
        assert await live.latest() == number + 3


async def test_an_event_that_takes_too_long_is_an_error_and_the_next_is_told(tmp_path: Path) -> None:
    async with living(tmp_path, "postgresql", operation_timeout="1") as live, socket_to(live.server) as socket:
        number = await live.latest()
        query = "subscription($since: Int!) { modelChanged(filter: {sinceRevision: $since}) { field model { ref } } }"
        await live.refresh()
        async with locked(live.engine.url.render_as_string(hide_password=False)):
            await subscribe(socket, query, since=number)
            late = await hear(socket)
            assert late["payload"]["errors"][0]["extensions"]["code"] == "TIMEOUT"
        message = await hear(socket)
        while "errors" in message["payload"]:
            message = await hear(socket)
        assert message["payload"]["data"]["modelChanged"]["model"] == {"ref": "openai/daily-000"}
        await live.refresh()
        assert [(await told(socket))["field"] for _ in range(2)] == ["prices.STANDARD.INPUT", "prices.STANDARD.OUTPUT"]


# Event streams


async def test_an_event_stream_tells_the_same_and_shows_that_it_lives(live: Live) -> None:
    number = await live.latest()
    async with events_of(live.server, SINCE, since=number - 2) as events:
        assert [(await events.told())["number"] for _ in range(2)] == [number - 1, number]
        await live.refresh()
        assert (await events.told())["number"] == number + 1
        while events.comments < 2:
            await asyncio.sleep(0.2)
            await live.refresh()
            number += 1
            assert (await events.told())["number"] == number + 1


async def test_a_multipart_stream_tells_the_same(live: Live) -> None:
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
            if found[-1] == {}:  # a sign of life
                await live.refresh()
            if len([each for each in found if each]) == 2:
                break
    assert [each["payload"]["data"]["registryRefreshed"]["number"] for each in found if each] == [number, number + 1]


async def test_head_of_a_stream_ends_at_once(live: Live) -> None:
    async with live.server.client() as client:
        answer = await client.head("/graphql", params={"query": REFRESHED}, headers={"accept": "text/event-stream"})
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")


async def test_a_server_that_ends_waits_for_no_stream(tmp_path: Path) -> None:
    async with (
        living(tmp_path) as live,
        events_of(live.server, REFRESHED) as events,
        socket_to(live.server) as socket,
    ):
        await events.told()
        await subscribe(socket, REFRESHED)
        await told(socket)
        await live.server.stop()
        with pytest.raises(ConnectionClosed):
            await hear(socket)
        assert "exceeded" not in live.server.said
        assert "Traceback" not in live.server.said


# Bounds


async def test_sockets_and_streams_are_bounded_by_address(tmp_path: Path) -> None:
    async with living(tmp_path, max_sockets_per_address="2") as live, live.server.client() as client:
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
            # What is answered at once needs no place.
            assert (await client.post("/graphql", json={"query": "{ registry { modelCount } }"})).status_code == 200
        # Both places are free again, as soon as the server has noticed.
        async with asyncio.timeout(10):
            while not await opens_two(live.server):
                await asyncio.sleep(0.05)


async def opens_two(server: Server) -> bool:
    try:
        async with socket_to(server), socket_to(server):
            return True
    except InvalidStatus:
        return False


async def test_sockets_are_bounded_in_all(tmp_path: Path) -> None:
    async with living(tmp_path, max_sockets="1") as live, socket_to(live.server):
        with pytest.raises(InvalidStatus):
            async with socket_to(live.server):
                pass


MUCH = "changes(first: 100) { nodes { field before after model { ref name } revision { number createdAt } } }"
LOUD = f"subscription {{ registryRefreshed {{ number a: {MUCH} b: {MUCH} c: {MUCH} d: {MUCH} }} }}"


async def test_a_client_that_reads_nothing_is_cut_off_and_holds_nobody_up(tmp_path: Path) -> None:
    # On a busy machine, no answer may be cut short and no ping may go unanswered: only the silent clients stall.
    async with (
        living(tmp_path, send_timeout="1", keep_alive="3600", operation_timeout="60") as live,
        socket_to(live.server) as socket,
    ):
        await subscribe(socket, REFRESHED)
        number = (await told(socket))["number"]
        silent = [Deaf.over_socket(live.server, LOUD)]
        silent += [Deaf.over_http(live.server, LOUD) for _ in range(2)]
        # A subscription that starts late would hear too few events to fill the buffers between it and the server.
        for each in silent:
            await each.subscribed()
        for step in range(1, 11):
            await live.refresh(50)
            assert (await told(socket))["number"] == number + step
        for each in silent:
            await each.cut_off()
            each.close()
        await live.refresh()
        assert (await told(socket))["number"] == number + 11
        assert "Traceback" not in live.server.said


async def test_a_client_that_answers_no_ping_is_cut_off(tmp_path: Path) -> None:
    async with living(tmp_path, send_timeout="0.5", keep_alive="0.5") as live, socket_to(live.server) as socket:
        await subscribe(socket, REFRESHED)
        silent = Deaf.over_socket(live.server, REFRESHED, 1)
        await silent.cut_off()
        silent.close()
        # This one answers, and is still there.
        await told(socket)
        await live.refresh()
        await told(socket)


async def test_a_crowd_hears_everything_in_order_while_some_never_read(tmp_path: Path) -> None:
    allow_files(1_000)
    async with living(tmp_path, send_timeout="2", keep_alive="2") as live:
        crowd = await gather(live.server, live.engine, listeners=100, deaf=10, days=range(3, 6), models=25)
    assert sum(map(len, crowd.heard.values())) == 100
    for name, lists in crowd.heard.items():
        assert crowd.written[name]
        assert all(each == crowd.written[name] for each in lists), name
    assert crowd.cut_off == 10


# Without a server


async def test_the_command_line_says_what_a_subscription_needs(tmp_path: Path) -> None:
    async with tiny_database(tmp_path) as url:
        ended = await asyncio.to_thread(modelmeta, "query", REFRESHED, database_url=url)
    assert ended.returncode == 1
    sentence = "Subscriptions need a running server: start one with `modelmeta serve`."
    assert refused(json.loads(ended.stdout), "NOT_SUPPORTED") == sentence


# Inside: what is kept, shared and left


@dataclass
class Inside:
    """What a server is made of, at hand."""

    engine: AsyncEngine
    watch: Watch
    runner: Runner

    def listen(self, query: str, **variables: Any) -> AsyncGenerator[bytes]:
        return self.runner.events(self.runner.prepare(Request(query, variables, None, {})))

    async def settled(self, waiting: int) -> None:
        """Returns once so many subscribers have heard everything and wait for more."""
        async with asyncio.timeout(20):
            while self.watch.waiting != waiting:
                await asyncio.sleep(0.01)


@pytest_asyncio.fixture(loop_scope="session")
async def inside(engine: AsyncEngine) -> AsyncIterator[Inside]:
    await put(engine, priced(1))
    watch = Watch(engine, interval=0.05)
    async with watch.running():
        found = settings_for(engine.url.render_as_string(hide_password=False), keep_alive=0.05)
        yield Inside(engine, watch, Runner(engine, found, watch))


def tasks_under_way() -> int:
    """Tasks except the reads of the watch, which come and go."""
    return sum("Watch._read" not in str(task.get_coro()) for task in asyncio.all_tasks())


def generators() -> int:
    """Asynchronous generators that have begun and not ended."""
    gc.collect()
    return sum(isinstance(each, AsyncGeneratorType) and each.ag_frame is not None for each in gc.get_objects())


class Wire:
    """The ASGI side of a connection: what its client says, and what it was told."""

    def __init__(self, *said: dict[str, Any], takes: int = 1_000) -> None:
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        for message in said:
            self.incoming.put_nowait(message)
        self.sent: list[Any] = []
        self.takes = takes
        """How many messages it takes; the next one waits for ever."""
        self.full = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        return await self.incoming.get()

    async def send(self, message: Any) -> None:
        if len(self.sent) == self.takes:
            self.full.set()
            await asyncio.get_running_loop().create_future()
        self.sent.append(message)

    def say(self, **message: Any) -> None:
        self.incoming.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})


async def over_http(inside: Inside, wire: Wire, accept: bytes) -> None:
    """Serves one subscription as an event stream, until its client leaves."""
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": [(b"accept", accept), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
    }
    limits = ConnectionLimits(1, 1)
    response = await GraphQLEndpoint(inside.runner, inside.runner.settings, limits)(HttpRequest(scope, wire.receive))
    await response(scope, wire.receive, wire.send)
    assert limits.open == 0


async def over_websocket(inside: Inside, wire: Wire) -> None:
    """Serves one socket until its client leaves."""
    scope: dict[str, Any] = {"type": "websocket", "path": "/", "subprotocols": ["graphql-transport-ws"]}
    limits = ConnectionLimits(1, 1)
    await WebSocketEndpoint(inside.runner, inside.runner.settings, limits)(WebSocket(scope, wire.receive, wire.send))
    assert limits.open == 0


@pytest.mark.parametrize("accept", [b"text/event-stream", b"multipart/mixed"])
async def test_a_stream_whose_client_leaves_ends_with_all_it_held(inside: Inside, accept: bytes) -> None:
    tasks, begun = tasks_under_way(), generators()
    body = json.dumps({"query": CHANGED}).encode()
    wires = [Wire({"type": "http.request", "body": body, "more_body": False}) for _ in range(5)]
    served = [asyncio.create_task(over_http(inside, wire, accept)) for wire in wires]
    await inside.settled(5)
    assert tasks_under_way() > tasks + 5
    assert generators() > begun
    for wire in wires:
        wire.incoming.put_nowait({"type": "http.disconnect"})
    async with asyncio.timeout(10):
        await asyncio.gather(*served)
    assert (inside.watch.waiting, generators(), tasks_under_way()) == (0, begun, tasks)


@pytest.mark.parametrize(("accept", "before"), [(b"text/event-stream", 1), (b"multipart/mixed", 2)])
async def test_a_client_that_leaves_in_the_middle_of_an_event_leaves_nothing_behind(
    inside: Inside, accept: bytes, before: int
) -> None:
    tasks, begun = tasks_under_way(), generators()
    body = json.dumps({"query": REFRESHED}).encode()
    reading = Wire({"type": "http.request", "body": body, "more_body": False}, takes=before)
    listening = Wire({"type": "websocket.connect"}, takes=2)
    listening.say(type="connection_init")
    listening.say(type="subscribe", id="1", payload={"query": REFRESHED})
    async with asyncio.timeout(10), asyncio.TaskGroup() as served:
        served.create_task(over_http(inside, reading, accept))
        served.create_task(over_websocket(inside, listening))
        await asyncio.gather(reading.full.wait(), listening.full.wait())
        reading.incoming.put_nowait({"type": "http.disconnect"})
        listening.incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})
    assert (inside.watch.waiting, generators(), tasks_under_way()) == (0, begun, tasks)


@pytest.mark.parametrize("leaving", ["complete", "close"])
async def test_a_subscription_that_is_left_ends_with_all_it_held(inside: Inside, leaving: str) -> None:
    tasks, begun = tasks_under_way(), generators()
    wire = Wire({"type": "websocket.connect"})
    served = asyncio.create_task(over_websocket(inside, wire))
    wire.say(type="connection_init")
    for number in range(5):
        wire.say(type="subscribe", id=str(number), payload={"query": CHANGED})
    await inside.settled(5)
    if leaving == "complete":
        for number in range(5):
            wire.say(type="complete", id=str(number))
        await inside.settled(0)
        assert generators() == begun
        # An id is free again at once, and the next operation that has it can be ended, too.
        wire.say(type="subscribe", id="0", payload={"query": CHANGED})
        await inside.settled(1)
        wire.say(type="complete", id="0")
        wire.say(type="subscribe", id="0", payload={"query": REFRESHED})
        async with asyncio.timeout(10):
            while len(wire.sent) < 3:
                await asyncio.sleep(0.01)
        await inside.settled(1)
        wire.say(type="complete", id="0")
        await inside.settled(0)
    wire.incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})
    async with asyncio.timeout(10):
        await served
    assert (inside.watch.waiting, generators(), tasks_under_way()) == (0, begun, tasks)


async def test_who_waits_holds_no_connection(inside: Inside) -> None:
    async with aclosing(inside.listen(REFRESHED)) as first, aclosing(inside.listen(CHANGED)) as second:
        await anext(first)
        waiting = [asyncio.ensure_future(anext(each)) for each in (first, second)]
        await inside.settled(2)
        await inside.watch.look()
        assert inside.engine.pool.checkedout() == 0  # type: ignore[attr-defined] # it is a QueuePool
        await put(inside.engine, priced(2), NOW + timedelta(days=2))
        assert json.loads(await waiting[0])["data"] == {"registryRefreshed": {"number": 2, "changeCount": 2}}
        assert json.loads(await waiting[1])["data"]["modelChanged"]["field"] == "prices.STANDARD.INPUT"


async def test_what_many_ask_for_is_read_once(inside: Inside) -> None:
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "revision.number) AS" not in statement and statement.lstrip().startswith("SELECT"):
            seen.append(statement)

    async def hear_two(query: str) -> list[Any]:
        async with aclosing(inside.listen(query)) as stream:
            return [json.loads(await anext(stream)) for _ in range(2)]

    listeners = [asyncio.create_task(hear_two(CHANGED)) for _ in range(50)]
    await inside.settled(50)
    event.listen(inside.engine.sync_engine, "before_cursor_execute", note)
    await put(inside.engine, priced(2), NOW + timedelta(days=2))
    heard = await asyncio.gather(*listeners)
    event.remove(inside.engine.sync_engine, "before_cursor_execute", note)
    assert heard == [heard[0]] * 50
    asked = [statement for statement in seen if "FROM change" in statement]
    assert len(asked) == 1, asked
    assert "LIMIT" in asked[0]
    # Each of the two events asks for its model and its revision, once for all.
    assert len([each for each in seen if "FROM model" in each and "model.ref IN" in each]) <= 3


async def test_many_who_begin_at_once_cost_one_look(engine: AsyncEngine) -> None:
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
    # A look that has begun may not see what has landed since: who asks now waits for the next.
    assert await asyncio.gather(first, *(watch.look() for _ in range(200))) == [1] * 201
    assert len(looks) == 3, looks


async def test_answers_are_shared_only_where_the_words_are_the_same(inside: Inside) -> None:
    query = """subscription($since: Int, $all: Boolean!, $first: Int = 7) {
      registryRefreshed(sinceRevision: $since) { number changes(first: $first) @include(if: $all) { pageInfo { hasNextPage } } } }"""
    for variables, shown in (
        ({"since": 0, "all": True}, True),
        ({"since": 0, "all": False}, False),
        ({"since": None, "all": True}, True),
        ({"all": True, "first": 0}, True),
        ({"all": False, "first": 0}, False),
    ):
        async with aclosing(inside.listen(query, **variables)) as stream:
            answer = json.loads(await anext(stream))
        assert answer["data"]["registryRefreshed"]["number"] == 1
        assert ("changes" in answer["data"]["registryRefreshed"]) is shown
    with pytest.raises(RequestError):
        await anext(inside.listen(query, all=1))


async def test_an_unexpected_error_in_an_event_is_hidden_and_the_next_is_told(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with aclosing(inside.listen(CHANGED)) as stream:
        waiting = asyncio.ensure_future(anext(stream))
        await inside.settled(1)
        with monkeypatch.context() as broken:

            async def fail(context: Context, batch: Any, key: Any) -> Any:
                raise ZeroDivisionError("inside")

            broken.setattr(Context, "load", fail)
            await put(inside.engine, priced(2), NOW + timedelta(days=2))
            answer = json.loads(await waiting)
        assert answer["data"] is None
        assert answer["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
        assert "inside" not in str(answer)
        assert json.loads(await anext(stream))["data"]["modelChanged"]["field"] == "prices.STANDARD.OUTPUT"


async def test_a_database_that_is_away_for_a_while_costs_no_event(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "RETRY_DELAY", 0.05)
    away = 6

    def fail(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        nonlocal away
        if away and statement.lstrip().startswith("SELECT"):
            away -= 1
            raise OperationalError(statement, {}, ConnectionError("the server is gone"))

    async with aclosing(inside.listen("subscription { modelChanged { field } }")) as stream:
        waiting = asyncio.ensure_future(anext(stream))
        await inside.settled(1)
        await put(inside.engine, priced(2), NOW + timedelta(days=2))
        event.listen(inside.engine.sync_engine, "before_cursor_execute", fail)
        fields = [json.loads(each)["data"]["modelChanged"]["field"] for each in (await waiting, await anext(stream))]
        assert fields == ["prices.STANDARD.INPUT", "prices.STANDARD.OUTPUT"]
    assert away == 0


async def test_whoever_knows_of_a_revision_can_say_so(engine: AsyncEngine) -> None:
    looked = asyncio.Event()
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *_: looked.set())
    watch = Watch(engine, interval=3_600)
    async with watch.running(), asyncio.timeout(20):
        waiting = asyncio.create_task(watch.after(0))
        await looked.wait()
        await put(engine, tiny())
        watch.notify()
        assert await waiting == watch.number == 1


async def test_a_registry_that_is_still_empty_is_waited_for(engine: AsyncEngine) -> None:
    watch = Watch(engine, interval=0.05)
    async with watch.running():
        runner = Runner(engine, settings_for(engine.url.render_as_string(hide_password=False)), watch)
        async with aclosing(runner.events(runner.prepare(Request(REFRESHED, {}, None, {})))) as stream:
            waiting = asyncio.ensure_future(anext(stream))
            await put(engine, tiny())
            assert json.loads(await waiting) == {"data": {"registryRefreshed": {"number": 1, "changeCount": 0}}}


# Nothing missed, nothing twice, whatever comes between


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(["land", "hear"]), st.integers(1, 250)), min_size=1, max_size=8))
async def test_every_change_is_heard_once_in_order_however_writing_and_reading_interleave(
    inside: Inside, steps: list[tuple[str, int]]
) -> None:
    watch, change = inside.watch, table(tables.Change)
    since = await watch.look()
    heard: list[int] = []
    due = 0
    async with aclosing(follow(State(), watch, changes(None), Position(since))) as stream:
        for step, number in [*steps, ("hear", 10**6)]:
            if step == "land":
                await land(inside.engine, watch.number + 1, number)
                due += number
                await watch.look()
            else:
                for _ in range(min(number, due - len(heard))):
                    heard.append((await anext(stream)).id)
    async with database.reading(inside.engine) as connection:
        later = sa.select(change.c.id).where(change.c.revision_number > since).order_by(change.c.id)
        assert heard == list(await connection.scalars(later))


async def land(engine: AsyncEngine, number: int, count: int) -> None:
    """Writes a revision of so many changes."""
    row = {"kind": ChangeKind.FACT_CHANGED, "model_ref": "openai/tiny-large", "provider_slug": "openai", "before": None}
    row |= {"revision_number": number, "field": "name", "observed_at": NOW}
    async with database.writing(engine) as connection:
        await insert(connection, tables.Revision, [{"number": number, "created_at": NOW, "change_count": count}])
        await insert(connection, tables.Change, [row | {"after": place} for place in range(count)])
