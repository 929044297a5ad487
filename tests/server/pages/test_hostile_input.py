"""The promise: any input comes back as text, and too much of it is rejected."""

import html
import http.client
from urllib.parse import quote

import httpx
import pytest

from tests.support.html import parse_page, raw_values
from tests.support.pages import HTML
from tests.support.servers import LEAKS, Server

PAYLOADS = [
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    "</title><svg onload=alert(1)>",
    "{{7*7}}{% raise %}${7*7}",
    "javascript:alert(1)",
    "' OR 1=1 --",
    "\x00\x01\u202e\ud83d\ude00",
    "a" * 3_000,
    "%ED%A0%80",
    "../../etc/passwd",
]


PARAMETERS = [
    "kind",
    "model",
    "since",
    "q",
    "provider",
    "capability",
    "family",
    "status",
    "context",
    "price",
    "sort",
    "order",
    "sellers",
    "after",
    "before",
    "part",
    "models",
    "add",
    "only",
    "input",
    "cached",
    "output",
    "requests",
    "tier",
    "labs",
]


PAGES_WITH_PARAMETERS = (
    "/",
    "/models/openai/gpt-4.1",
    "/providers",
    "/providers/openai",
    "/families/gpt-4.1",
    "/compare",
    "/changes",
    "/changes.atom",
)
"""Pages with parameters. On PostgreSQL only two of them are tested: their parameters reach the most SQL."""


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_any_input_comes_back_as_text(site: httpx.AsyncClient, kind: str, payload: str) -> None:
    payload = payload.encode("utf-16", "surrogatepass").decode("utf-16")
    quoted = quote(payload)
    paths = [
        f"{path}?{name}={quoted}"
        for path in (PAGES_WITH_PARAMETERS if kind == "sqlite" else ("/", "/changes"))
        for name in PARAMETERS
    ]
    paths += [f"/models/{quoted}/{quoted}", f"/providers/{quoted}", f"/families/{quoted}", f"/{quoted}"]
    for path in paths:
        page = await site.get(path)
        assert page.status_code in (200, 302, 400, 404, 414), path
        if page.status_code == 302:
            continue
        if payload.startswith(("<", '"', "'")):
            assert payload not in page.text, path
        parsed = parse_page(page.text)
        assert not [attributes for tag, attributes in parsed.elements if tag == "script" and "src" not in attributes], (
            path
        )
        assert not [
            attributes for _, attributes in parsed.elements if any(name.startswith("on") for name in attributes)
        ], path
        assert "alert(1)" not in html.unescape(" ".join(parsed.links)) or "javascript:" not in "".join(
            link for link in parsed.links if link.startswith("javascript")
        )
        assert "$49" not in parsed.text
        assert "4949" not in parsed.text


@pytest.mark.parametrize(
    "path",
    [
        "/?q=" + "a" * 100_000,
        "/?" + "&".join(f"provider=p{number}" for number in range(5_000)),
        "/models/openai/" + "x" * 20_000,
        "/compare?models=" + "x/" * 20_000,
        "/?q=%ff%fe%00",
        "/?q=" + "%F0%9F%98%80" * 150,
        "/providers?q=%00",
        "/?after=" + "A" * 5_000,
    ],
)
def test_oversized_requests_get_an_error_page(server: Server, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.request("GET", path, headers=HTML)
        page = connection.getresponse()
        text = page.read().decode()
    finally:
        connection.close()
    assert page.status in (200, 400, 404, 414, 431), page.status
    if str(page.getheader("content-type")).startswith("text/html"):
        assert raw_values(text) == []
    assert not LEAKS.search(parse_page(text).text)
