"""Fetching a feed: bounded in time and size, conditional, with redirects only to the public internet."""

import asyncio
import hashlib
import re
import time
import zlib
from base64 import b64encode
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from importlib.metadata import version
from typing import Protocol

import httpx2
import tenacity
from httpx2 import URL

from schema.errors import ModelMetaError
from seeds.catalogue import Catalogue
from seeds.feeds.addresses import Address, is_public, proxy_for, resolve_host

ATTEMPTS = 3
REDIRECTS = 5
CONNECT_TIMEOUT = 10.0
UNREACHABLE = (httpx2.ConnectError, httpx2.ConnectTimeout)
HEADERS = {
    "User-Agent": f"modelmeta/{version('modelmeta')}",
    "Accept": "application/json, */*;q=0.5",
    "Accept-Encoding": "gzip",
}


class FeedError(ModelMetaError):
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

    def bundled(self) -> bytes | None:
        """The content that is part of the program, if there is one."""
        ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """An upstream's answer."""

    content: bytes | None
    """The decompressed body; None when the upstream says that nothing has changed."""
    etag: str | None
    last_modified: str | None
    fingerprint: str | None
    """SHA-256 of the content."""


tls_context = cache(httpx2.create_ssl_context)


@dataclass(frozen=True, slots=True)
class Network:
    """How a fetch reaches its upstream. Tests replace parts of it."""

    # A transport, not a client: a client keeps cookies, and logs each URL with its query.
    open_transport: Callable[[str | None], httpx2.AsyncBaseTransport] = lambda proxy: httpx2.AsyncHTTPTransport(
        verify=tls_context(), proxy=proxy
    )
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


async def _attempt(source: URL, headers: dict[str, str], limit: int, network: Network) -> Fetched:
    url = source
    for _ in range(REDIRECTS + 1):
        try:
            async with _respond(url, source, headers, network) as response:
                if not response.has_redirect_location:
                    return await _read(response, url, headers, limit)
                url = _redirect_target(response, url)
        except httpx2.TransportError as error:
            problem = "can't be reached" if isinstance(error, UNREACHABLE) else "did not answer in full"
            raise TemporaryFeedError(f"{_shown(url)} {problem}: {_quoted(error)}.") from error
    raise FeedError(f"{_shown(source)} redirects more than {REDIRECTS} times, most recently to {_shown(url)}.")


@asynccontextmanager
async def _respond(url: URL, source: URL, headers: dict[str, str], network: Network) -> AsyncGenerator[httpx2.Response]:
    """The response of one URL. A URL of another origin gets no credentials, and is connected to as checked."""
    proxy, targets = proxy_for(url), [url]
    headers = HEADERS | headers | {"Host": url.netloc.decode("ascii")}
    if (url.scheme, url.host, url.port) != (source.scheme, source.host, source.port):
        targets = await _pin(url, source, proxy, network)
        headers.pop("Authorization", None)
    timeout = httpx2.Timeout(CONNECT_TIMEOUT, read=network.read_timeout).as_dict()
    # Where the target is an address, the certificate must still be that of the name.
    extensions = {"timeout": timeout, "sni_hostname": url.raw_host.decode("ascii")}
    async with network.open_transport(proxy) as transport:
        for number, target in enumerate(targets, 1):
            request = httpx2.Request("GET", target, headers=headers, extensions=extensions)
            try:
                response = await transport.handle_async_request(request)
            except UNREACHABLE:
                if number == len(targets):
                    raise
                continue
            async with aclosing(response):
                yield response
                return


async def _pin(url: URL, source: URL, proxy: str | None, network: Network) -> list[URL]:
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


def _redirect_target(response: httpx2.Response, url: URL) -> URL:
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


async def _read(response: httpx2.Response, url: URL, asked: dict[str, str], limit: int) -> Fetched:
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


async def _read_content(response: httpx2.Response, url: URL, limit: int) -> bytes:
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


def _parse_feed_url(text: str) -> tuple[URL, dict[str, str]]:
    """The URL, and the credentials in it as a header."""
    advice = "Use one that starts with https:// or http://."
    try:
        url = URL(text)
    except (httpx2.InvalidURL, ValueError) as error:
        raise FeedError(f"The feed's address is not a valid URL. {advice}") from error
    if not _is_usable(url):
        raise FeedError(f"{_shown(url)} is not a valid feed address. {advice}")
    credentials = b64encode(f"{url.username}:{url.password}".encode()).decode()
    return url.copy_with(userinfo=b""), {"Authorization": f"Basic {credentials}"} if url.userinfo else {}


def _is_usable(url: URL) -> bool:
    return url.scheme in ("http", "https") and bool(url.host) and (url.port is None or 0 < url.port < 65_536)


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


def _shown(url: URL) -> str:
    """A URL as it may be shown: without credentials and query, in at most one line."""
    path = url.raw_path.partition(b"?")[0].decode("ascii", "replace")
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}{path}"[:200]


def _quoted(error: Exception) -> str:
    """The beginning of an error's own words, escaped: they may quote the upstream."""
    return repr(str(error)[:150] or type(error).__name__)[1:-1][:170].rstrip(". ")
