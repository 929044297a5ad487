"""Subscribers: WebSockets and event streams that receive events, and clients that never read."""

import asyncio
import base64
import json
import os
import select
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from schema.enums import Meter
from seeds.catalogue import Catalogue, ModelClaims, RateClaim
from tests.support.registry import NOW, put, tiny
from tests.support.servers import Server

PROTOCOL = Subprotocol("graphql-transport-ws")
PATIENCE = 30
"""Seconds to wait for a message before the test fails."""


def priced_registry(day: int, models: int = 1) -> list[Catalogue]:
    """The tiny registry with additional models, whose input price in dollars is the number of the day."""
    catalogues = tiny()
    for number in range(models):
        rates = [RateClaim(Meter.INPUT, Decimal(day)), RateClaim(Meter.OUTPUT, Decimal(2 * day))]
        catalogues[1].models.append(ModelClaims("openai", f"daily-{number:03}", facts={"name": "Daily"}, rates=rates))
    return catalogues


async def write_prices(engine: AsyncEngine, day: int, models: int = 1) -> int:
    """Writes a day's prices, as another process would. Returns the number of the new revision."""
    # In the past: a price is effective from the day it was first seen, and must be in force now.
    return (await put(engine, priced_registry(day, models), NOW - timedelta(days=3_000 - day))).revision


# Sockets


@asynccontextmanager
async def socket_to(server: Server, **more: Any) -> AsyncGenerator[ClientConnection]:
    """A WebSocket with a completed handshake."""
    address = server.address.replace("http", "ws") + "/graphql"
    async with connect(address, subprotocols=[PROTOCOL], proxy=None, max_size=None, **more) as connection:
        await connection.send('{"type": "connection_init"}')
        assert json.loads(await connection.recv()) == {"type": "connection_ack"}
        yield connection


async def subscribe(connection: ClientConnection, query: str, id: str = "1", **variables: Any) -> None:
    payload = {"query": query, "variables": variables}
    await connection.send(json.dumps({"id": id, "type": "subscribe", "payload": payload}))


async def next_message(connection: ClientConnection) -> dict[str, Any]:
    """The next message."""
    async with asyncio.timeout(PATIENCE):
        message: dict[str, Any] = json.loads(await connection.recv())
        return message


async def next_event(connection: ClientConnection, id: str = "1") -> Any:
    """The next event of a subscription: the value of its only field."""
    message = await next_message(connection)
    assert (message["id"], message["type"]) == (id, "next"), message
    assert "errors" not in message["payload"], message
    (value,) = message["payload"]["data"].values()
    return value


# Event streams


class Events:
    """Reads a stream of server-sent events one by one."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.lines: AsyncIterator[str] = response.aiter_lines()
        self.comments = 0

    async def next(self) -> tuple[str, Any]:
        """The next event and its data. Comments are counted and skipped."""
        event, data = "", ""
        async with asyncio.timeout(PATIENCE):
            async for line in self.lines:
                name, _, value = line.partition(":")
                if line == "" and event:
                    return event, json.loads(data) if data else None
                if name == "event":
                    event = value.strip()
                elif name == "data":
                    data += value.strip()
                elif line.startswith(":"):
                    self.comments += 1
        raise EOFError("the stream ended")

    async def next_value(self) -> Any:
        event, payload = await self.next()
        assert event == "next", (event, payload)
        assert "errors" not in payload, payload
        (value,) = payload["data"].values()
        return value


@asynccontextmanager
async def events_of(server: Server, query: str, **variables: Any) -> AsyncGenerator[Events]:
    """An open event stream."""
    async with (
        server.client() as client,
        client.stream(
            "POST",
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"accept": "text/event-stream"},
        ) as response,
    ):
        assert response.status_code == 200, await response.aread()
        yield Events(response)


# Clients that never read


def frame(message: object) -> bytes:
    """A WebSocket text frame from a client, with a mask of zeros."""
    content = json.dumps(message).encode()
    size = len(content)
    length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + size.to_bytes(2, "big")
    return b"\x81" + length + b"\0\0\0\0" + content


class StalledClient:
    """A client that subscribes and never reads the events."""

    def __init__(self, server: Server, request: bytes) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(PATIENCE)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self.socket.connect(("127.0.0.1", server.port))
        self.socket.sendall(request)

    @classmethod
    def over_socket(cls, server: Server, query: str, operations: int = 20) -> "StalledClient":
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = (
            f"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: {PROTOCOL}\r\n\r\n"
        )
        messages: list[dict[str, Any]] = [{"type": "connection_init"}]
        messages += [
            {"id": str(number), "type": "subscribe", "payload": {"query": query}} for number in range(operations)
        ]
        stalled = cls(server, upgrade.encode())
        response = b""
        while not response.endswith(b"\r\n\r\n"):
            response += stalled.socket.recv(1)
        stalled.socket.sendall(b"".join(map(frame, messages)))
        return stalled

    @classmethod
    def over_http(cls, server: Server, query: str) -> "StalledClient":
        body = json.dumps({"query": query}).encode()
        head = (
            f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Type: application/json\r\n"
            f"Accept: text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return cls(server, head.encode() + body)

    async def wait_until_subscribed(self) -> None:
        """Waits until its first event has arrived, and leaves it unread."""
        async with asyncio.timeout(PATIENCE):
            while not self._has_event:
                await asyncio.sleep(0.05)

    @property
    def _has_event(self) -> bool:
        try:
            arrived = self.socket.recv(4_096, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        return b"event: next" in arrived or b'"type":"next"' in arrived

    @property
    def is_disconnected(self) -> bool:
        poll = select.poll()
        poll.register(self.socket, select.POLLRDHUP)
        return bool(poll.poll(0))

    async def wait_until_disconnected(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while not self.is_disconnected:
                await asyncio.sleep(0.05)

    def close(self) -> None:
        self.socket.close()
