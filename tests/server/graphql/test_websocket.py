"""The promise: /graphql speaks graphql-transport-ws, closes with its codes, and one bad message never affects another socket."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.websockets import WebSocket
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from server import database
from server.graphql import websocket
from server.graphql.connection_limits import ConnectionLimits
from server.graphql.execution import Runner
from server.graphql.websocket import WebSocketEndpoint
from tests.support.registry import settings_for
from tests.support.servers import Server, locked, refused, serving, tiny_database, tiny_server

PROTOCOL = Subprotocol("graphql-transport-ws")
INIT = {"type": "connection_init"}
ACK = {"type": "connection_ack"}
PING, PONG = {"type": "ping"}, {"type": "pong"}
QUERY = '{ model(ref: "openai/tiny-large") { name } }'
ANSWER = {"data": {"model": {"name": "Tiny Large"}}}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server of the tiny registry."""
    async with tiny_server(tmp_path_factory.mktemp("sockets")) as running:
        yield running


@asynccontextmanager
async def opened(
    server: Server, *protocols: Subprotocol, path: str = "/graphql", **more: Any
) -> AsyncGenerator[ClientConnection]:
    address = server.address.replace("http", "ws") + path
    async with connect(address, subprotocols=protocols or [PROTOCOL], proxy=None, max_size=None, **more) as socket:
        yield socket


@asynccontextmanager
async def ready(server: Server, **more: Any) -> AsyncGenerator[ClientConnection]:
    """A socket after its handshake."""
    async with opened(server, **more) as socket:
        await say(socket, INIT)
        assert await next_message(socket) == ACK
        yield socket


async def say(socket: ClientConnection, *messages: object) -> None:
    for message in messages:
        await socket.send(message if isinstance(message, str) else json.dumps(message))


async def next_message(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(15):
        message: dict[str, Any] = json.loads(await socket.recv())
        return message


async def closed(socket: ClientConnection) -> tuple[int, str]:
    """The code and reason the server closes with; earlier messages are skipped."""
    async with asyncio.timeout(3):
        try:
            while True:
                await socket.recv()
        except ConnectionClosed as end:
            assert end.rcvd is not None, "disconnected without a closing frame"
            return end.rcvd.code, end.rcvd.reason


def subscribe(id: object, query: str = QUERY, **more: Any) -> dict[str, Any]:
    return {"id": id, "type": "subscribe", "payload": {"query": query, **more}}


async def asked(socket: ClientConnection, id: str, query: str = QUERY, **more: Any) -> dict[str, Any]:
    """The response to a query."""
    await say(socket, subscribe(id, query, **more))
    answer = await next_message(socket)
    assert await next_message(socket) == {"id": id, "type": "complete"}
    assert (answer["id"], answer["type"]) == (id, "next")
    return answer["payload"]


# Conversation


async def test_a_query_is_answered_and_completed(server: Server) -> None:
    async with opened(server) as socket:
        assert socket.subprotocol == PROTOCOL
        await say(socket, {**INIT, "payload": {"token": "none is needed"}})
        assert await next_message(socket) == ACK
        await say(socket, subscribe("1"))
        assert await next_message(socket) == {"id": "1", "type": "next", "payload": ANSWER}
        assert await next_message(socket) == {"id": "1", "type": "complete"}
        named = "query A($ref: String!) { model(ref: $ref) { ref } } query B { registry { modelCount } }"
        payload = await asked(socket, "1", named, variables={"ref": "azure/tiny-small"}, operationName="A")
        assert payload == {"data": {"model": {"ref": "azure/tiny-small"}}}


async def test_our_protocol_is_chosen_among_several(server: Server) -> None:
    async with opened(server, Subprotocol("graphql-ws"), PROTOCOL) as socket:
        assert socket.subprotocol == PROTOCOL


async def test_pings_are_answered_before_and_after_the_handshake(server: Server) -> None:
    async with opened(server) as socket:
        await say(socket, PING, PONG, {**PING, "payload": {"at": 1}})
        assert [await next_message(socket), await next_message(socket)] == [PONG, PONG]
        await say(socket, INIT, PING)
        assert [await next_message(socket), await next_message(socket)] == [ACK, PONG]


async def test_operations_share_a_socket(server: Server) -> None:
    async with ready(server) as socket:
        ids = [f"query {number}" for number in range(15)]
        await say(socket, *(subscribe(id) for id in ids))
        messages = [await next_message(socket) for _ in range(30)]
        for id in ids:
            assert [message for message in messages if message["id"] == id] == [
                {"id": id, "type": "next", "payload": ANSWER},
                {"id": id, "type": "complete"},
            ]


async def test_decimals_in_variables_are_exact(server: Server) -> None:
    query = "query($most: Decimal!) { models(filter: {maxInputPrice: $most}) { totalCount } }"
    async with ready(server) as socket:
        for price, count in (("0.1", 1), ("0.099999999999999999", 0), ('"0.1"', 1)):
            payload = json.dumps({"query": query, "variables": {"most": "PRICE"}}).replace('"PRICE"', price)
            await say(socket, f'{{"id": "1", "type": "subscribe", "payload": {payload}}}')
            answer = {"data": {"models": {"totalCount": count}}}
            assert await next_message(socket) == {"id": "1", "type": "next", "payload": answer}
            assert (await next_message(socket))["type"] == "complete"


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nope }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "{ " + "__typename " * 501 + "}"}, "COST_LIMIT"),
        ({"query": "query A {__typename} query B {__typename}"}, "BAD_USER_INPUT"),
        ({"query": ""}, "BAD_REQUEST"),
        ({}, "BAD_REQUEST"),
        ({"query": 1}, "BAD_REQUEST"),
        ({"query": QUERY, "variables": []}, "BAD_REQUEST"),
        ({"query": QUERY, "operationName": 1}, "BAD_REQUEST"),
        ({"query": QUERY, "extensions": {"persistedQuery": {"sha256Hash": "0" * 64}}}, "BAD_USER_INPUT"),
        ({"extensions": {"persistedQuery": {"sha256Hash": "0" * 64}}}, "PERSISTED_QUERY_NOT_FOUND"),
    ],
)
async def test_a_refused_operation_is_an_error_message_on_a_socket_that_stays_open(
    server: Server, payload: dict[str, Any], code: str
) -> None:
    async with ready(server) as socket:
        await say(socket, {"id": "1", "type": "subscribe", "payload": payload})
        message = await next_message(socket)
        assert (message["id"], message["type"]) == ("1", "error")
        refused({"errors": message["payload"]}, code)
        # No complete follows an error, and the id is free again.
        await say(socket, PING)
        assert await next_message(socket) == PONG
        assert await asked(socket, "1") == ANSWER


async def test_an_error_in_the_variables_has_no_data(server: Server) -> None:
    async with ready(server) as socket:
        query = "query($n: Int!) { models(first: $n) { totalCount } }"
        await say(socket, subscribe("1", query, variables={"n": "many"}))
        message = await next_message(socket)
        response = message["payload"] if message["type"] == "next" else {"errors": message["payload"]}
        assert "$n" in refused(response, "BAD_USER_INPUT")


async def test_complete_ends_an_operation_without_further_messages(server: Server) -> None:
    async with ready(server) as socket:
        with server.asleep():
            await say(socket, subscribe("1"), {"id": "1", "type": "complete"}, subscribe("2"))
        assert [await next_message(socket), await next_message(socket)] == [
            {"id": "2", "type": "next", "payload": ANSWER},
            {"id": "2", "type": "complete"},
        ]
        await say(socket, {"id": "never begun", "type": "complete"}, PING)
        assert await next_message(socket) == PONG
        assert await asked(socket, "1") == ANSWER


async def test_complete_cancels_the_statement_on_postgresql(tmp_path: Path) -> None:
    async with tiny_database(tmp_path, "postgresql") as url, serving(url, tmp_path) as server, ready(server) as socket:
        async with locked(url) as until:
            # It reads what is not read before anybody asks.
            await say(socket, subscribe("1", "{ models { totalCount } }"))
            await until(1)
            await say(socket, {"id": "1", "type": "complete"})
            await until(0)
        assert await asked(socket, "1") == ANSWER


# Closing


async def test_another_protocol_is_refused(server: Server) -> None:
    async with opened(server, Subprotocol("graphql-ws")) as socket:
        assert await closed(socket) == (4406, "Subprotocol not acceptable: use graphql-transport-ws")
    address = server.address.replace("http", "ws") + "/graphql"
    async with connect(address, proxy=None) as bare:
        assert (await closed(bare))[0] == 4406


async def test_a_subscription_before_the_handshake_is_refused(server: Server) -> None:
    async with opened(server) as socket:
        await say(socket, subscribe("1"))
        assert await closed(socket) == (4401, "Unauthorized")


async def test_a_second_handshake_is_refused(server: Server) -> None:
    async with ready(server) as socket:
        await say(socket, INIT)
        assert await closed(socket) == (4429, "Too many initialisation requests")


@pytest.mark.parametrize("id", ["1", "x" * 200, "😀" * 60], ids=["short", "long", "in_long_characters"])
async def test_an_id_in_use_is_refused(server: Server, id: str) -> None:
    async with ready(server) as socket:
        with server.asleep():
            await say(socket, subscribe(id), subscribe(id))
        code, reason = await closed(socket)
        assert code == 4409
        assert reason.startswith(f"Subscriber for {id[:5]}")


async def test_operations_over_the_limit_of_one_socket_are_refused(server: Server) -> None:
    async with ready(server) as socket:
        with server.asleep():
            await say(socket, *(subscribe(str(number)) for number in range(21)))
        assert await closed(socket) == (4429, "At most 20 operations can run on one socket")


MALFORMED = {
    "nothing": "",
    "no_json": "nope",
    "half": '{"type": "ping"',
    "null": "null",
    "a_number": "42",
    "a_string": '"ping"',
    "true": "true",
    "a_list": "[]",
    "a_batch": '[{"type": "ping"}]',
    "an_empty_object": "{}",
    "no_type": '{"id": "1"}',
    "a_number_for_a_type": '{"type": 1}',
    "an_unknown_type": '{"type": "start", "id": "1"}',
    "a_type_of_the_server": '{"type": "next", "id": "1", "payload": {}}',
    "a_long_type": json.dumps({"type": "x" * 5_000}),
    "a_type_of_long_characters": json.dumps({"type": "😀" * 40}, ensure_ascii=False),
    "a_surrogate_for_a_type": '{"type": "\\ud800"}',
    "NaN": '{"type": "ping", "payload": NaN}',
    "a_key_twice": '{"type": "ping", "type": "pong"}',
    "5000_digits": '{"type": "ping", "payload": ' + "9" * 5_000 + "}",
    "deep_lists": "[" * 100_000,
    "no_id": json.dumps({"type": "subscribe", "payload": {"query": QUERY}}),
    "an_empty_id": json.dumps(subscribe("")),
    "a_number_for_an_id": json.dumps(subscribe(1)),
    "null_for_an_id": json.dumps(subscribe(None)),
    "a_long_id": json.dumps(subscribe("x" * 201)),
    "a_surrogate_for_an_id": json.dumps(subscribe("\ud800")),
    "no_payload": '{"type": "subscribe", "id": "1"}',
    "a_string_for_a_payload": '{"type": "subscribe", "id": "1", "payload": "{__typename}"}',
    "a_list_for_a_payload": '{"type": "subscribe", "id": "1", "payload": []}',
}


@pytest.mark.parametrize("message", MALFORMED.values(), ids=MALFORMED.keys())
async def test_a_malformed_message_closes_the_socket_with_the_protocols_code(server: Server, message: str) -> None:
    async with ready(server) as socket:
        await say(socket, message)
        code, reason = await closed(socket)
        assert code == 4400, reason
        assert reason
    async with server.client() as client:
        assert (await client.get("/readyz")).status_code == 200


@pytest.mark.parametrize("message", ["nope", "42", '{"type": "connection_init", "payload": []}', '{"type": "x"}'])
async def test_a_malformed_message_before_the_handshake_closes_the_socket_too(server: Server, message: str) -> None:
    async with opened(server) as socket:
        await say(socket, message)
        assert (await closed(socket))[0] == 4400


async def test_binary_messages_are_refused(server: Server) -> None:
    async with ready(server) as socket:
        await socket.send(json.dumps(PING).encode())
        assert await closed(socket) == (4400, "Messages must be text")


LIMIT = 131_072


@pytest.mark.parametrize(
    "message",
    [
        json.dumps(PING).ljust(LIMIT + 1),
        json.dumps(PING).ljust(5_000_000),
        json.dumps({**PING, "payload": "ü" * (LIMIT // 2 + 1)}, ensure_ascii=False),
        json.dumps({**PING, "payload": "😀" * (LIMIT // 4 + 1)}, ensure_ascii=False),
    ],
    ids=["one_byte_more", "five_megabytes", "in_characters_of_two_bytes", "in_characters_of_four_bytes"],
)
@pytest.mark.parametrize("compression", ["deflate", None])
async def test_a_message_over_the_limit_closes_the_socket(
    server: Server, message: str, compression: str | None
) -> None:
    async with ready(server, compression=compression) as socket:
        with suppress(ConnectionClosed):  # the server need not wait for the end of it
            await say(socket, message)
        assert (await closed(socket))[0] == 1009


async def test_the_largest_allowed_message_is_accepted(server: Server) -> None:
    async with ready(server) as socket:
        await say(socket, json.dumps(PING).ljust(LIMIT))
        assert await next_message(socket) == PONG


async def test_other_paths_have_no_sockets(server: Server) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with opened(server, path="/elsewhere"):
            pass
    assert caught.value.response.status_code in (403, 404)


async def test_a_socket_that_vanishes_does_not_affect_others(server: Server) -> None:
    before = len(server.output)
    async with ready(server) as staying:
        async with ready(server) as leaving:
            with server.asleep():
                await say(leaving, *(subscribe(str(number)) for number in range(20)))
                leaving.transport.abort()
        assert await asked(staying, "1") == ANSWER
    async with server.client() as client:
        answer: httpx.Response = await client.post("/graphql", json={"query": QUERY})
        assert answer.json() == ANSWER
    assert "Traceback" not in server.output[before:]


async def test_sockets_are_closed_when_the_server_stops(tmp_path: Path) -> None:
    async with tiny_database(tmp_path) as url, serving(url, tmp_path) as server, ready(server) as socket:
        assert await asked(socket, "1") == ANSWER
        _, (code, _) = await asyncio.gather(server.stop(), closed(socket))
        assert code in (1001, 1012)


# Timeouts, with a fake connection


class Wire:
    """The ASGI side of a socket: what the client sends and receives."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.incoming.put_nowait({"type": "websocket.connect"})
        self.sent: list[dict[str, Any]] = []
        self.taken = asyncio.Event()
        self.taken.set()

    def say(self, message: object) -> None:
        self.incoming.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    async def receive(self) -> dict[str, Any]:
        return await self.incoming.get()

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.send":
            await self.taken.wait()
        self.sent.append(message)

    def socket(self) -> WebSocket:
        return WebSocket({"type": "websocket", "path": "/", "subprotocols": [PROTOCOL]}, self.receive, self.send)


@pytest_asyncio.fixture(loop_scope="session")
async def endpoint(tmp_path: Path) -> AsyncIterator[WebSocketEndpoint]:
    async with tiny_database(tmp_path) as url:
        engine, settings = database.create_engine(url), settings_for(url, send_timeout=0.05)
        yield WebSocketEndpoint(Runner(engine, settings), settings, ConnectionLimits(1, 1))
        await engine.dispose()


async def test_a_socket_without_a_handshake_is_closed_after_the_timeout(
    endpoint: WebSocketEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert websocket.INIT_TIMEOUT == 10
    monkeypatch.setattr(websocket, "INIT_TIMEOUT", 0.05)
    wire = Wire()
    wire.say(PING)
    async with asyncio.timeout(10):
        await endpoint(wire.socket())
    assert [message["type"] for message in wire.sent] == ["websocket.accept", "websocket.send", "websocket.close"]
    assert wire.sent[-1]["code"] == 4408


async def test_a_client_that_reads_no_messages_is_disconnected(endpoint: WebSocketEndpoint) -> None:
    wire = Wire()
    wire.taken.clear()
    wire.say(INIT)
    async with asyncio.timeout(10):
        await endpoint(wire.socket())
    assert [message["type"] for message in wire.sent] == ["websocket.accept", "websocket.close"]
    assert wire.sent[-1]["code"] == 1013
