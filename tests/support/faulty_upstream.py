"""A faulty upstream on loopback for tests: a real server where each path fails in its own way."""

import asyncio
import gzip
import json
import socket
import ssl
import struct
import zlib
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

CONTENT = json.dumps({"acme": {"id": "acme", "name": "Acme", "models": {"one": {"id": "one", "name": "One"}}}}).encode()
"""The content of the paths that work: one model in the format of models.dev."""
ETAG = '"first"'
LAST_MODIFIED = "Mon, 23 Nov 2026 12:00:00 GMT"
BOMB_SIZE = 1 << 30
"""Decompressed size of the gzip bomb in bytes."""


@dataclass(frozen=True)
class Asked:
    """A request the upstream received."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    target: str


@dataclass
class Upstream:
    """The server: its address, the requests it received, and content that a test adds."""

    base: str = ""
    asked: list[Asked] = field(default_factory=list[Asked])
    served: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """Path -> content, served with an ETag, and with 304 when the request names that ETag."""
    connections: int = 0
    """Open connections."""

    def paths(self) -> list[str]:
        return [request.path for request in self.asked]


class Exchange:
    """One request and the connection for its answer."""

    def __init__(self, asked: Asked, writer: asyncio.StreamWriter, visit: int) -> None:
        self.asked, self.writer, self.visit = asked, writer, visit
        """The number of this request among those for its path, from 1."""

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self, status: str = "200 OK", **headers: str) -> None:
        lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
        await self.send("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1"))

    async def answer(self, body: bytes = CONTENT, status: str = "200 OK", **headers: str) -> None:
        """A whole answer in one write, so that bytes past its announced length arrive with it."""
        given = {"Content_Type": "application/json", "Content_Length": str(len(body))} | headers
        lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in given.items())]
        await self.send("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body)


Handler = Callable[[Exchange], Awaitable[None]]
PATHS: dict[str, Handler] = {}


def path(name: str) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        PATHS[name] = handler
        return handler

    return register


def always(status: str = "200 OK", body: bytes = CONTENT, **headers: str) -> Handler:
    async def handler(exchange: Exchange) -> None:
        await exchange.answer(body, status, **headers)

    return handler


def raw(data: bytes) -> Handler:
    async def handler(exchange: Exchange) -> None:
        await exchange.send(data)

    return handler


def bomb() -> bytes:
    """A gzip of a gigabyte of zeros, made of one compressed megabyte repeated; it has no proper end."""
    packer = zlib.compressobj(9, wbits=31)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    piece = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + piece * (BOMB_SIZE >> 20)


GZIP = gzip.compress(CONTENT, mtime=0)
PATHS.update(
    {
        "/good": always(ETag=ETAG, Last_Modified=LAST_MODIFIED),
        "/gzip": always(body=GZIP, Content_Encoding="gzip"),
        "/empty": always(body=b""),
        "/malformed": always(body=b'{"acme": {"id": '),
        "/other-format": always(body=b'["acme", 1]'),
        "/html": always(body=b"<!doctype html><title>Log in</title>", Content_Type="text/html; charset=utf-8"),
        "/html-as-json": always(body=b"\n <html>blocked</html>"),
        "/huge": always(Content_Length=str(10**12)),
        "/truncated": always(Content_Length="1000"),
        "/understated": always(Content_Length="10"),
        "/two-lengths": always(Content_Length="10\r\nContent-Length: 20"),
        "/brotli": always(Content_Encoding="br"),
        "/broken-gzip": always(Content_Encoding="gzip"),
        "/cut-gzip": always(body=GZIP[:-20], Content_Encoding="gzip"),
        "/more-than-gzip": always(body=GZIP + b"more", Content_Encoding="gzip"),
        "/bomb": always(body=bomb(), Content_Encoding="gzip"),
        "/unasked-304": always("304 Not Modified", b""),
        "/missing": always("404 Not Found"),
        "/odd-status": always("299 <script>"),
        "/always-500": always("500 Internal Server Error"),
        "/busy-for-long": always("429 Too Many Requests", Retry_After="3600"),
        "/busy-until": always(
            "503 Service Unavailable", Retry_After=format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
        ),
        "/long-etag": always(ETag='"' + "e" * 2_000 + '"', Last_Modified="Mon\x01"),
        "/cookie": always(Set_Cookie="session=1"),
        "/nowhere": always("302 Found"),
        "/loop": always("302 Found", Location="/loop"),
        "/garbage": raw(b"SSH-2.0-OpenSSH_9.9\r\n\x1b[31mno HTTP here\r\n\r\n"),
        "/silent-end": raw(b""),
        "/interim": raw(
            b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
            + f"HTTP/1.1 200 OK\r\nContent-Length: {len(CONTENT)}\r\n\r\n".encode()
            + CONTENT
        ),
        "/open-ended": raw(b"HTTP/1.1 200 OK\r\n\r\n" + CONTENT),
    }
)


@path("/redirect")
async def redirect(exchange: Exchange) -> None:
    """Redirects to the URL in the query's `to`, with the status in `status`."""
    await exchange.answer(
        b"", f"{exchange.asked.query.get('status', '302')} Found", Location=exchange.asked.query["to"]
    )


@path("/hops")
async def hops(exchange: Exchange) -> None:
    """Redirects to itself as many times as the query's `left` says."""
    left = int(exchange.asked.query["left"])
    if left:
        await exchange.answer(b"", "307 Temporary Redirect", Location=f"/hops?left={left - 1}")
    else:
        await exchange.answer()


@path("/conditional")
async def conditional(exchange: Exchange) -> None:
    headers = exchange.asked.headers
    if headers.get("if-none-match") == ETAG or headers.get("if-modified-since") == LAST_MODIFIED:
        await exchange.answer(b"", "304 Not Modified", ETag=ETAG)
    else:
        await exchange.answer(ETag=ETAG, Last_Modified=LAST_MODIFIED)


@path("/500-then-good")
async def recovers(exchange: Exchange) -> None:
    await exchange.answer(status="200 OK" if exchange.visit == 3 else "500 Internal Server Error")


@path("/busy-then-good")
async def busy(exchange: Exchange) -> None:
    if exchange.visit == 1:
        await exchange.answer(b"", "429 Too Many Requests", Retry_After="1")
    else:
        await exchange.answer()


@path("/reset-then-good")
async def recovers_from_reset(exchange: Exchange) -> None:
    await (reset(exchange) if exchange.visit == 1 else exchange.answer())


@path("/reset")
async def reset(exchange: Exchange) -> None:
    connection: socket.socket = exchange.writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.writer.transport.abort()


@path("/reset-midway")
async def reset_midway(exchange: Exchange) -> None:
    await exchange.head(Content_Length="100000")
    await exchange.send(b"{")
    await asyncio.sleep(0.05)
    await reset(exchange)


@path("/silent")
async def silent(exchange: Exchange) -> None:
    await asyncio.sleep(3600)


@path("/drip")
async def drip(exchange: Exchange) -> None:
    await exchange.head(Content_Length="1000000")
    while True:
        await exchange.send(b"{")
        await asyncio.sleep(0.01)


@path("/dripping-headers")
async def dripping_headers(exchange: Exchange) -> None:
    await exchange.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        await exchange.send(b"x")
        await asyncio.sleep(0.01)


@path("/endless")
async def endless(exchange: Exchange) -> None:
    """No Content-Length, and no end."""
    await exchange.head()
    while True:
        await exchange.send(bytes(65_536))


@path("/endless-chunks")
async def endless_chunks(exchange: Exchange) -> None:
    await exchange.head(Transfer_Encoding="chunked")
    while True:
        await exchange.send(b"1\r\n \r\n" * 10_000)


@path("/endless-headers")
async def endless_headers(exchange: Exchange) -> None:
    await exchange.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        await exchange.send(b"X-More: and more\r\n" * 1_000)


@path("/endless-hints")
async def endless_hints(exchange: Exchange) -> None:
    while True:
        await exchange.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1_000)


@path("/endless-empty-gzip")
async def endless_empty_gzip(exchange: Exchange) -> None:
    """Gzip that goes on forever and decompresses to nothing."""
    await exchange.head(Content_Encoding="gzip")
    packer = zlib.compressobj(wbits=31)
    await exchange.send(packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH))
    while True:
        await exchange.send(b"\x00\x00\x00\xff\xff" * 10_000)


async def serve_content(exchange: Exchange, content: bytes) -> None:
    etag = f'"{zlib.crc32(content):08x}"'
    if exchange.asked.headers.get("if-none-match") == etag:
        await exchange.answer(b"", "304 Not Modified", ETag=etag)
    else:
        await exchange.answer(content, ETag=etag)


async def read_request(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    target = first.split(" ")[1]
    parts = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    pairs = (line.partition(":") for line in lines)
    return Asked(unquote(parts.path), query, {name.lower(): value.strip() for name, _, value in pairs}, target)


@asynccontextmanager
async def faulty(
    host: str = "127.0.0.1", more: Mapping[str, Handler] | None = None, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[Upstream]:
    """The upstream, for as long as the block lasts; `more` are additional paths."""
    upstream, visits, tasks = Upstream(), Counter[str](), set[asyncio.Task[Any]]()
    handlers = PATHS | dict(more or {})

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        upstream.connections += 1
        try:
            asked = await read_request(reader)
            upstream.asked.append(asked)
            visits[asked.path] += 1
            exchange = Exchange(asked, writer, visits[asked.path])
            if asked.path in upstream.served:
                await serve_content(exchange, upstream.served[asked.path])
            else:
                await handlers.get(asked.path, PATHS["/missing"])(exchange)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client disconnected, or the test is over
        finally:
            tasks.discard(task)
            upstream.connections -= 1
            writer.close()

    server = await asyncio.start_server(connected, host, 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    scheme = "https" if tls else "http"
    upstream.base = f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
    try:
        yield upstream
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
