"""GraphQL over WebSocket: the protocol graphql-transport-ws, and no other."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any, Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from schema.column_types import is_object
from schema.errors import ModelMetaError
from server.graphql.connection_limits import ConnectionLimits, client_address
from server.graphql.errors import HttpError, RequestError, error_response
from server.graphql.execution import Runner, encode
from server.graphql.http import bearer_token, has_lone_surrogate, read_json, read_request
from server.graphql.streaming import SLOW_CLIENT_FACTOR, encoded_responses
from server.settings import Settings

PROTOCOL: Final = "graphql-transport-ws"
INIT_TIMEOUT = 10.0
"""Seconds a client has to send connection_init."""
NO_PAYLOAD: Final[Mapping[str, object]] = {}
MAX_OPERATIONS: Final = 20
"""Operations under way on one socket."""
CLOSE_TIMEOUT: Final = 1.0
"""Seconds a client has to read the closing frame."""


class CloseSocket(ModelMetaError):  # noqa: N818 - closing in good order is not an error
    """Closes the socket with one of the protocol's codes."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        # The protocol leaves 123 bytes, and a reason may quote what the client sent.
        self.code, self.reason = code, reason.encode("utf-8", "replace")[:123].decode("utf-8", "ignore")


class WebSocketEndpoint:
    """Answers `/graphql` over WebSocket."""

    def __init__(self, runner: Runner, settings: Settings, limits: ConnectionLimits) -> None:
        self.runner, self.settings, self.limits = runner, settings, limits

    async def __call__(self, socket: WebSocket[Any]) -> None:
        address = client_address(socket.scope)
        if not self.limits.acquire(address):
            full = HttpError(429, "Too many open sockets. Close one first.", "RATE_LIMITED", {"retry-after": "10"})
            await socket.send_denial_response(full.response())
            return
        try:
            await self.serve(socket)
        finally:
            self.limits.release(address)

    async def serve(self, socket: WebSocket[Any]) -> None:
        if PROTOCOL not in socket.scope.get("subprotocols", ()):
            await socket.accept()
            await _close(socket, CloseSocket(4406, f"Subprotocol not acceptable: use {PROTOCOL}"))
            return
        await socket.accept(PROTOCOL)
        session = Session(self.runner, self.settings, socket)
        try:
            await session.run()
        except CloseSocket as close:
            await _close(socket, close)
        except (WebSocketDisconnect, RuntimeError):
            pass  # the client is gone


async def _close(socket: WebSocket[Any], close: CloseSocket) -> None:
    with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):  # the client was faster, or reads nothing
        async with asyncio.timeout(CLOSE_TIMEOUT):
            await socket.close(close.code, close.reason)


class Session:
    """One socket's life: its handshake and the operations under way."""

    def __init__(self, runner: Runner, settings: Settings, socket: WebSocket[Any]) -> None:
        self.runner, self.settings, self.socket = runner, settings, socket
        self.initialized = False
        self.token: str | None = None
        self.operations: dict[str, asyncio.Task[None]] = {}
        """The operations that the client can complete, by id. A completed one may take a moment to end."""
        self.tasks: set[asyncio.Task[None]] = set()
        self.send_failure: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        """The error of an operation that could not send."""

    async def run(self) -> None:
        """Listens until one side closes, then cancels all tasks. Raises the exception that ended it."""
        listener = asyncio.create_task(self.listen())
        self.tasks.add(listener)
        try:
            await asyncio.wait((listener, self.send_failure), return_when=asyncio.FIRST_COMPLETED)
            if self.send_failure.done():
                raise self.send_failure.result()
            await listener
        finally:
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)

    async def listen(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + INIT_TIMEOUT
        while True:
            if self.initialized:
                message = await self.receive()
            else:
                try:
                    message = await asyncio.wait_for(self.receive(), max(0.0, deadline - loop.time()))
                except TimeoutError:
                    raise CloseSocket(4408, "Connection initialisation timeout") from None
            await self.handle(message)

    async def receive(self) -> Mapping[str, object]:
        event = await self.socket.receive()
        if event["type"] != "websocket.receive":
            raise WebSocketDisconnect(event.get("code", 1000))
        text = event.get("text")
        if text is None:
            raise CloseSocket(4400, "Messages must be text")
        if len(text.encode("utf-8", "surrogatepass")) > self.settings.max_body_bytes:
            raise CloseSocket(1009, "The message is too large")
        try:
            message = read_json(text, "The message")
        except HttpError as error:
            raise CloseSocket(4400, str(error)) from None
        if not is_object(message) or not isinstance(message.get("type"), str):
            raise CloseSocket(4400, "A message must be a JSON object with a type")
        return message

    async def handle(self, message: Mapping[str, object]) -> None:
        match message["type"]:
            case "connection_init":
                if self.initialized:
                    raise CloseSocket(4429, "Too many initialisation requests")
                payload = message.get("payload")
                payload = NO_PAYLOAD if payload is None else payload
                if not is_object(payload):
                    raise CloseSocket(4400, "The payload of connection_init must be an object")
                # Browsers can't set a socket's headers, so the payload may contain them.
                headers = {name.lower(): value for name, value in payload.items()}
                self.token = bearer_token(headers.get("authorization"))
                self.initialized = True
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
                raise CloseSocket(4400, f"Unknown message type {other!s:.40}")

    async def subscribe(self, message: Mapping[str, object]) -> None:
        if not self.initialized:
            raise CloseSocket(4401, "Unauthorized")
        id, payload = message.get("id"), message.get("payload")
        if not isinstance(id, str) or not id or len(id) > 200 or has_lone_surrogate(id) or not is_object(payload):
            raise CloseSocket(4400, "subscribe needs an id and a payload")
        if id in self.operations:
            raise CloseSocket(4409, f"Subscriber for {id:.60} already exists")
        if len(self.tasks) > MAX_OPERATIONS:  # one of them listens
            raise CloseSocket(4429, f"At most {MAX_OPERATIONS} operations can run on one socket")
        task = self.operations[id] = asyncio.create_task(self.operate(id, payload))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def operate(self, id: str, payload: Mapping[str, object]) -> None:
        try:
            try:
                operation = self.runner.prepare(replace(read_request(payload), token=self.token))
            except RequestError as error:
                await self.send({"id": id, "type": "error", "payload": error_response(error)["errors"]})
                return
            async with aclosing(encoded_responses(self.runner, operation)) as responses:
                async for response in responses:
                    await self.send_text(b'{"id":' + encode(id) + b',"type":"next","payload":' + response + b"}")
            await self.send({"id": id, "type": "complete"})
        except (CloseSocket, WebSocketDisconnect, RuntimeError) as error:
            if not self.send_failure.done():
                self.send_failure.set_result(error)
        finally:
            if self.operations.get(id) is asyncio.current_task():
                del self.operations[id]

    async def send(self, message: Mapping[str, object]) -> None:
        await self.send_text(encode(message))

    async def send_text(self, content: bytes) -> None:
        try:
            async with asyncio.timeout(SLOW_CLIENT_FACTOR * self.settings.send_timeout):
                await self.socket.send_text(content.decode())
        except TimeoutError:
            raise CloseSocket(1013, "The client does not read its messages") from None
