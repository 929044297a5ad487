"""An upstream's answer, read so that it can do no harm: whole or not at all, and never more than there is room for."""

import hashlib
import re
import zlib
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx2

from seeds.feeds.connection import BROKEN, NOT_CONNECTED, TIMED_OUT, Line

READ_TIMEOUT = 20.0
"""Seconds an upstream may be silent."""


class FeedError(Exception):
    """Why a feed could not be had or read: one line for an operator, without credentials, queries or foreign bytes."""


class PassingError(FeedError):
    """A failure that may be over at the next attempt."""

    def __init__(self, message: str, retry_after: float = 0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Fetched:
    """An upstream's answer."""

    content: bytes | None
    """The body, unpacked; None when nothing has changed since the state that was named."""
    etag: str | None
    last_modified: str | None
    fingerprint: str | None
    """SHA-256 of the content."""


def shown(url: httpx2.URL) -> str:
    """A URL as operators may see it: without credentials and query, and no longer than a line."""
    path = url.raw_path.partition(b"?")[0].decode("ascii", "replace")
    text = f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}{path}"
    return text if len(text) <= 200 else f"{text[:200]}…"


def validator(value: str | None) -> str | None:
    """An ETag or a date that can be sent back, or None."""
    return value if value and re.fullmatch(r"[\x20-\x7e]{1,500}", value) else None


async def read(response: httpx2.Response, here: httpx2.URL, conditions: dict[str, str], limit: int) -> Fetched:
    """What an answer that is no redirect holds. Raises FeedError unless that is content, or that nothing changed."""
    headers, code = response.headers, response.status_code
    etag, last_modified = validator(headers.get("etag")), validator(headers.get("last-modified"))
    if code == HTTPStatus.NOT_MODIFIED and conditions:
        etag = etag or conditions.get("If-None-Match")
        return Fetched(None, etag, last_modified or conditions.get("If-Modified-Since"), None)
    if code == HTTPStatus.TOO_MANY_REQUESTS or code >= 500:
        seconds = _retry_after(headers.get("retry-after"))
        again = f" and asks to wait {seconds:.0f} s" if seconds else ""
        raise PassingError(f"{shown(here)} answered {status(response)}{again}. Expected 200 OK.", seconds)
    if code != HTTPStatus.OK:
        raise FeedError(f"{shown(here)} answered {status(response)}. Expected 200 OK.")
    if re.match(r"\s*(text/html|application/xhtml)", headers.get("content-type", ""), re.IGNORECASE):
        raise FeedError(f"{shown(here)} answered with a web page. Expected JSON: is a log-in or a proxy in the way?")
    content = await _content(response, here, limit)
    if content[:100].removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        raise FeedError(f"{shown(here)} answered with a web page or XML. Expected JSON: is a proxy in the way?")
    return Fetched(content, etag, last_modified, hashlib.sha256(content).hexdigest())


async def _content(response: httpx2.Response, here: httpx2.URL, limit: int) -> bytes:
    """The body, unpacked, at no time more of it than the limit."""
    packed = response.headers.get("content-encoding", "").strip().lower()
    if packed not in ("", "identity", "gzip", "x-gzip"):
        raise FeedError(f"{shown(here)} packs its answer in a way nobody asked for. Expected gzip or nothing.")
    large = f"{shown(here)} sends more than the {limit:,} bytes a feed may have (MODELMETA_MAX_FEED_BYTES)."
    announced = _announced(response)
    if announced is not None and announced > limit:
        raise FeedError(large)
    if response.is_stream_consumed:
        # Made in one piece by another transport, which has unpacked it.
        if len(response.content) > limit:
            raise FeedError(large)
        return response.content
    unpacker = zlib.decompressobj(wbits=31) if packed.endswith("gzip") else None
    body, received = bytearray(), 0
    try:
        async with aclosing(response.aiter_raw()) as chunks:
            async for chunk in chunks:
                received += len(chunk)
                if unpacker is None:
                    body += chunk
                elif not unpacker.eof:
                    # One byte more than there is room for is enough to know; a bomb is never unpacked further.
                    body += unpacker.decompress(chunk, limit - len(body) + 1)
                    chunk = unpacker.unused_data
                if max(len(body), received) > limit:
                    raise FeedError(large)
                if unpacker and unpacker.eof and chunk:
                    raise FeedError(f"{shown(here)} sends bytes after the end of its gzip.")
    except zlib.error as error:
        raise FeedError(f"{shown(here)} sends broken gzip, within its first {received:,} bytes.") from error
    except BROKEN as error:
        if announced is not None and received < announced and not isinstance(error, TIMED_OUT):
            raise PassingError(f"{shown(here)} announced {announced:,} bytes and sent {received:,}.") from error
        raise failed(here, error) from error
    line = response.extensions.get("network_stream")
    if announced is not None and isinstance(line, Line) and line.after_headers > announced:
        raise FeedError(f"{shown(here)} announced {announced:,} bytes and sent more.")
    if unpacker and not unpacker.eof:
        raise PassingError(f"{shown(here)} sends gzip that ends early, after {received:,} bytes.")
    return bytes(body)


def _announced(response: httpx2.Response) -> int | None:
    """The Content-Length, where it is what ends the body."""
    text = response.headers.get("content-length", "")
    chunked = "transfer-encoding" in response.headers
    return int(text) if re.fullmatch(r"\d{1,20}", text, re.ASCII) and not chunked else None


def failed(here: httpx2.URL, error: Exception) -> PassingError:
    """A broken connection in our words."""
    if isinstance(error, NOT_CONNECTED):
        return PassingError(f"{shown(here)} can't be reached: {said(error)}.")
    if isinstance(error, TIMED_OUT):
        return PassingError(f"{shown(here)} was silent for {READ_TIMEOUT:g} s.")
    return PassingError(f"{shown(here)} broke off or sent no HTTP: {said(error)}.")


def said(error: Exception) -> str:
    """An error's own words, which may quote the upstream: escaped, and only their beginning."""
    text = repr(str(error)[:100])[1:-1] or type(error).__name__
    return text[:120].rstrip(". ")


def status(response: httpx2.Response) -> str:
    try:
        return f"{response.status_code} {HTTPStatus(response.status_code).phrase}"
    except ValueError:
        return str(response.status_code)


def _retry_after(text: str | None) -> float:
    """Seconds an upstream asks to be left alone for; 0 where it does not say."""
    if not text:
        return 0
    if re.fullmatch(r"\d{1,9}", text, re.ASCII):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
