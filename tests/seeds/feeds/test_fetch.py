"""The promise: a fetch ends in time, fits in memory, connects only where it may, and says in one line what went wrong."""

import asyncio
import gzip
import hashlib
import re
import ssl
import time
import tracemalloc
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import httpx2
import pytest
import pytest_asyncio
import trustme
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seeds.feeds import FEEDS
from seeds.feeds.addresses import Address, is_public, resolve_host
from seeds.feeds.fetch import FeedError, Fetched, Network, fetch
from tests.support.faulty_upstream import BOMB_SIZE, CONTENT, ETAG, LAST_MODIFIED, Upstream, faulty, raw

LIMIT = 1 << 20


QUICK = Network(pause=0.001)


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def upstream() -> AsyncIterator[Upstream]:
    async with faulty() as running:
        yield running


async def get(
    upstream: Upstream, path: str, *, deadline: float = 20, limit: int = LIMIT, network: Network = QUICK, **more: Any
) -> Fetched:
    return await fetch(upstream.base + path, limit=limit, deadline=deadline, network=network, **more)


async def loopback(_: str) -> list[Address]:
    return [ip_address("127.0.0.1")]


def anywhere(_: Address) -> bool:
    return True


LOOPBACK_AS_PUBLIC = replace(QUICK, resolve_host=loopback, is_public=anywhere)
"""Every host resolves to the faulty upstream, and counts as public."""


async def refused(upstream: Upstream, path: str, **more: Any) -> str:
    """The message of a fetch that must fail: one printable line that starts with the URL. Returned without the origin."""
    with pytest.raises(FeedError) as caught:
        await get(upstream, path, **more)
    message = str(caught.value)
    assert message.startswith(upstream.base), message
    assert message.isprintable(), message
    assert len(message) < 500, message
    return message.removeprefix(upstream.base)


async def test_a_fetch_returns_the_content_its_validators_and_a_fingerprint(upstream: Upstream) -> None:
    found = await get(upstream, "/good")
    assert found == Fetched(CONTENT, ETAG, LAST_MODIFIED, hashlib.sha256(CONTENT).hexdigest())


async def test_gzip_is_requested_and_decompressed(upstream: Upstream) -> None:
    found = await get(upstream, "/gzip")
    assert (found.content, found.fingerprint) == (CONTENT, hashlib.sha256(CONTENT).hexdigest())
    assert upstream.asked[-1].headers["accept-encoding"] == "gzip"


async def test_a_request_names_its_user_agent_and_carries_no_cookies_and_no_credentials(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    await get(upstream, "/cookie")
    await get(upstream, "/cookie")
    headers = upstream.asked[-1].headers
    assert headers["user-agent"].startswith("modelmeta/")
    assert not headers.keys() & {"cookie", "authorization", "referer"}


async def test_credentials_in_the_operators_own_url_are_sent_there_and_never_shown(
    upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    base = upstream.base.replace("http://", "http://me:hunter%32@")
    await fetch(base + "/hops?left=1&key=sesame", limit=LIMIT, deadline=20, network=QUICK)
    expected = f"Basic {b64encode(b'me:hunter2').decode()}"
    assert [request.headers["authorization"] for request in upstream.asked[-2:]] == [expected] * 2
    other = f"http://feeds.invalid:{upstream.base.rpartition(':')[2]}/good"
    await fetch(f"{base}/redirect?to={other}", limit=LIMIT, deadline=20, network=LOOPBACK_AS_PUBLIC)
    assert "authorization" not in upstream.asked[-1].headers
    assert not {"hunter2", "hunter%32", "sesame"} & set(re.findall(r"[\w%]+", caplog.text))
    with pytest.raises(FeedError) as caught:
        await fetch(base + "/missing?key=sesame", limit=LIMIT, deadline=20, network=QUICK)
    assert str(caught.value) == f"{upstream.base}/missing answered 404 Not Found. Expected 200 OK."


async def test_unchanged_content_is_not_sent_again(upstream: Upstream) -> None:
    assert (await get(upstream, "/conditional")).content == CONTENT
    assert await get(upstream, "/conditional", etag=ETAG) == Fetched(None, ETAG, None, None)
    dated = await get(upstream, "/conditional", last_modified=LAST_MODIFIED)
    assert dated == Fetched(None, ETAG, LAST_MODIFIED, None)
    assert (await get(upstream, "/conditional", etag='"other"')).content == CONTENT


async def test_not_modified_in_answer_to_an_unconditional_request_is_an_error(upstream: Upstream) -> None:
    assert await refused(upstream, "/unasked-304") == "/unasked-304 answered 304 Not Modified. Expected 200 OK."


async def test_validators_that_cannot_be_sent_back_are_dropped(upstream: Upstream) -> None:
    found = await get(upstream, "/long-etag")
    assert (found.etag, found.last_modified) == (None, None)
    assert (await get(upstream, "/good", etag="line\r\nHost: other", last_modified="ü")).content == CONTENT
    assert not upstream.asked[-1].headers.keys() & {"if-none-match", "if-modified-since"}


WEB_PAGE = "answered with a web page instead of JSON. Is a login page or proxy in the way?"
TOO_LARGE = "sends more than the 1,048,576 bytes allowed for a feed (MODELMETA_MAX_FEED_BYTES)."
BROKE = "did not answer in full: peer closed connection without sending complete message body"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/missing", "answered 404 Not Found. Expected 200 OK."),
        ("/odd-status", "answered 299. Expected 200 OK."),
        ("/always-500", "answered 500 Internal Server Error. Expected 200 OK."),
        ("/html", WEB_PAGE),
        ("/html-as-json", WEB_PAGE),
        ("/huge", TOO_LARGE),
        ("/endless", TOO_LARGE),
        ("/endless-empty-gzip", TOO_LARGE),
        ("/bomb", TOO_LARGE),
        ("/truncated", f"{BROKE} (received {len(CONTENT)} bytes, expected 1000)."),
        ("/reset-midway", "did not answer in full: ReadError."),
        ("/two-lengths", "did not answer in full: conflicting Content-Length headers."),
        ("/brotli", "uses an unsupported content encoding. Only gzip is supported."),
        ("/broken-gzip", f"sends invalid gzip in its first {len(CONTENT)} bytes."),
        ("/cut-gzip", "sends gzip that ends early, after 48 bytes."),
        ("/more-than-gzip", "sends extra bytes after the end of its gzip."),
        ("/reset", "did not answer in full: ReadError."),
        ("/silent-end", "did not answer in full: Server disconnected without sending a response."),
        (
            "/garbage",
            "did not answer in full: illegal status line: bytearray(b'SSH-2.0-OpenSSH_9.9').",
        ),
        ("/endless-headers", "did not answer in full: Receive buffer too long."),
        ("/nowhere", "answered 302 Found. Expected 200 OK."),
    ],
)
async def test_each_fault_has_its_own_message(upstream: Upstream, path: str, message: str) -> None:
    assert await refused(upstream, path) == f"{path} {message}"


@pytest.mark.parametrize("path", ["/silent", "/drip", "/dripping-headers", "/endless-chunks", "/endless-hints"])
async def test_the_deadline_ends_an_endless_answer(upstream: Upstream, path: str) -> None:
    before = len(upstream.paths())
    message = await refused(upstream, path, deadline=0.3, limit=1 << 40)
    assert message == f"{path} did not finish answering within 0.3 s (MODELMETA_FETCH_TIMEOUT)."
    assert len(upstream.paths()) == before + 1


async def test_silence_ends_an_attempt_but_not_the_fetch(upstream: Upstream) -> None:
    before = len(upstream.paths())
    network = replace(QUICK, read_timeout=0.05)
    assert await refused(upstream, "/silent", network=network) == "/silent did not answer in full: ReadTimeout."
    assert upstream.paths()[before:] == ["/silent"] * 3


@pytest.mark.parametrize("path", ["/open-ended", "/interim", "/good", "/gzip"])
async def test_every_valid_way_to_send_content_is_read(upstream: Upstream, path: str) -> None:
    assert (await get(upstream, path)).content == CONTENT


async def test_bytes_past_the_announced_length_are_ignored(upstream: Upstream) -> None:
    """What is left of a JSON document then is not valid JSON, so the feed is refused when it is parsed."""
    found = await get(upstream, "/understated")
    assert found.content == CONTENT[:10]
    with pytest.raises(FeedError, match="JSON"):
        FEEDS[1].parse(CONTENT[:10])


async def test_content_as_large_as_the_limit_is_accepted_and_one_byte_more_is_not(upstream: Upstream) -> None:
    for path in ("/good", "/gzip", "/open-ended"):
        assert (await get(upstream, path, limit=len(CONTENT))).content == CONTENT
        assert "sends more than the" in await refused(upstream, path, limit=len(CONTENT) - 1)


async def test_a_bomb_of_a_gigabyte_needs_no_more_memory_than_the_limit(upstream: Upstream) -> None:
    assert BOMB_SIZE == 1_073_741_824
    await refused(upstream, "/bomb")
    tracemalloc.start()
    try:
        await refused(upstream, "/bomb")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * LIMIT, peak


async def test_an_endless_answer_needs_no_more_memory_than_the_limit(upstream: Upstream) -> None:
    tracemalloc.start()
    try:
        await refused(upstream, "/endless")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * LIMIT, peak


@pytest.mark.parametrize(("path", "visits"), [("/500-then-good", 3), ("/reset-then-good", 2), ("/busy-then-good", 2)])
async def test_temporary_failures_are_retried(path: str, visits: int) -> None:
    async with faulty() as fresh:
        assert (await get(fresh, path)).content == CONTENT
        assert fresh.paths() == [path] * visits


@pytest.mark.parametrize("path", ["/always-500", "/truncated", "/reset", "/garbage"])
async def test_there_are_three_attempts(path: str) -> None:
    async with faulty() as fresh:
        await refused(fresh, path)
        assert fresh.paths() == [path] * 3


@pytest.mark.parametrize("path", ["/missing", "/html", "/huge", "/bomb", "/brotli"])
async def test_permanent_failures_are_not_retried(path: str) -> None:
    async with faulty() as fresh:
        await refused(fresh, path)
        assert fresh.paths() == [path]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/busy-for-long", "answered 429 Too Many Requests and asks to wait 3600 s. Expected 200 OK."),
        ("/busy-until", "answered 503 Service Unavailable and asks to wait "),
    ],
)
async def test_an_upstream_that_asks_to_wait_past_the_deadline_is_not_asked_again(path: str, words: str) -> None:
    async with faulty() as fresh:
        assert (await refused(fresh, path)).startswith(f"{path} {words}")
        assert fresh.paths() == [path]


async def test_a_retry_waits_as_long_as_the_upstream_asks() -> None:
    async with faulty() as fresh:
        started = time.monotonic()
        await get(fresh, "/busy-then-good")
        assert time.monotonic() - started >= 1


async def test_a_closed_port_is_reported(upstream: Upstream) -> None:
    async with faulty() as gone:
        pass
    assert (await refused(gone, "/good")).startswith("/good can't be reached: ")


async def test_an_unknown_host_is_reported() -> None:
    with pytest.raises(FeedError, match=r"^http://feeds\.invalid/a can't be reached: "):
        await fetch("http://feeds.invalid/a", limit=LIMIT, deadline=20, network=QUICK)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "feeds.example/a",
        "ftp://127.0.0.1/a",
        "http://",
        "http://[::1",
        "http://127.0.0.1:99999",
        "file:///etc/hosts",
    ],
)
async def test_an_invalid_address_is_an_error_before_anything_is_sent(url: str) -> None:
    with pytest.raises(FeedError, match=r"Use one that starts with https:// or http://\.$"):
        await fetch(url, limit=LIMIT, deadline=20, network=QUICK)


async def test_redirects_within_the_operators_own_origin_are_followed_five_times(upstream: Upstream) -> None:
    assert (await get(upstream, "/hops?left=5")).content == CONTENT
    assert await refused(upstream, "/hops?left=6") == (
        f"/hops redirects more than 5 times, most recently to {upstream.base}/hops."
    )
    assert (await refused(upstream, "/loop")).startswith("/loop redirects more than 5 times")


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.2/a",
        "http://10.0.0.1/a",
        "http://192.168.1.1/a",
        "http://172.16.0.1/a",
        "http://169.254.169.254/latest/meta-data",
        "http://100.64.0.1/a",
        "http://0.0.0.0/a",
        "http://224.0.0.1/a",
        "http://240.0.0.1/a",
        "http://255.255.255.255/a",
        "http://localhost/a",
        "http://2130706433/a",
        "http://0x7f.1/a",
        "http://127.1/a",
        "http://[::1]/a",
        "http://[::]/a",
        "http://[::ffff:127.0.0.1]/a",
        "http://[::ffff:10.0.0.1]/a",
        "http://[64:ff9b::10.0.0.1]/a",
        "http://[2002:7f00:1::]/a",
        "http://[fe80::1]/a",
        "http://[fd00::1]/a",
        "http://[ff02::1]/a",
    ],
)
async def test_no_redirect_leads_into_a_private_network(upstream: Upstream, target: str) -> None:
    message = await refused(upstream, f"/redirect?to={target}")
    assert "which is not on the public internet" in message
    assert message.endswith("If this is intended, use that address as the feed's URL.")


async def test_the_operators_own_host_at_another_port_is_another_origin(upstream: Upstream) -> None:
    async with faulty() as other:
        assert "not on the public internet" in await refused(upstream, f"/redirect?to={other.base}/good")
        assert other.asked == []


@pytest.mark.parametrize("status", ["301", "302", "303", "307", "308"])
@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("ftp://feeds.example/a", "redirects to ftp://feeds.example/a, which is not an https:// or http:// address."),
        ("javascript:alert(1)", "which is not an https:// or http:// address."),
        ("http://me:hunter2@feeds.example/a?key=1", "redirects to http://feeds.example/a with credentials."),
        ("http://[::1", "redirects to an address that is not a valid URL."),
        ("http://feeds.example:99999/a", "which is not an https:// or http:// address."),
        ("http://0177.0.0.1/a", "redirects to an address that is not a valid URL."),
    ],
)
async def test_no_redirect_changes_the_protocol_or_the_credentials(
    upstream: Upstream, status: str, target: str, words: str
) -> None:
    message = await refused(upstream, f"/redirect?status={status}&to={target.replace('&', '%26')}")
    assert message.endswith(words)
    assert "hunter2" not in message


async def test_a_redirect_to_an_unknown_host_is_reported(upstream: Upstream) -> None:
    message = await refused(upstream, "/redirect?to=http://feeds.invalid/a")
    assert message == "/redirect redirects to http://feeds.invalid/a, an unknown host."


PUBLIC = ["93.184.216.34", "1.1.1.1", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
PRIVATE = [
    "192.0.2.1",
    "198.18.0.1",
    "203.0.113.9",
    "2001:db8::1",
    "2001::1",
    "fec0::1",
    "::7f00:1",
    "100::1",
    "fe80::1%1",
]


@pytest.mark.parametrize("text", PUBLIC)
def test_addresses_on_the_public_internet_are_recognized(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize("text", PRIVATE)
def test_reserved_addresses_and_tunnels_are_recognized(text: str) -> None:
    assert not is_public(ip_address(text))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_embedded_in_ipv6_is_as_public_as_by_itself(address: Address) -> None:
    for prefix in ("::ffff:", "64:ff9b::"):
        assert is_public(ip_address(f"{prefix}{address}")) is is_public(address)


async def test_a_redirect_connects_to_the_address_that_was_checked(upstream: Upstream) -> None:
    """A later DNS answer changes nothing: the name is resolved only once."""
    asked: list[str] = []

    async def resolve(host: str) -> list[Address]:
        asked.append(host)
        # Nothing listens at the first address.
        return [ip_address("127.0.0.2"), ip_address("127.0.0.1")]

    network = replace(LOOPBACK_AS_PUBLIC, resolve_host=resolve)
    port = upstream.base.rpartition(":")[2]
    # No resolver knows this name: resolving it again would fail.
    path = f"/redirect?to=http://feeds.invalid:{port}/good"
    assert (await get(upstream, path, network=network)).content == CONTENT
    assert asked == ["feeds.invalid"]
    assert upstream.asked[-1].headers["host"] == f"feeds.invalid:{port}"


async def test_every_address_of_a_name_has_to_be_public(upstream: Upstream) -> None:
    async def resolve(_: str) -> list[Address]:
        return [ip_address("93.184.216.34"), ip_address("10.0.0.1")]

    network = replace(QUICK, resolve_host=resolve)
    message = await refused(upstream, "/redirect?to=http://two.example/a", network=network)
    assert "not on the public internet (10.0.0.1)" in message


async def test_a_host_resolves_to_its_addresses_in_any_spelling() -> None:
    for host in ("127.0.0.1", "2130706433", "0x7f.1"):
        assert await resolve_host(host) == [ip_address("127.0.0.1")]


async def test_the_proxy_from_the_environment_is_used(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", upstream.base)
    found = await fetch("http://feeds.invalid/good", limit=LIMIT, deadline=20, network=QUICK)
    assert found.content == CONTENT
    assert upstream.asked[-1].target == "http://feeds.invalid/good"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert (await get(upstream, "/good")).content == CONTENT
    assert upstream.asked[-1].target == "/good"


async def test_a_proxy_does_not_open_its_private_network_to_redirects(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", upstream.base)
    with pytest.raises(FeedError, match="not on the public internet"):
        await fetch(
            "http://feeds.invalid/redirect?to=http://169.254.169.254/a", limit=LIMIT, deadline=20, network=QUICK
        )


async def test_an_unusable_proxy_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "gopher://127.0.0.1:70")
    with pytest.raises(FeedError, match=r"^http://feeds\.invalid/a can't be fetched: "):
        await fetch("http://feeds.invalid/a", limit=LIMIT, deadline=20, network=QUICK)


class Authority:
    """A certificate authority for these tests."""

    def __init__(self) -> None:
        self._made: Any = trustme.CA()

    def server(self, *names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._made.issue_cert(*names).configure_cert(context)
        return context

    def client(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._made.configure_trust(context)
        return context


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def trusting(authority: Authority, network: Network) -> Network:
    context = authority.client()

    def open_transport(proxy: str | None) -> httpx2.AsyncBaseTransport:
        return httpx2.AsyncHTTPTransport(verify=context, proxy=proxy)

    return replace(network, open_transport=open_transport)


async def test_https_works_and_is_never_downgraded(authority: Authority) -> None:
    network = trusting(authority, QUICK)
    async with faulty(tls=authority.server("127.0.0.1")) as secure:
        assert (await get(secure, "/good", network=network)).content == CONTENT
        path = f"/redirect?to={secure.base.replace('https', 'http')}/good"
        assert "redirects from https to http://127.0.0.1:" in await refused(secure, path, network=network)


async def test_a_redirect_to_a_checked_address_still_verifies_the_certificate_of_the_name(authority: Authority) -> None:
    network = trusting(authority, LOOPBACK_AS_PUBLIC)
    async with faulty(tls=authority.server("127.0.0.1", "feeds.invalid")) as secure:
        port = secure.base.rpartition(":")[2]
        path = f"/redirect?to=https://feeds.invalid:{port}/good"
        assert (await get(secure, path, network=network)).content == CONTENT
        with pytest.raises(FeedError, match=r"^https://other\.invalid:\d+/good can't be reached: .*CERTIFICATE"):
            await get(secure, f"/redirect?to=https://other.invalid:{port}/good", network=network)


async def test_an_untrusted_certificate_is_refused(authority: Authority) -> None:
    async with faulty(tls=authority.server("127.0.0.1")) as secure:
        assert "CERTIFICATE_VERIFY_FAILED" in await refused(secure, "/good")
        assert secure.asked == []


async def test_any_transport_can_be_used() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield gzip.compress(CONTENT)

    def handler(request: httpx2.Request) -> httpx2.Response:
        assert request.headers["if-none-match"] == '"a"'
        if request.url.host == "feeds.example":
            return httpx2.Response(301, headers={"location": "https://1.1.1.1/b"})
        return httpx2.Response(200, content=body(), headers={"content-encoding": "gzip"})

    def open_transport(_: str | None) -> httpx2.AsyncBaseTransport:
        return httpx2.MockTransport(handler)

    network = replace(QUICK, open_transport=open_transport)
    found = await fetch("https://feeds.example/a", etag='"a"', limit=LIMIT, deadline=20, network=network)
    assert found.content == CONTENT
    with pytest.raises(FeedError, match="sends more than the 10 bytes"):
        await fetch("https://feeds.example/a", etag='"a"', limit=10, deadline=20, network=network)


HEADS = st.lists(
    st.sampled_from(
        [
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.0 200\r\n",
            b"HTTP/1.1 304 Not Modified\r\n",
            b"Content-Length: 5\r\n",
            b"Content-Length: -1\r\n",
            b"Content-Encoding: gzip\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Location: //127.0.0.1:1/\r\n",
            b"Retry-After: x\r\n",
            b"ETag: \xff\r\n",
            b"\r\n",
            b"5\r\nhello\r\n0\r\n\r\n",
            b"FFFFFFFFFFFFFFFF\r\n",
            b"\x00",
        ]
    )
    | st.binary(max_size=20),
    max_size=8,
).map(b"".join)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=HEADS)
async def test_any_bytes_give_an_answer_or_a_feed_error(data: bytes) -> None:
    async with faulty(more={"/any": raw(data)}) as odd:
        try:
            found = await get(odd, "/any", etag='"a"', deadline=5)
        except FeedError as error:
            assert str(error).isprintable()
            assert len(str(error)) < 500
        else:
            assert found.content is None or isinstance(found.content, bytes)


async def test_a_cancelled_or_timed_out_fetch_leaves_no_connection_open() -> None:
    async with faulty() as fresh, asyncio.timeout(20):
        task = asyncio.create_task(get(fresh, "/drip"))
        while not fresh.asked:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await refused(fresh, "/dripping-headers", deadline=0.1)
        while fresh.connections:
            await asyncio.sleep(0.01)


async def test_feeds_are_fetched_concurrently(upstream: Upstream) -> None:
    paths = ["/good", "/gzip", "/silent", "/bomb", "/drip", "/missing"]
    answers = await asyncio.gather(*(get(upstream, path, deadline=0.5) for path in paths), return_exceptions=True)
    assert [isinstance(answer, Fetched) for answer in answers] == [True, True, False, False, False, False]


def test_the_feeds_are_listed_in_order_of_trust_and_two_are_bundled() -> None:
    assert [(feed.SLUG, feed.bundled() is not None) for feed in FEEDS] == [
        ("genai-prices", True),
        ("models-dev", True),
        ("openrouter", False),
    ]
