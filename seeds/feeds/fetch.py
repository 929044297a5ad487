"""What a feed is, and how one is fetched: bounded in time and size, conditional, and never where it must not go."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol, runtime_checkable

import httpx2
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_exponential,
    wait_random,
)

from seeds.catalogue import Catalogue
from seeds.feeds import answer
from seeds.feeds.answer import FeedError, Fetched, PassingError, shown
from seeds.feeds.connection import BROKEN, Address, Upstream, port, proxy_for, public, resolve

ATTEMPTS = 3
PAUSE = 0.5
"""Seconds before the second attempt, about; twice as many before the third."""
REDIRECTS = 5
CONNECT_TIMEOUT = 10.0
"""Seconds a connection may take to stand."""


Send = Callable[[httpx2.Request], Awaitable[httpx2.Response]]


class Feed(Protocol):
    """A live source: a module that knows what its upstream writes, and nothing of HTTP or databases."""

    @property
    def SLUG(self) -> str: ...  # noqa: N802 - a module's constant

    def parse(self, content: bytes) -> Catalogue:
        """The catalogue in the upstream's answer. Raises FeedError when it is no such answer at all."""
        ...


@runtime_checkable
class BundledFeed(Feed, Protocol):
    """A feed with content that comes with the program."""

    def bundled(self) -> bytes: ...


async def fetch(
    url: str,
    *,
    etag: str | None = None,
    last_modified: str | None = None,
    limit: int,
    deadline: float,
    client: httpx2.AsyncClient | None = None,
) -> Fetched:
    """Fetches a feed, all attempts and redirects within `deadline` seconds, and `limit` bytes unpacked.

    The URL may lead anywhere: it is the operator's. A redirect may only lead to the public internet, and is followed
    to the very addresses that were checked; a client given instead of ours resolves names by itself.
    Raises FeedError.
    """
    source = _parsed(url)
    known = {"If-None-Match": answer.validator(etag), "If-Modified-Since": answer.validator(last_modified)}
    conditions = {name: value for name, value in known.items() if value}
    backoff = wait_exponential(multiplier=PAUSE) + wait_random(0, PAUSE)

    def pause(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return max(backoff(state), error.retry_after if isinstance(error, PassingError) else 0)

    attempts = AsyncRetrying(
        stop=stop_after_attempt(ATTEMPTS) | stop_before_delay(deadline),
        wait=pause,
        retry=retry_if_exception_type(PassingError),
        reraise=True,
    )
    try:
        async with asyncio.timeout(deadline), _sender(client) as send:
            return await attempts(_attempt, send, source, conditions, limit)
    except FeedError:
        raise
    except TimeoutError as error:
        raise FeedError(
            f"{shown(source)} gave no whole answer within {deadline:g} s (MODELMETA_FETCH_TIMEOUT)."
        ) from error
    except Exception as error:
        # A proxy that can't be used, a header that is no text, or what nobody thought of: one feed less, no more.
        raise FeedError(f"{shown(source)} can't be fetched: {answer.said(error)}.") from error


def _parsed(text: str) -> httpx2.URL:
    try:
        url = httpx2.URL(text)
    except (httpx2.InvalidURL, ValueError) as error:
        raise FeedError("The feed's address is no URL. Write one that begins with https:// or http://.") from error
    if not _usable(url):
        raise FeedError(f"{shown(url)} is no address a feed can have. Write one that begins with https:// or http://.")
    return url


def _usable(url: httpx2.URL) -> bool:
    return url.scheme in ("http", "https") and bool(url.host) and 0 < port(url) < 65_536


@asynccontextmanager
async def _sender(client: httpx2.AsyncClient | None) -> AsyncGenerator[Send]:
    if client is not None:
        yield partial(client.send, auth=None, follow_redirects=False, stream=True)
        return
    # No client around it: one keeps cookies, and logs each URL with the credentials and the query in it.
    async with Upstream() as ours:
        yield ours.handle_async_request


@cache
def _agent() -> str:
    try:
        return f"modelmeta/{version('modelmeta')}"
    except PackageNotFoundError:
        return "modelmeta/0"


async def _attempt(send: Send, source: httpx2.URL, conditions: dict[str, str], limit: int) -> Fetched:
    here = source
    headers = {
        "User-Agent": _agent(),
        "Accept": "application/json, */*;q=0.5",
        "Accept-Encoding": "gzip",
        "Connection": "close",
    }
    timeouts = httpx2.Timeout(CONNECT_TIMEOUT, read=answer.READ_TIMEOUT).as_dict()
    for _ in range(REDIRECTS + 1):
        at_home = _origin(here) == _origin(source)
        extensions = {"timeout": timeouts, "addresses": None if at_home else await _permitted(here, source)}
        own = _credentials(source) if at_home else {}
        request = httpx2.Request(
            "GET", here.copy_with(userinfo=b""), headers=headers | conditions | own, extensions=extensions
        )
        try:
            response = await send(request)
        except BROKEN as error:
            raise answer.failed(here, error) from error
        async with aclosing(response):
            if response.status_code not in (301, 302, 303, 307, 308):
                return await answer.read(response, here, conditions, limit)
            here = _target(response, here)
    raise FeedError(f"{shown(source)} redirects more than {REDIRECTS} times, at last to {shown(here)}.")


def _origin(url: httpx2.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, port(url)


def _credentials(url: httpx2.URL) -> dict[str, str]:
    pair = f"{url.username}:{url.password}".encode()
    return {"Authorization": f"Basic {b64encode(pair).decode('ascii')}"} if url.userinfo else {}


async def _permitted(here: httpx2.URL, source: httpx2.URL) -> list[Address] | None:
    """The addresses a redirect may connect to; None where a proxy connects. Raises FeedError where it may not."""
    proxy = proxy_for(here)
    try:
        found = await resolve(here.raw_host.decode("ascii"), port(here))
    except (OSError, ValueError) as error:
        if proxy:
            return None
        raise PassingError(f"{shown(source)} redirects to {shown(here)}, a host that can't be found.") from error
    for address in found:
        if not public(address):
            raise FeedError(
                f"{shown(source)} redirects to {shown(here)}, which is not on the public internet ({address}). "
                "If that is meant, give that address as the feed's."
            )
    return None if proxy else found


def _target(response: httpx2.Response, here: httpx2.URL) -> httpx2.URL:
    """Where an answer redirects to. Raises FeedError where that is nowhere to go."""
    where = f"{shown(here)} answered {answer.status(response)}"
    location = response.headers.get("location", "")
    if not location:
        raise FeedError(f"{where} without saying where to.")
    try:
        named = httpx2.URL(location)
        target = here.join(named)
    except (httpx2.InvalidURL, ValueError) as error:
        raise FeedError(f"{where} with an address that is no URL.") from error
    if not _usable(target):
        raise FeedError(f"{where} to {shown(target)}, which is no address of https:// or http://.")
    if named.userinfo:
        raise FeedError(f"{where} to an address with credentials, at {shown(target)}.")
    if here.scheme == "https" and target.scheme == "http":
        raise FeedError(f"{where} from https down to {shown(target)}.")
    return target


__all__ = ["BundledFeed", "Feed", "FeedError", "Fetched", "fetch"]
