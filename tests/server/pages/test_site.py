"""The promise: every page is complete without JavaScript, loads nothing from elsewhere, is cached well and links to its query."""

import asyncio
import json
import random
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.support.html import parse_page, raw_values
from tests.support.pages import HTML, PAGES, next_day, page_client, visible_text
from tests.support.registry import NOW, Ask, put, tiny
from tests.support.servers import Server, serving


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_complete_and_shows_no_raw_values(site: httpx.AsyncClient, path: str) -> None:
    page = await site.get(path)
    parsed = parse_page(page.text)
    assert page.status_code == 200
    assert raw_values(page.text) == []
    assert [name for name, _ in parsed.headings].count("h1") == 1
    assert parsed.attributes("html", "lang") == ["en"]
    (canonical,) = [
        attributes["href"] for tag, attributes in parsed.elements if tag == "link" and attributes["rel"] == "canonical"
    ]
    assert (await site.get(urljoin(str(page.url), canonical))).status_code == 200
    assert all(parsed.attributes("meta", "content"))


@pytest.mark.parametrize("path", [*PAGES, "/models/nobody/nothing", "/nothing", "/compare?models=a&models=b"])
async def test_pages_load_nothing_from_other_hosts_and_run_only_our_scripts(site: httpx.AsyncClient, path: str) -> None:
    page = await site.get(path)
    parts = [part.strip() for part in page.headers["content-security-policy"].split(";")]
    policy = {part.partition(" ")[0]: part.partition(" ")[2] for part in parts}
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["x-content-type-options"] == "nosniff"
    parsed = parse_page(page.text)
    for tag, attributes in parsed.elements:
        assert tag not in ("style", "iframe", "object", "embed", "base"), tag
        assert not [name for name in attributes if name.startswith("on") or name == "style"], attributes
        for address in [attributes[name] for name in ("src", "action", "formaction") if name in attributes]:
            assert not urlsplit(address).netloc, address
            assert not urlsplit(address).scheme, address
        if tag == "script":
            assert attributes["src"], "a script in the page itself"
        if tag == "link" and attributes["rel"] in ("stylesheet", "icon"):
            assert not urlsplit(attributes["href"]).netloc
        assert not attributes.get("href", "").lower().startswith(("javascript:", "data:")), attributes


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_links_to_its_query(site: httpx.AsyncClient, full: Ask, path: str) -> None:
    page = await site.get(path)
    (link,) = {link for link in parse_page(page.text).links if "graphiql?" in link}
    address = urlsplit(urljoin(str(page.url), link))
    asked = parse_qs(address.query)
    assert address.path == "/graphiql"
    assert asked["query"][0].startswith("# ")
    data = await full(asked["query"][0], json.loads(asked.get("variables", ["{}"])[0]))
    assert data["registry"]["revision"]["number"] == 1
    assert (await site.get(f"/graphiql?{address.query}")).status_code == 200
    if path == "/models/openai/gpt-4.1-mini":
        assert data["model"]["name"] == "GPT-4.1 mini"


async def test_the_main_pages_have_no_dead_links(site: httpx.AsyncClient) -> None:
    links: set[str] = set()
    for path in [*PAGES, "/models/nobody/gpt"]:
        page = await site.get(path)
        links |= {urljoin(str(page.url), link) for link in parse_page(page.text).links if not link.startswith("#")}
    ours = sorted(link for link in links if link.startswith("http://registry.test/") and "/graphiql" not in link)
    assert len(ours) > 200
    for link in random.Random(7).sample(ours, 120):
        found = await site.get(link, headers=HTML)
        assert found.status_code in (200, 302), link


async def test_all_urls_are_relative_so_that_a_proxy_prefix_works(site: httpx.AsyncClient) -> None:
    for path in PAGES:
        parsed = parse_page((await site.get(path)).text)
        addresses = [
            *parsed.links,
            *parsed.attributes("link", "href"),
            *parsed.attributes("script", "src"),
            *parsed.attributes("form", "action"),
        ]
        assert not [address for address in addresses if address.startswith("/")], path


@pytest.mark.parametrize("path", PAGES)
async def test_an_unchanged_page_is_answered_with_304(site: httpx.AsyncClient, path: str) -> None:
    page = await site.get(path)
    again = await site.get(path, headers={"if-none-match": page.headers["etag"]})
    other = await site.get(path, headers={"if-none-match": '"something else"'})
    assert page.headers["cache-control"] == "public, max-age=0, must-revalidate"
    assert "accept-encoding" in page.headers["vary"]
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", page.headers["etag"])
    assert "content-security-policy" in again.headers
    assert (other.status_code, other.text) == (200, page.text)


async def test_pages_change_as_soon_as_a_refresh_is_stored(engine: AsyncEngine, tmp_path: Path) -> None:
    await put(engine, tiny())
    path, url = "/models/openai/tiny-large", engine.url.render_as_string(hide_password=False)
    async with serving(url, tmp_path) as server, server.client(headers=HTML) as client:
        before = await client.get(path)
        assert (await client.get(path)).headers["etag"] == before.headers["etag"]
        await put(engine, next_day(), NOW + timedelta(days=1))
        async with asyncio.timeout(10):
            while (after := await client.get(path)).headers["etag"] == before.headers["etag"]:
                await asyncio.sleep(0.05)
    assert "Input price $2.50" in visible_text(before)
    assert "Input price $2.20" in visible_text(after)


@pytest.mark.parametrize("path", ["/", "/models/openai/tiny-large", "/nothing", "/providers/openai"])
async def test_head_returns_the_headers_of_get_without_a_body(server: Server, path: str) -> None:
    async with server.client(headers=HTML) as client:
        got, head = await client.get(path), await client.head(path)
    assert head.content == b""
    same = ("content-type", "etag", "cache-control", "content-security-policy", "content-length", "content-encoding")
    assert head.status_code == got.status_code
    assert {name: head.headers.get(name) for name in same} == {name: got.headers.get(name) for name in same}


async def test_pages_and_assets_are_compressed_as_the_client_accepts(server: Server) -> None:
    async with server.client() as client:
        style = parse_page((await client.get("/")).text).attributes("link", "href")[-1]
        for path in ("/", "/models/openai/tiny-large", style):
            plain = await client.get(path, headers={"accept-encoding": "identity"})
            assert "content-encoding" not in plain.headers
            for coding, accepted in (
                ("br", "gzip, br"),
                ("gzip", "gzip"),
                ("gzip", "br;q=0, gzip"),
                (None, "zstd;q=1"),
            ):
                packed = await client.get(path, headers={"accept-encoding": accepted})
                assert packed.headers.get("content-encoding") == coding
                assert packed.content == plain.content


async def test_assets_are_named_by_their_content_and_cached_for_good(site: httpx.AsyncClient) -> None:
    parsed = parse_page((await site.get("/models/openai/gpt-4.1-mini")).text)
    files = [
        *parsed.attributes("script", "src"),
        *[url for url in parsed.attributes("link", "href") if "static/" in url],
    ]
    assert len(files) == 4
    for file in files:
        address = urljoin("http://registry.test/models/openai/gpt-4.1-mini", file)
        found = await site.get(address)
        again = await site.get(address, headers={"if-none-match": found.headers["etag"]})
        assert found.status_code == 200
        assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert again.status_code == 304
    for wrong in ("/static/site.css", "/static/../app.py", "/static/%2e%2e/app.py", "/static/site-0000000000.css"):
        assert (await site.get(wrong)).status_code == 404


@pytest.mark.parametrize("path", ["/", "/providers", "/compare", "/models/openai/gpt-4.1-mini"])
async def test_other_methods_are_rejected(site: httpx.AsyncClient, path: str) -> None:
    refused = await site.post(path, data={"q": "x"})
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD") or refused.status_code == 405


async def test_a_model_page_with_its_assets_is_under_60_kilobytes(site: httpx.AsyncClient) -> None:
    for ref in ("openai/gpt-4.1-mini", "google/gemini-2.5-pro", "openai/gpt-oss-120b", "moonshotai/kimi-k2.5"):
        for coding in ("br", "gzip"):
            headers = {"accept-encoding": coding}
            async with site.stream("GET", f"/models/{ref}", headers=headers) as page:
                size = len(b"".join([chunk async for chunk in page.aiter_raw()]))
            parsed = parse_page((await site.get(f"/models/{ref}")).text)
            for file in [*parsed.attributes("script", "src"), *parsed.attributes("link", "href")]:
                if "static/" in file:
                    async with site.stream("GET", urljoin(f"/models/{ref}", file), headers=headers) as part:
                        size += len(b"".join([chunk async for chunk in part.aiter_raw()]))
            assert size < 60_000


async def test_an_operators_lower_limits_do_not_apply_to_pages(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    async with page_client(engine, max_cost=100, max_depth=3, max_tokens=100, max_aliases=1) as client:
        for path in ("/", "/models/openai/tiny-large", "/providers", "/providers/openai", "/changes", "/nothing"):
            assert (await client.get(path)).status_code == (404 if path == "/nothing" else 200), path
