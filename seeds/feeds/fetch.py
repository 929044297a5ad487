"""Fetching a feed: bounded in time and size, conditional, with redirects only to the public internet."""

import asyncio
import hashlib
import re
import socket
import time
import zlib
from base64 import b64encode
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from importlib.metadata import version
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Protocol, runtime_checkable
from urllib.request import getproxies, proxy_bypass

import httpx2
import tenacity

from seeds.catalogue import Catalogue

Address = IPv4Address | IPv6Address

ATTEMPTS = 3
REDIRECTS = 5
CONNECT_TIMEOUT = 10.0
HEADERS = {
    "User-Agent": f"modelmeta/{version('modelmeta')}",
    "Accept": "application/json, */*;q=0.5",
    "Accept-Encoding": "gzip",
}
PUBLIC_IPV6 = IPv6Network("2000::/3")
NOT_PUBLIC_IPV6 = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
"""Tunnels, which may lead anywhere, and addresses for documentation."""
NAT64 = IPv6Network("64:ff9b::/96")
"""Where networks without IPv4 put IPv4 addresses."""


class FeedError(Exception):
    """Why a feed could not be fetched or read: one line for an operator, without credentials or URL queries.

    FeedError
    └── TemporaryFeedError    another attempt may succeed
    """


class TemporaryFeedError(FeedError):
    def __init__(self, message: str, retry_after: float = 0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Feed(Protocol):
    """A live source: a module that knows its upstream's format, and nothing of HTTP or databases."""

    @property
    def SLUG(self) -> str: ...  # noqa: N802 - a module's constant

    def parse(self, content: bytes) -> Catalogue:
        """The catalogue in the upstream's content. Raises FeedError when the content has another format."""
        ...


@runtime_checkable
class BundledFeed(Feed, Protocol):
    """A feed whose content is also bundled with the program."""

    def bundled(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """An upstream's answer."""

    content: bytes | None
    """The decompressed body; None when the upstream says that nothing has changed."""
    etag: str | None
    last_modified: str | None
    fingerprint: str | None
    """SHA-256 of the content."""


_tls_context = cache(httpx2.create_ssl_context)


def open_transport(proxy: str | None) -> httpx2.AsyncBaseTransport:
    # A transport, not a client: a client keeps cookies, reads .netrc, and logs each URL with its query.
    return httpx2.AsyncHTTPTransport(verify=_tls_context(), proxy=proxy)


async def resolve_host(host: str) -> list[Address]:
    """The addresses of a host, in any spelling: a name, 10.0.0.1, 2130706433 or 0x7f.1. Raises OSError, ValueError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [ip_address(sockaddr[0]) for *_, sockaddr in found]


def is_public(address: Address) -> bool:
    """Whether an address is on the public internet: not private, local, reserved or multicast."""
    if isinstance(address, IPv4Address):
        return address.is_global and not (address.is_multicast or address.is_reserved)
    embedded = address.ipv4_mapped or (IPv4Address(int(address) & 0xFFFF_FFFF) if address in NAT64 else None)
    if embedded is not None:
        return is_public(embedded)
    return address in PUBLIC_IPV6 and not any(address in network for network in NOT_PUBLIC_IPV6)


@dataclass(frozen=True, slots=True)
class Network:
    """How a fetch reaches its upstream. Tests replace parts of it."""

    open_transport: Callable[[str | None], httpx2.AsyncBaseTransport] = open_transport
    """A transport through the given proxy, if any."""
    resolve_host: Callable[[str], Awaitable[Sequence[Address]]] = resolve_host
    is_public: Callable[[Address], bool] = is_public
    read_timeout: float = 20.0
    pause: float = 0.5
    """Seconds before the second attempt, about; doubled before the third."""


async def fetch(
    url: str,
    *,
    etag: str | None = None,
    last_modified: str | None = None,
    limit: int,
    deadline: float,
    network: Network = Network(),
) -> Fetched:
    """Fetches a feed: all attempts and redirects within `deadline` seconds, at most `limit` decompressed bytes.

    The operator's own URL may point anywhere. Redirects to another origin must point to public addresses, and the
    connection goes to those very addresses. Raises FeedError.
    """
    source, headers = _parse_feed_url(url)
    validators = {"If-None-Match": _validator(etag), "If-Modified-Since": _validator(last_modified)}
    headers |= {name: value for name, value in validators.items() if value}
    backoff = tenacity.wait_exponential(multiplier=network.pause) + tenacity.wait_random(0, network.pause)

    def pause(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return max(backoff(state), error.retry_after if isinstance(error, TemporaryFeedError) else 0)

    attempts = tenacity.AsyncRetrying(
        stop=tenacity.stop_after_attempt(ATTEMPTS) | tenacity.stop_before_delay(deadline),
        wait=pause,
        retry=tenacity.retry_if_exception_type(TemporaryFeedError),
        reraise=True,
    )
    try:
        async with asyncio.timeout(deadline):
            return await attempts(_attempt, source, headers, limit, network)
    except FeedError:
        raise
    except TimeoutError as error:
        message = f"{_shown(source)} did not finish answering within {deadline:g} s (MODELMETA_FETCH_TIMEOUT)."
        raise FeedError(message) from error
    except Exception as error:
        # An unusable proxy, a header that is not text, or anything unforeseen must cost one feed, not the refresh.
        raise FeedError(f"{_shown(source)} can't be fetched: {_quoted(error)}.") from error


async def _attempt(source: httpx2.URL, headers: dict[str, str], limit: int, network: Network) -> Fetched:
    url = source
    for _ in range(REDIRECTS + 1):
        try:
            async with _respond(url, source, headers, network) as response:
                if not response.has_redirect_location:
                    return await _read(response, url, headers, limit)
                url = _redirect_target(response, url)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise TemporaryFeedError(f"{_shown(url)} can't be reached: {_quoted(error)}.") from error
        except httpx2.TimeoutException as error:
            raise TemporaryFeedError(f"{_shown(url)} was silent for {network.read_timeout:g} s.") from error
        except httpx2.TransportError as error:
            message = f"{_shown(url)} broke the connection or sent invalid HTTP: {_quoted(error)}."
            raise TemporaryFeedError(message) from error
    raise FeedError(f"{_shown(source)} redirects more than {REDIRECTS} times, most recently to {_shown(url)}.")


@asynccontextmanager
async def _respond(
    url: httpx2.URL, source: httpx2.URL, headers: dict[str, str], network: Network
) -> AsyncGenerator[httpx2.Response]:
    """The response of one URL. A URL of another origin gets no credentials, and is connected to as checked."""
    proxy, targets = _proxy_for(url), [url]
    headers = HEADERS | headers | {"Host": url.netloc.decode("ascii")}
    if (url.scheme, url.host, url.port) != (source.scheme, source.host, source.port):
        targets = await _checked_targets(url, source, proxy, network)
        headers.pop("Authorization", None)
    timeout = httpx2.Timeout(CONNECT_TIMEOUT, read=network.read_timeout).as_dict()
    # Where the target is an address, the certificate must still be that of the name.
    extensions = {"timeout": timeout, "sni_hostname": url.raw_host.decode("ascii")}
    async with network.open_transport(proxy) as transport:
        for number, target in enumerate(targets, 1):
            request = httpx2.Request("GET", target, headers=headers, extensions=extensions)
            try:
                response = await transport.handle_async_request(request)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                if number == len(targets):
                    raise
                continue
            async with aclosing(response):
                yield response
                return


async def _checked_targets(
    url: httpx2.URL, source: httpx2.URL, proxy: str | None, network: Network
) -> list[httpx2.URL]:
    """Where to connect for a redirect: its host's addresses, all public, so that a later DNS answer changes nothing."""
    try:
        addresses = await network.resolve_host(url.raw_host.decode("ascii"))
    except (OSError, ValueError) as error:
        if proxy:
            return [url]  # a name that only the proxy can resolve
        raise TemporaryFeedError(f"{_shown(source)} redirects to {_shown(url)}, an unknown host.") from error
    for address in addresses:
        if not network.is_public(address):
            raise FeedError(
                f"{_shown(source)} redirects to {_shown(url)}, which is not on the public internet ({address}). "
                "If this is intended, use that address as the feed's URL."
            )
    return [url] if proxy else [url.copy_with(host=str(address)) for address in addresses]


def _redirect_target(response: httpx2.Response, url: httpx2.URL) -> httpx2.URL:
    try:
        target = url.join(response.headers["location"])
    except (httpx2.InvalidURL, ValueError) as error:
        raise FeedError(f"{_shown(url)} redirects to an address that is not a valid URL.") from error
    if not _is_usable(target):
        raise FeedError(f"{_shown(url)} redirects to {_shown(target)}, which is not an https:// or http:// address.")
    if target.userinfo:
        raise FeedError(f"{_shown(url)} redirects to {_shown(target)} with credentials.")
    if url.scheme == "https" and target.scheme == "http":
        raise FeedError(f"{_shown(url)} redirects from https to {_shown(target)}.")
    return target


async def _read(response: httpx2.Response, url: httpx2.URL, asked: dict[str, str], limit: int) -> Fetched:
    """What a response other than a redirect contains. Raises FeedError unless that is content, or "not modified"."""
    headers, status = response.headers, response.status_code
    # Not the upstream's own reason phrase, which could say anything.
    answered = f"{_shown(url)} answered {status} {httpx2.codes.get_reason_phrase(status)}".rstrip()
    etag, last_modified = _validator(headers.get("etag")), _validator(headers.get("last-modified"))
    known_etag, known_date = asked.get("If-None-Match"), asked.get("If-Modified-Since")
    if status == 304 and (known_etag or known_date):
        return Fetched(None, etag or known_etag, last_modified or known_date, None)
    if status == 429 or status >= 500:
        seconds = _retry_after(headers.get("retry-after", ""))
        wait = f" and asks to wait {seconds:.0f} s" if seconds else ""
        raise TemporaryFeedError(f"{answered}{wait}. Expected 200 OK.", seconds)
    if status != 200:
        raise FeedError(f"{answered}. Expected 200 OK.")
    content = await _read_content(response, url, limit)
    begins = content[:100].removeprefix(b"\xef\xbb\xbf").lstrip()
    if begins.startswith(b"<") or "html" in headers.get("content-type", "").lower():
        raise FeedError(f"{_shown(url)} answered with a web page instead of JSON. Is a login page or proxy in the way?")
    return Fetched(content, etag, last_modified, hashlib.sha256(content).hexdigest())


async def _read_content(response: httpx2.Response, url: httpx2.URL, limit: int) -> bytes:
    """The decompressed body. No more than the limit is ever decompressed, so a bomb stays small."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise FeedError(f"{_shown(url)} uses an unsupported content encoding. Only gzip is supported.")
    too_large = f"{_shown(url)} sends more than the {limit:,} bytes allowed for a feed (MODELMETA_MAX_FEED_BYTES)."
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise FeedError(too_large)
    # Not httpx2's own decoder: it accepts a gzip that ends early or has bytes after its end.
    decompressor = zlib.decompressobj(wbits=31) if encoding.endswith("gzip") else None
    content, received = bytearray(), 0
    async with aclosing(response.aiter_raw()) as chunks:
        async for chunk in chunks:
            received += len(chunk)
            try:
                content += decompressor.decompress(chunk, limit - len(content) + 1) if decompressor else chunk
            except zlib.error as error:
                raise FeedError(f"{_shown(url)} sends invalid gzip in its first {received:,} bytes.") from error
            if max(len(content), received) > limit:
                raise FeedError(too_large)
    if decompressor and not decompressor.eof:
        raise TemporaryFeedError(f"{_shown(url)} sends gzip that ends early, after {received:,} bytes.")
    if decompressor and decompressor.unused_data:
        raise FeedError(f"{_shown(url)} sends extra bytes after the end of its gzip.")
    return bytes(content)


def _parse_feed_url(text: str) -> tuple[httpx2.URL, dict[str, str]]:
    """The URL, and the credentials in it as a header."""
    try:
        url = httpx2.URL(text)
    except (httpx2.InvalidURL, ValueError) as error:
        raise FeedError(
            "The feed's address is not a valid URL. Use one that starts with https:// or http://."
        ) from error
    if not _is_usable(url):
        raise FeedError(f"{_shown(url)} is not a valid feed address. Use one that starts with https:// or http://.")
    credentials = b64encode(f"{url.username}:{url.password}".encode()).decode()
    return url.copy_with(userinfo=b""), {"Authorization": f"Basic {credentials}"} if url.userinfo else {}


def _is_usable(url: httpx2.URL) -> bool:
    return url.scheme in ("http", "https") and bool(url.host) and (url.port is None or 0 < url.port < 65_536)


def _proxy_for(url: httpx2.URL) -> str | None:
    """The proxy the environment names for a URL, if any."""
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(url.netloc.decode("ascii")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _validator(value: str | None) -> str | None:
    """An ETag or a date that can be sent back, or None."""
    return value if value and re.fullmatch(r"[\x20-\x7e]{1,500}", value) else None


def _retry_after(text: str) -> float:
    """Seconds an upstream asks to wait, given as a number or as a date; 0 if it does not say."""
    if re.fullmatch(r"\d{1,9}", text, re.ASCII):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0


def _shown(url: httpx2.URL) -> str:
    """A URL as it may be shown: without credentials and query, in at most one line."""
    path = url.raw_path.partition(b"?")[0].decode("ascii", "replace")
    text = f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}{path}"
    return text if len(text) <= 200 else f"{text[:200]}…"


def _quoted(error: Exception) -> str:
    """The beginning of an error's own words, escaped: they may quote the upstream."""
    text = repr(str(error)[:150])[1:-1] or type(error).__name__
    return text[:170].rstrip(". ")
