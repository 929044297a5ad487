"""Connections to upstreams: to no address that was not checked, and with a count of what comes along them."""

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncGenerator, Iterable, Sequence
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, cast
from urllib.request import getproxies, proxy_bypass

import httpcore2
import httpx2

Address = IPv4Address | IPv6Address
BROKEN = (
    httpx2.TransportError,
    httpcore2.TimeoutException,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.ProxyError,
    httpcore2.UnsupportedProtocol,
    httpcore2.ConnectionNotAvailable,
)
"""What a connection that fails raises, through a transport of httpx2 or through ours."""
TIMED_OUT = (httpx2.TimeoutException, httpcore2.TimeoutException)
NOT_CONNECTED = (httpx2.ConnectError, httpx2.ConnectTimeout, httpcore2.ConnectError, httpcore2.ConnectTimeout)

UNICAST = IPv6Network("2000::/3")
"""The only part of IPv6 from which public addresses have been given out."""
TRANSLATED = IPv6Network("64:ff9b::/96")
"""Where networks without IPv4 put IPv4 addresses."""
SPECIAL = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
"""Tunnels, which may lead anywhere, and addresses for documentation."""


def public(address: Address) -> bool:
    """Whether an address belongs to the public internet: not to this machine, this network or nobody."""
    if isinstance(address, IPv4Address):
        return address.is_global and not (address.is_multicast or address.is_reserved)
    inner = address.ipv4_mapped
    if inner is None and address in TRANSLATED:
        inner = IPv4Address(int(address) & 0xFFFF_FFFF)
    if inner is not None:
        return public(inner)
    return address in UNICAST and not any(address in network for network in SPECIAL)


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses a host stands for, however it is spelt: a name, 10.0.0.1, 2130706433 or 0x7f.1. Raises OSError."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError("it is no name a host can have") from error
    return [ip_address(each[4][0]) for each in found]


def proxy_for(url: httpx2.URL) -> str | None:
    """The proxy the environment names for an address, if any."""
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(url.netloc.decode("ascii")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


BLANK_LINE = re.compile(rb"\n\r?\n")
INTERIM = re.compile(rb"HTTP/1\.[01] 1\d\d")


class Line(httpcore2.AsyncNetworkStream):
    """A connection for one answer, which counts the bytes that follow its headers."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream
        self._head: bytes | None = b""
        self.after_headers = 0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - as the base has it
        data = await self._stream.read(max_bytes, timeout)
        self._count(data)
        return data

    def _count(self, data: bytes) -> None:
        if self._head is None:
            self.after_headers += len(data)
            return
        self._head += data
        while found := BLANK_LINE.search(self._head):
            rest = self._head[found.end() :]
            if not INTERIM.match(self._head):
                self._head, self.after_headers = None, len(rest)
                return
            self._head = rest

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as the base has it
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as the base has it
    ) -> "Line":
        return Line(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class Backend(httpcore2.AsyncNetworkBackend):
    """Connects to the addresses that were checked for a host, never to what its name means by now."""

    def __init__(self) -> None:
        self._plain = cast(httpcore2.AsyncNetworkBackend, httpcore2.AnyIOBackend())
        self.checked: dict[tuple[str, int], Sequence[Address]] = {}

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as the base has it
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> Line:
        failed: Exception = httpcore2.ConnectError("the name stands for no address")
        for address in self.checked.get((host, port), (host,)):
            try:
                return Line(await self._plain.connect_tcp(str(address), port, timeout, local_address, socket_options))
            except NOT_CONNECTED as error:
                failed = error
        raise failed


@cache
def tls() -> ssl.SSLContext:
    return httpx2.create_ssl_context()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        async for part in self._answer.aiter_stream():
            yield part

    async def aclose(self) -> None:
        await self._answer.aclose()


class Upstream(httpx2.AsyncBaseTransport):
    """A transport that connects where a request's extension `addresses` says, or through the environment's proxy."""

    def __init__(self) -> None:
        self._backend = Backend()
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls(), max_keepalive_connections=0, network_backend=self._backend
        )
        self._proxies: dict[str, httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        if proxy := proxy_for(url):
            if proxy not in self._proxies:
                self._proxies[proxy] = httpx2.AsyncHTTPTransport(proxy=proxy)
            return await self._proxies[proxy].handle_async_request(request)
        if addresses := request.extensions.get("addresses"):
            self._backend.checked[url.raw_host.decode("ascii"), port(url)] = addresses
        target = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        answer = await self._pool.handle_async_request(
            httpcore2.Request(request.method, target, headers=request.headers.raw, extensions=request.extensions)
        )
        extensions: dict[str, Any] = cast(Any, answer).extensions
        return httpx2.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=extensions)

    async def aclose(self) -> None:
        await self._pool.aclose()
        for each in self._proxies.values():
            await each.aclose()


def port(url: httpx2.URL) -> int:
    return url.port if url.port is not None else (443 if url.scheme == "https" else 80)
