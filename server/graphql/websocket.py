"""GraphQL over WebSocket: the protocol graphql-transport-ws, and no other."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from schema.column_types import is_object
from server.graphql.connection_limits import Places, address
from server.graphql.execution import RequestError, Runner, encode, refusal
from server.graphql.http import HttpError, bearer, halved, read_json, to_request
from server.graphql.streaming import TRICKLE, results
from server.settings import Settings

PROTOCOL = "graphql-transport-ws"
INIT_TIMEOUT = 10.0
"""Seconds a client has to say connection_init."""
MOST_OPERATIONS = 20
"""Operations under way on one socket."""
FAREWELL = 1.0
"""Seconds a client has to take the word of goodbye; one that takes nothing goes without."""


class Close(Exception):  # noqa: N818 - an end in good order is no error
    """Ends the socket with one of the protocol's codes."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        # The protocol leaves 123 bytes, and a reason may quote what the client sent.
        self.code, self.reason = code, reason.encode("utf-8", "replace")[:123].decode("utf-8", "ignore")


class Sockets:
    """Answers `/graphql` over WebSocket."""

    def __init__(self, runner: Runner, settings: Settings, places: Places) -> None:
        self.runner, self.settings, self.places = runner, settings, places

    async def __call__(self, socket: WebSocket) -> None:
        client = address(socket.scope)
        if not self.places.take(client):
            full = HttpError(429, "Too many sockets are open. Close one first.", "RATE_LIMITED", {"Retry-After": "10"})
            await socket.send_denial_response(full.response())
            return
        try:
            await self.converse(socket)
        finally:
            self.places.leave(client)

    async def converse(self, socket: WebSocket) -> None:
        if PROTOCOL not in socket.scope.get("subprotocols", ()):
            await socket.accept()
            await _closed(socket, Close(4406, f"Subprotocol not acceptable: use {PROTOCOL}"))
            return
        await socket.accept(PROTOCOL)
        session = Session(self.runner, self.settings, socket)
        try:
            await session.run()
        except Close as close:
            await _closed(socket, close)
        except (WebSocketDisconnect, RuntimeError):
            pass  # the client is gone


async def _closed(socket: WebSocket, close: Close) -> None:
    with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):  # the client was faster, or takes nothing
        async with asyncio.timeout(FAREWELL):
            await socket.close(close.code, close.reason)


class Session:
    """One socket's life: its handshake and the operations under way."""

    def __init__(self, runner: Runner, settings: Settings, socket: WebSocket) -> None:
        self.runner, self.settings, self.socket = runner, settings, socket
        self.initialised = False
        self.token: str | None = None
        self.operations: dict[str, asyncio.Task[None]] = {}
        """Those a client can name. One it has completed may take a moment to end."""
        self.tasks: set[asyncio.Task[None]] = set()
        self.broken: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        """How an operation found out that nothing can be sent."""

    async def run(self) -> None:
        """Listens until one side ends it; nothing is left under way then. Raises how it ended."""
        listening = asyncio.create_task(self.listen())
        self.tasks.add(listening)
        try:
            await asyncio.wait((listening, self.broken), return_when=asyncio.FIRST_COMPLETED)
            if self.broken.done():
                raise self.broken.result()
            await listening
        finally:
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)

    async def listen(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + INIT_TIMEOUT
        while True:
            if self.initialised:
                message = await self.receive()
            else:
                try:
                    message = await asyncio.wait_for(self.receive(), max(0.0, deadline - loop.time()))
                except TimeoutError:
                    raise Close(4408, "Connection initialisation timeout") from None
            await self.handle(message)

    async def receive(self) -> Mapping[str, Any]:
        event = await self.socket.receive()
        if event["type"] != "websocket.receive":
            raise WebSocketDisconnect(event.get("code", 1000))
        text = event.get("text")
        if text is None:
            raise Close(4400, "Messages have to be text")
        if len(text.encode("utf-8", "surrogatepass")) > self.settings.max_body_bytes:
            raise Close(1009, "The message is too large")
        try:
            message = read_json(text, "The message")
        except HttpError as error:
            raise Close(4400, str(error)[:120]) from None
        if not is_object(message) or not isinstance(message.get("type"), str):
            raise Close(4400, "A message has to be a JSON object with a type")
        return message

    async def handle(self, message: Mapping[str, Any]) -> None:
        match message["type"]:
            case "connection_init":
                if self.initialised:
                    raise Close(4429, "Too many initialisation requests")
                payload = message.get("payload")
                if payload is None:
                    payload = {}
                if not is_object(payload):
                    raise Close(4400, "The payload of connection_init has to be an object")
                # Browsers can give a socket no headers: what shows who asks comes along here, in HTTP's words.
                said = {name.lower(): value for name, value in payload.items()}
                self.token = bearer(said.get("authorization"))
                self.initialised = True
                await self.send({"type": "connection_ack"})
            case "ping":
                await self.send({"type": "pong"})
            case "pong":
                pass
            case "subscribe":
                await self.subscribe(message)
            case "complete":
                if task := self.operations.pop(str(message.get("id")), None):
                    task.cancel()
            case other:
                raise Close(4400, f"Unknown message type {other:.40}")

    async def subscribe(self, message: Mapping[str, Any]) -> None:
        if not self.initialised:
            raise Close(4401, "Unauthorized")
        id, payload = message.get("id"), message.get("payload")
        if not isinstance(id, str) or not id or len(id) > 200 or halved(id) or not is_object(payload):
            raise Close(4400, "subscribe needs an id and a payload")
        if id in self.operations:
            raise Close(4409, f"Subscriber for {id:.60} already exists")
        if len(self.tasks) > MOST_OPERATIONS:  # one of them listens
            raise Close(4429, f"At most {MOST_OPERATIONS} operations run on one socket")
        task = self.operations[id] = asyncio.create_task(self.operate(id, payload))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def operate(self, id: str, payload: Mapping[str, Any]) -> None:
        try:
            try:
                ready = self.runner.check(replace(to_request(payload), token=self.token))
            except HttpError as error:
                await self.send(
                    {
                        "id": id,
                        "type": "error",
                        "payload": [{"message": str(error), "extensions": {"code": error.code}}],
                    }
                )
                return
            except RequestError as error:
                await self.send({"id": id, "type": "error", "payload": refusal(error)["errors"]})
                return
            async with aclosing(results(self.runner, ready)) as found:
                async for content in found:
                    await self.transmit(b'{"id":' + encode(id) + b',"type":"next","payload":' + content + b"}")
            await self.send({"id": id, "type": "complete"})
        except (Close, WebSocketDisconnect, RuntimeError) as error:
            if not self.broken.done():
                self.broken.set_result(error)
        finally:
            if self.operations.get(id) is asyncio.current_task():
                del self.operations[id]

    async def send(self, message: Mapping[str, Any]) -> None:
        await self.transmit(encode(message))

    async def transmit(self, content: bytes) -> None:
        try:
            async with asyncio.timeout(TRICKLE * self.settings.send_timeout):
                await self.socket.send_text(content.decode())
        except TimeoutError:
            raise Close(1013, "Messages are not taken") from None
