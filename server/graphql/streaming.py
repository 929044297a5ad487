"""Streaming responses: server-sent events and multipart, with keep-alives and a limit on stalled clients."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from schema.errors import ClientError
from server.graphql.errors import RequestError, error_response, hide
from server.graphql.execution import Runner, encode
from server.graphql.negotiation import EVENTS, MULTIPART
from server.graphql.operations import PreparedOperation
from server.settings import Settings

SLOW_CLIENT_FACTOR: Final = 2
"""A client that reads slowly has this many times as long for one chunk as one that reads nothing at all."""


async def encoded_responses(runner: Runner, operation: PreparedOperation) -> AsyncGenerator[bytes]:
    """The encoded responses of any operation: one for a query, many for a subscription."""
    try:
        if not operation.is_subscription:
            yield encode(await runner.run(operation))
            return
        async with aclosing(runner.events(operation)) as responses:
            async for response in responses:
                yield response
    except RequestError as error:
        yield encode(error_response(error))
    except Exception as error:
        yield encode({"errors": [ClientError(hide(error, "a stream"), "INTERNAL_SERVER_ERROR").formatted]})


async def server_sent_events(runner: Runner, operation: PreparedOperation) -> AsyncGenerator[bytes]:
    """The distinct connections mode of graphql-sse."""
    async with aclosing(encoded_responses(runner, operation)) as responses:
        async for response in responses:
            yield b"event: next\ndata: " + response + b"\n\n"
    yield b"event: complete\ndata:\n\n"


async def multipart(runner: Runner, operation: PreparedOperation) -> AsyncGenerator[bytes]:
    """The multipart subscription protocol of Apollo's clients."""
    yield b"---"
    async with aclosing(encoded_responses(runner, operation)) as responses:
        async for response in responses:
            yield b'\r\ncontent-type: application/json\r\n\r\n{"payload":' + response + b"}\r\n---"
    yield b"--\r\n"


@dataclass(frozen=True, slots=True)
class StreamFormat:
    media_type: str
    chunks: Callable[[Runner, PreparedOperation], AsyncGenerator[bytes]]
    keep_alive: bytes
    """A chunk that clients ignore."""


STREAM_FORMATS: Final = {
    EVENTS: StreamFormat(EVENTS, server_sent_events, b": \n\n"),
    MULTIPART: StreamFormat(
        'multipart/mixed; boundary="-"', multipart, b"\r\ncontent-type: application/json\r\n\r\n{}\r\n---"
    ),
}
HEADERS: Final = {
    "cache-control": "no-store",
    "x-accel-buffering": "no",  # tells nginx to pass chunks on at once
}


class Stream(StreamingResponse):
    """Sends chunks until they end, the client leaves, or it stalls."""

    def __init__(
        self, format: StreamFormat, chunks: AsyncGenerator[bytes], settings: Settings, on_close: Callable[[], None]
    ) -> None:
        super().__init__(chunks, headers=HEADERS, media_type=format.media_type)
        self.chunks, self.keep_alive, self.settings, self.on_close = chunks, format.keep_alive, settings, on_close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Tells the server not to wait for this connection when it shuts down.
        scope.setdefault("state", {})["streams"] = True
        tasks = [
            asyncio.create_task(self.send_chunks(send)),
            asyncio.create_task(self.send_keep_alives(send)),
            asyncio.create_task(self.listen_for_disconnect(receive)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.on_close()

    async def send_chunks(self, send: Send) -> None:
        async with aclosing(self.chunks):
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for chunk in self.chunks:
                await self.send_chunk(send, chunk)
            await self.send_chunk(send, b"", more=False)

    async def send_keep_alives(self, send: Send) -> None:
        while True:
            await asyncio.sleep(self.settings.keep_alive)
            await self.send_chunk(send, self.keep_alive)

    async def send_chunk(self, send: Send, chunk: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(SLOW_CLIENT_FACTOR * self.settings.send_timeout):
            await send({"type": "http.response.body", "body": chunk, "more_body": more})
