"""Answers that go on: server-sent events and multipart, with signs of life and an end to patience."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from graphql import GraphQLError
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from server.graphql.execution import Ready, RequestError, Runner, encode, hide, is_subscription, refusal
from server.graphql.negotiation import EVENTS, MULTIPART
from server.settings import Settings

TRICKLE = 2
"""A client that takes something now and then, but not what it is sent, has so many times as long as one that stalls."""


async def results(runner: Runner, ready: Ready) -> AsyncGenerator[bytes]:
    """The encoded answers of any operation: one for a query, many for a subscription."""
    try:
        if not is_subscription(ready):
            yield encode(await runner.run(ready))
            return
        async with aclosing(runner.events(ready)) as found:
            async for each in found:
                yield each
    except RequestError as error:
        yield encode(refusal(error))
    except Exception as error:
        told = GraphQLError(hide(error, "a stream"), extensions={"code": "INTERNAL_SERVER_ERROR"})
        yield encode({"errors": [told.formatted]})


async def events(runner: Runner, ready: Ready) -> AsyncGenerator[bytes]:
    """Server-sent events, in the distinct connections mode of graphql-sse."""
    async with aclosing(results(runner, ready)) as found:
        async for each in found:
            yield b"event: next\ndata: " + each + b"\n\n"
    yield b"event: complete\ndata:\n\n"


async def parts(runner: Runner, ready: Ready) -> AsyncGenerator[bytes]:
    """The multipart subscription protocol of Apollo's clients."""
    yield b"---"
    async with aclosing(results(runner, ready)) as found:
        async for each in found:
            yield b'\r\ncontent-type: application/json\r\n\r\n{"payload":' + each + b"}\r\n---"
    yield b"--\r\n"


@dataclass(frozen=True, slots=True)
class Form:
    """How a stream looks on the wire."""

    media: str
    chunks: Callable[[Runner, Ready], AsyncGenerator[bytes]]
    quiet: bytes
    """Says that the stream is alive, and nothing else."""


FORMS = {
    EVENTS: Form(EVENTS, events, b": \n\n"),
    MULTIPART: Form('multipart/mixed; boundary="-"', parts, b"\r\ncontent-type: application/json\r\n\r\n{}\r\n---"),
}
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # the latter tells nginx to pass chunks on at once


class Stream(StreamingResponse):
    """Sends chunks as they come, until they end, the client leaves, or it takes nothing for too long."""

    def __init__(self, form: Form, chunks: AsyncGenerator[bytes], settings: Settings, done: Callable[[], None]) -> None:
        super().__init__(chunks, headers=HEADERS, media_type=form.media)
        self.chunks, self.quiet, self.settings, self.done = chunks, form.quiet, settings, done

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Tells the server that this connection need not be waited for when it ends.
        scope.setdefault("state", {})["streams"] = True
        tasks = [
            asyncio.create_task(self.produce(send)),
            asyncio.create_task(self.breathe(send)),
            asyncio.create_task(self.listen_for_disconnect(receive)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.done()

    async def produce(self, send: Send) -> None:
        async with aclosing(self.chunks):
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for chunk in self.chunks:
                await self.put(send, chunk)
            await self.put(send, b"", more=False)

    async def breathe(self, send: Send) -> None:
        while True:
            await asyncio.sleep(self.settings.keep_alive)
            await self.put(send, self.quiet)

    async def put(self, send: Send, chunk: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(TRICKLE * self.settings.send_timeout):
            await send({"type": "http.response.body", "body": chunk, "more_body": more})
