"""The promise: every page is complete without JavaScript, states only what is known, and escapes all input."""

import asyncio
import html
import http.client
import json
import random
import re
from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urljoin, urlsplit
from xml.etree import ElementTree

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from schema.enums import Meter, ModelStatus, ParameterKind, ServiceTier
from seeds.catalogue import Catalogue, ModelClaims, ParameterClaim, RateClaim
from server import database
from server.app import create_app
from server.pages import formatting
from server.pages.price_chart import price_chart
from tests.support.html import parse_page, raw_values
from tests.support.registry import NOW, Ask, put, settings_for, tiny
from tests.support.servers import LEAKS, Server, serving, tiny_server

HTML = {"accept": "text/html,application/xhtml+xml"}
SAMPLE = {"sqlite": 300, "postgresql": 40}
"""How many models of the whole registry are checked."""
PAGES = [
    "/",
    "/?q=gpt&capability=vision&context=128k&sort=input-price",
    "/models/openai/gpt-4.1-mini",
    "/providers",
    "/providers/openai",
    "/families/gpt-4.1",
    "/compare",
    "/compare?models=openai/gpt-4.1-mini&models=openai/gpt-4.1",
    "/changes",
]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def site(full_engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    """The pages of the whole registry."""
    app = create_app(settings_for(full_engine.url.render_as_string(hide_password=False)), full_engine)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://registry.test", headers=HTML) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """The tiny registry, served."""
    async with tiny_server(tmp_path_factory.mktemp("pages")) as running:
        yield running


def visible_text(response: httpx.Response) -> str:
    assert response.headers["content-type"] == "text/html; charset=utf-8", response.text[:200]
    return parse_page(response.text).text


# Every page


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_complete_and_shows_no_raw_values(site: httpx.AsyncClient, path: str) -> None:
    page = await site.get(path)
    reader = parse_page(page.text)
    assert page.status_code == 200
    assert raw_values(page.text) == []
    assert [name for name, _ in reader.headings].count("h1") == 1
    assert reader.attributes("html", "lang") == ["en"]
    (canonical,) = [given["href"] for tag, given in reader.elements if tag == "link" and given["rel"] == "canonical"]
    assert (await site.get(urljoin(str(page.url), canonical))).status_code == 200
    assert all(reader.attributes("meta", "content"))


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
    reader = parse_page(page.text)
    for tag, given in reader.elements:
        assert tag not in ("style", "iframe", "object", "embed", "base"), tag
        assert not [name for name in given if name.startswith("on") or name == "style"], given
        for address in [given[name] for name in ("src", "action", "formaction") if name in given]:
            assert not urlsplit(address).netloc, address
            assert not urlsplit(address).scheme, address
        if tag == "script":
            assert given["src"], "a script in the page itself"
        if tag == "link" and given["rel"] in ("stylesheet", "icon"):
            assert not urlsplit(given["href"]).netloc
        assert not given.get("href", "").lower().startswith(("javascript:", "data:")), given


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
    reader = parse_page((await site.get("/models/openai/gpt-4.1-mini")).text)
    files = [
        *reader.attributes("script", "src"),
        *[url for url in reader.attributes("link", "href") if "static/" in url],
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
            reader = parse_page((await site.get(f"/models/{ref}")).text)
            for file in [*reader.attributes("script", "src"), *reader.attributes("link", "href")]:
                if "static/" in file:
                    async with site.stream("GET", urljoin(f"/models/{ref}", file), headers=headers) as part:
                        size += len(b"".join([chunk async for chunk in part.aiter_raw()]))
            assert size < 60_000


async def test_the_main_pages_have_no_dead_links(site: httpx.AsyncClient) -> None:
    links: set[str] = set()
    for path in [*PAGES, "/models/nobody/gpt"]:
        page = await site.get(path)
        links |= {urljoin(str(page.url), link) for link in parse_page(page.text).links if not link.startswith("#")}
    ours = sorted(link for link in links if link.startswith("http://registry.test/") and "/graphiql" not in link)
    assert len(ours) > 200
    for link in random.Random(7).sample(ours, 120):  # noqa: S311 - a sample, not a secret
        found = await site.get(link, headers=HTML)
        assert found.status_code in (200, 302), link


# The content of pages


async def test_a_model_page_shows_the_facts_that_matter(server: Server) -> None:
    async with server.client(headers=HTML) as client:
        text = visible_text(await client.get("/models/openai/tiny-large"))
    for expected in (
        "Tiny Large Active",
        "Context window 200,000 tokens",
        "Maximum output 32,768 tokens",
        "Input price $2.50 per 1M tokens",
        "Output price $10.00 per 1M tokens",
        "Input Text, image",
        "Output Text",
        "Knowledge cutoff June 2025",
        "Cached input",
        "$0.25",
        "Batch",
        "Long context",
        "No separate priority price is known.",
        "Temperature temperature",
        "Model id tiny-large",
        "Access type Closed",
    ):
        assert expected in text, expected


async def test_unknown_values_are_shown_as_unknown(server: Server) -> None:
    async with server.client(headers=HTML) as client:
        text = visible_text(await client.get("/models/azure/tiny-small"))
    for expected in (
        "Context window Unknown",
        "Maximum output Unknown",
        "Input price Unknown",
        "Input Unknown",
        "API Unknown",
        "Knowledge cutoff Unknown",
        "No per-token price is known, so the cost can’t be calculated.",
        "No parameter data.",
        "Deprecated",
    ):
        assert expected in text, expected
    assert "$0.00" not in text
    assert "Free" not in text


async def test_disputes_show_what_each_source_says(server: Server) -> None:
    async with server.client(headers=HTML) as client:
        text = visible_text(await client.get("/models/openai/tiny-large"))
    start = text.index("Fact Value used Other sources")
    assert re.search(
        r"Input price .+\$2\.50 per 1M tokens genai-prices \$2\.00 per 1M tokens models\.dev", text[start:]
    )
    assert re.search(
        r"Output price .+\$10\.00 per 1M tokens genai-prices \$9\.00 per 1M tokens models\.dev", text[start:]
    )


COSTS = [
    ("", "$12.50 for 1,000 requests $0.0125 per request."),
    ("?input=3000&output=500&requests=1", "$0.0125 for 1 request"),
    ("?input=3,000&cached=1000&output=500&requests=1000", "$10.25 for 1,000 requests"),
    (
        "?input=3000&output=500&requests=1000&tier=batch",
        "$6.25 for 1,000 requests $0.00625 per request at the batch tier.",
    ),
    ("?input=200000&output=0&requests=1", "$1.00 for 1 request"),
    ("?input=0&output=0&requests=5", "$0.00 for 5 requests"),
    (
        "?input=1000000000000&output=0&requests=1000000000000",
        "$5,000,000,000,000,000,000.00 for 1,000,000,000,000 requests",
    ),
    ("?input=ten", "Enter input tokens per request as a whole number (up to 1 trillion)."),
    ("?input=-5", "Enter input tokens per request as a whole number (up to 1 trillion)."),
    ("?input=10&cached=20", "Cached input tokens can’t exceed the input tokens per request."),
    ("?tier=flex&input=10", "No price is known for input or output, so the total can’t be calculated."),
]


@pytest.mark.parametrize(("query_string", "expected"), COSTS)
async def test_the_calculator_works_as_a_plain_form(server: Server, query_string: str, expected: str) -> None:
    async with server.client(headers=HTML) as client:
        page = await client.get(f"/models/openai/tiny-large{query_string}")
        separator = "&" if query_string else "?"
        part = await client.get(f"/models/openai/tiny-large{query_string}{separator}part=cost")
    assert expected in visible_text(page)
    assert expected in visible_text(part)
    assert raw_values(page.text) == []
    assert "<html" not in part.text


async def test_free_models_and_subscription_models_say_so(site: httpx.AsyncClient, full: Ask) -> None:
    query = "query($p: PricePublication!) { models(filter: {pricePublication: [$p]}, first: 3) { nodes { ref } } }"
    for publication, expected in (("FREE", "Free"), ("INCLUDED", "Included in subscription")):
        for node in (await full(query, {"p": publication}))["models"]["nodes"]:
            text = visible_text(await site.get(f"/models/{quote(node['ref'])}"))
            assert f"Input price {expected}" in text, node
            assert f"Output price {expected}" in text, node


async def test_a_changed_price_has_a_chart_and_a_table(site: httpx.AsyncClient) -> None:
    page = await site.get("/models/openrouter/deepseek/deepseek-v4-flash")
    reader = parse_page(page.text)
    assert [given["role"] for tag, given in reader.elements if tag == "svg"] == ["img"]
    assert len([given for tag, given in reader.elements if tag == "path" and "line" in given.get("class", "")]) == 2
    assert "Price history Meter From To USD per 1M tokens" in reader.text
    unchanged = visible_text(await site.get("/models/openai/gpt-4.1-mini"))
    assert "Price history No price changes recorded." in unchanged


def test_the_chart_draws_each_rate_for_its_period() -> None:
    def rate(meter: str, amount: str | None, start: str | None, end: str | None) -> dict[str, Any]:
        return {
            "meter": meter,
            "amount": amount,
            "minContextTokens": 0,
            "dailyWindow": None,
            "effectiveFrom": start,
            "effectiveTo": end,
        }

    today = date(2026, 11, 1)
    history = [
        rate("INPUT", "2", None, "2026-10-01"),
        rate("INPUT", "1", "2026-10-01", None),
        rate("OUTPUT", "4", None, None),
    ]
    chart = price_chart(history, today)
    assert chart is not None
    assert [tick.text for tick in chart.amount_ticks] == ["0", "2", "4"]
    assert [line.meter for line in chart.lines] == ["INPUT", "OUTPUT"]
    assert re.fullmatch(r"M64(\.0)? [\d.]+H[\d.]+V[\d.]+H628(\.0)?", chart.lines[0].path)
    assert price_chart(history[2:], today) is None
    assert price_chart([], today) is None
    assert price_chart([rate("INPUT", None, None, None)], today) is None


# Every model, every provider


async def test_no_model_page_shows_raw_values(site: httpx.AsyncClient, full: Ask, kind: str) -> None:
    refs: list[str] = []
    after = None
    while True:
        query = "query($after: String) { models(first: 100, after: $after) { nodes { ref } pageInfo { hasNextPage endCursor } } }"
        page = (await full(query, {"after": after}))["models"]
        refs += [node["ref"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert len(refs) > 5_000
    sample = random.Random(20261123).sample(refs, SAMPLE[kind])  # noqa: S311 - a sample, not a secret
    for ref in sample:
        answer = await site.get(f"/models/{quote(ref, safe='/:@')}")
        assert answer.status_code == 200, ref
        assert raw_values(answer.text, allowed=[ref]) == [], ref


async def test_no_provider_page_shows_raw_values(site: httpx.AsyncClient, full: Ask) -> None:
    query = "{ a: providers(first: 100) { nodes { slug } pageInfo { endCursor } totalCount } }"
    first = (await full(query))["a"]
    cursor = first["pageInfo"]["endCursor"]
    rest = await full("query($c: String) { providers(first: 100, after: $c) { nodes { slug } } }", {"c": cursor})
    slugs = [node["slug"] for node in [*first["nodes"], *rest["providers"]["nodes"]]]
    assert len(slugs) == first["totalCount"] > 150
    for slug in slugs:
        answer = await site.get(f"/providers/{quote(slug)}")
        assert answer.status_code == 200, slug
        assert raw_values(answer.text) == [], slug


async def test_every_family_has_a_page(site: httpx.AsyncClient, full: Ask) -> None:
    query = "query($after: String) { families(first: 100, after: $after) { nodes { slug } pageInfo { hasNextPage endCursor } } }"
    slugs: list[str] = []
    after: str | None = None
    while True:
        page = (await full(query, {"after": after}))["families"]
        slugs += [node["slug"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert len(slugs) > 200
    for slug in slugs:
        answer = await site.get(f"/families/{quote(slug)}")
        assert answer.status_code == 200, slug
        assert raw_values(answer.text) == [], slug


ODD = [
    "cloudflare-ai-gateway/workers-ai/@cf/deepseek-ai/deepseek-r1-distill-qwen-32b",
    "openrouter/cognitivecomputations/dolphin-mistral-24b-venice-edition:free",
    "kilo/~anthropic/claude-haiku-latest",
    "nano-gpt/Llama-3.3+(3.1v3.3)-70B-Hanami-x1",
    "nano-gpt/NousResearch 2/Hermes-4-70B:thinking",
    "atomic-chat/Qwen3_5-9B-Q4_K_M",
]


@pytest.mark.parametrize("ref", ODD)
async def test_model_ids_may_contain_any_characters(site: httpx.AsyncClient, ref: str) -> None:
    slug = ref.partition("/")[2]
    for path in (quote(ref, safe="/"), quote(ref, safe="/:@+~()")):
        page = await site.get(f"/models/{path}")
        assert page.status_code == 200, path
        reader = parse_page(page.text)
        assert ("button", slug) in [(tag, given.get("data-copy")) for tag, given in reader.elements]
        (canonical,) = [
            given["href"] for tag, given in reader.elements if tag == "link" and given["rel"] == "canonical"
        ]
        again = await site.get(urljoin(str(page.url), canonical))
        assert (again.status_code, parse_page(again.text).headings[0]) == (200, reader.headings[0])


async def test_an_alias_of_a_model_redirects_to_its_page(site: httpx.AsyncClient) -> None:
    redirect = await site.get("/models/openai/gpt-4.1-mini-2025-04-14")
    assert redirect.status_code == 302
    assert urljoin(str(redirect.url), redirect.headers["location"]) == "http://registry.test/models/openai/gpt-4.1-mini"


# State in the URL

STATES: list[tuple[str, dict[str, Any]]] = [
    ("", {"filter": {"providerKinds": ["LAB"]}}),
    ("?sellers=all", {}),
    ("?q=claude", {"search": "claude"}),
    ("?q=claude&sellers=makers", {"search": "claude", "filter": {"providerKinds": ["LAB"]}}),
    ("?provider=openai&provider=azure", {"filter": {"providers": ["openai", "azure"]}}),
    (
        "?capability=function-calling&capability=vision&sellers=all",
        {"filter": {"capabilities": ["FUNCTION_CALLING", "VISION"]}},
    ),
    ("?input=image&output=text&sellers=all", {"filter": {"inputModalities": ["IMAGE"], "outputModalities": ["TEXT"]}}),
    ("?status=deprecated&sellers=all", {"filter": {"statuses": ["DEPRECATED"]}}),
    ("?access=open-weights&sellers=all", {"filter": {"accessTypes": ["OPEN_WEIGHTS"]}}),
    ("?family=gpt-4.1&sellers=all", {"filter": {"families": ["gpt-4.1"]}}),
    ("?use=coding&sellers=all", {"filter": {"useCases": ["CODING"]}}),
    ("?context=1m&sellers=all", {"filter": {"minContextWindow": 1_000_000}}),
    ("?price=0.5&sellers=all", {"filter": {"maxInputPrice": "0.5"}}),
    (
        "?q=mini&context=128,000&sort=input-price",
        {"search": "mini", "filter": {"minContextWindow": 128_000}, "orderBy": {"field": "INPUT_PRICE"}},
    ),
    ("?sort=context&sellers=all", {"orderBy": {"field": "CONTEXT_WINDOW", "direction": "DESC"}}),
    ("?sort=context&order=asc&sellers=all", {"orderBy": {"field": "CONTEXT_WINDOW", "direction": "ASC"}}),
    ("?sort=name&sellers=all", {"orderBy": {"field": "NAME", "direction": "ASC"}}),
]
LISTED = """query($filter: ModelFilter, $search: String, $orderBy: ModelOrder) {
  models(filter: $filter, search: $search, orderBy: $orderBy, first: 40) { totalCount nodes { ref } } }"""


def listed_refs(response: httpx.Response) -> list[str]:
    """The refs of the models in the table, in order."""
    return [
        given["value"]
        for _, given in parse_page(response.text).elements
        if given.get("form") == "pick" and "value" in given
    ]


@pytest.mark.parametrize(("query_string", "variables"), STATES)
async def test_the_url_determines_the_list(
    site: httpx.AsyncClient, full: Ask, query_string: str, variables: dict[str, Any]
) -> None:
    page = await site.get(f"/{query_string}")
    connection = (await full(LISTED, variables))["models"]
    assert listed_refs(page) == [node["ref"] for node in connection["nodes"]]
    assert re.search(rf"\b{connection['totalCount']:,} (first-party )?model", visible_text(page))
    part = await site.get(f"/{query_string}{'&' if query_string else '?'}part=list")
    assert listed_refs(part) == listed_refs(page)
    assert "<html" not in part.text


async def test_facet_counts_match_the_list_they_lead_to(site: httpx.AsyncClient) -> None:
    page = await site.get("/?sellers=all&capability=vision")
    counts = re.findall(
        r'name="(\w+)" value="([^"]+)"( checked)?> <span>[^<]+</span> <span class="tally">([\d,]+)</span>', page.text
    )
    assert ("capability", "vision", " checked") in {facet[:3] for facet in counts}
    assert {name for name, *_ in counts} == {"input", "capability", "access", "status", "provider", "family"}
    for name, value, _, count in [
        facet for facet in counts if facet[1] in ("image", "reasoning", "openai", "deprecated", "gpt-4.1")
    ]:
        found = await site.get(f"/?sellers=all&capability=vision&{name}={value}")
        assert f"{count} model" in visible_text(found), (name, value)


async def test_the_pager_goes_forward_and_back(site: httpx.AsyncClient) -> None:
    first = await site.get("/?provider=openai&sort=name")
    (next_link,) = [given["href"] for _, given in parse_page(first.text).elements if given.get("rel") == "next"]
    second = await site.get(urljoin(str(first.url), next_link))
    (previous_link,) = [given["href"] for _, given in parse_page(second.text).elements if given.get("rel") == "prev"]
    assert not set(listed_refs(first)) & set(listed_refs(second))
    assert len(listed_refs(second)) == 40
    assert listed_refs(await site.get(urljoin(str(second.url), previous_link))) == listed_refs(first)


async def test_column_headers_sort_and_show_the_direction(site: httpx.AsyncClient) -> None:
    page = await site.get("/?q=mini")
    assert not [given for tag, given in parse_page(page.text).elements if tag == "th" and "aria-sort" in given]
    for name, usual, other in (("context", "descending", "ascending"), ("input-price", "ascending", "descending")):
        once = await site.get(f"/?q=mini&sort={name}")
        assert [given["aria-sort"] for _, given in parse_page(once.text).elements if "aria-sort" in given] == [usual]
        (reverse_link,) = [link for link in parse_page(once.text).links if f"sort={name}" in link and "order=" in link]
        twice = await site.get(urljoin(str(once.url), reverse_link))
        assert [given["aria-sort"] for _, given in parse_page(twice.text).elements if "aria-sort" in given] == [other]


async def test_each_active_filter_can_be_removed(site: httpx.AsyncClient) -> None:
    page = await site.get("/?q=gpt&capability=vision&context=200k&price=5&provider=openai")
    reader = parse_page(page.text)
    for expected in ("Capability: Vision", "Context: at least 200K", "Input price: up to $5", "Provider: OpenAI"):
        assert expected in reader.text, expected
    without_capability = [
        link for link in reader.links if "q=gpt" in link and "sort" not in link and "capability" not in link
    ]
    assert any(
        "provider=openai" in link and "context=200000" in link and "price=5" in link for link in without_capability
    )


UNREADABLE = [
    ("?capability=flying", "Unknown capability “flying” ignored."),
    ("?status=ACTIVEISH&status=active", "Unknown status “ACTIVEISH” ignored."),
    ("?context=lots", "“lots” is not a number of tokens"),
    ("?price=cheap", "“cheap” is not a price"),
    ("?context=99999999999", "is not a number of tokens"),
    ("?sort=weight&order=up", "889 first-party models"),
    ("?sellers=nobody", "889 first-party models"),
]


@pytest.mark.parametrize(("query_string", "expected"), UNREADABLE)
async def test_invalid_parameters_get_a_note_and_are_ignored(
    site: httpx.AsyncClient, query_string: str, expected: str
) -> None:
    page = await site.get(f"/{query_string}")
    assert page.status_code == 200
    assert expected in visible_text(page)


async def test_an_invalid_cursor_is_an_error_page(site: httpx.AsyncClient) -> None:
    for path in ("/?after=nowhere", "/?before=%00", "/providers/openai?after=x", "/families/gpt-4.1?after=x"):
        page = await site.get(path)
        assert page.status_code == 400
        assert "This page link is no longer valid. Start from the first page." in visible_text(page)
        assert raw_values(page.text) == []


# Link to the query


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


# Missing pages


@pytest.mark.parametrize(
    ("path", "expected", "suggestion"),
    [
        ("/models/openai/gpt-4.1-mny", "Model not found", "openai/gpt-4.1-mini"),
        ("/models/nobody/claude-opus", "Model not found", "claude-opus"),
        ("/providers/opnai", "Provider not found", "openai"),
        ("/families/gpt-4.11", "Family not found", "gpt-4.1"),
    ],
)
async def test_missing_things_are_404_pages_with_suggestions(
    site: httpx.AsyncClient, path: str, expected: str, suggestion: str
) -> None:
    page = await site.get(path)
    assert page.status_code == 404
    assert expected in visible_text(page)
    assert suggestion in page.text
    assert page.headers["cache-control"] == "no-store"
    assert [given["name"] for tag, given in parse_page(page.text).elements if tag == "input"] == ["q"]
    assert raw_values(page.text) == []


async def test_a_missing_page_is_html_for_browsers_and_json_for_programs(site: httpx.AsyncClient) -> None:
    page, answer = await site.get("/nothing"), await site.get("/nothing", headers={"accept": "*/*"})
    assert (page.status_code, answer.status_code) == (404, 404)
    assert "There is no page at this address." in visible_text(page)
    assert answer.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"


# Changes


def next_day() -> list[Catalogue]:
    """The tiny registry a day later: a price, a limit, a capability and a status changed, a model was added."""
    curated, priced, listed = tiny()
    large, small, resold = listed.models
    large.facts["context_window"] = priced.models[0].facts["context_window"] = 300_000
    priced.models[0].rates[0] = RateClaim(Meter.INPUT, Decimal("2.2"))
    priced.models[0].rates[3] = RateClaim(Meter.INPUT, Decimal("1.1"), service_tier=ServiceTier.BATCH)
    large.capabilities["VISION"] = True
    large.parameters["top_p"] = ParameterClaim("top_p", True, "Top P", ParameterKind.NUMBER)
    small.facts["status"] = ModelStatus.RETIRED
    resold.facts["name"] = "Tiny <b>Small</b> & co"
    listed.models.append(ModelClaims("openai", "tiny-next", facts={"name": "Tiny Next"}))
    return [curated, priced, listed]


@pytest_asyncio.fixture(loop_scope="session")
async def refreshed_site(engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    """The tiny registry after a refresh that changed something."""
    await put(engine, tiny())
    await put(engine, next_day(), NOW + timedelta(days=1))
    app = create_app(settings_for(engine.url.render_as_string(hide_password=False)), engine)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://registry.test", headers=HTML) as client:
        yield client


async def test_changes_are_described_in_words(refreshed_site: httpx.AsyncClient) -> None:
    page = await refreshed_site.get("/changes")
    text = visible_text(page)
    assert raw_values(page.text) == []
    for expected in (
        "Revision 2 24 November 2026, 12:00 UTC",
        "Tiny Large OpenAI Input price $2.50 $2.20",
        "Tiny Large OpenAI Batch input price $1.25 $1.10",
        "Tiny Large OpenAI Context window 200,000 tokens 300,000 tokens",
        "Tiny Large OpenAI Vision Not listed Yes",
        "Tiny Large OpenAI Parameter top_p Not listed Supported",
        "Tiny Small OpenAI Status Active Retired",
        "Tiny Next OpenAI Model added",
    ):
        assert expected in text, expected


@pytest.mark.parametrize(
    ("query_string", "count", "expected"),
    [
        ("?kind=price-changed", "2 changes", "Input price"),
        ("?kind=model-added&kind=model-retired", "2 changes", "Tiny Next"),
        ("?model=openai/tiny-small", "1 change", "Retired"),
        ("?provider=azure", "1 change", "Name"),
        ("?since=2026-11-25", "0 changes", "No matching changes."),
        ("?since=2026-11-24", "8 changes", "Vision"),
        ("?since=tomorrow", "8 changes", "“tomorrow” is not a date"),
        ("?kind=weather", "8 changes", "Unknown type of change “weather” ignored."),
    ],
)
async def test_the_url_filters_changes(
    refreshed_site: httpx.AsyncClient, query_string: str, count: str, expected: str
) -> None:
    page = await refreshed_site.get(f"/changes{query_string}")
    assert f"{count}." in visible_text(page)
    assert expected in visible_text(page)
    feed = ElementTree.fromstring((await refreshed_site.get(f"/changes.atom{query_string}")).content)  # noqa: S314 - our own
    assert len(feed.findall("{*}entry")) == int(count.split()[0])


async def test_a_model_page_shows_its_recent_changes(refreshed_site: httpx.AsyncClient) -> None:
    text = visible_text(await refreshed_site.get("/models/openai/tiny-large"))
    assert "24 Nov 2026 Context window 200,000 tokens 300,000 tokens" in text[text.index("Date Change Before After") :]
    added = visible_text(await refreshed_site.get("/models/openai/tiny-next"))
    assert "24 Nov 2026 Model added" in added


async def test_the_atom_feed_is_valid_and_its_links_work(refreshed_site: httpx.AsyncClient) -> None:
    answer = await refreshed_site.get("/changes.atom")
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    feed = ElementTree.fromstring(answer.content)  # noqa: S314 - our own
    assert feed.tag == "{http://www.w3.org/2005/Atom}feed"
    assert feed.findtext("{*}updated") == "2026-11-24T12:00:00Z"
    entries = feed.findall("{*}entry")
    ids = [entry.findtext("{*}id") for entry in entries]
    assert len(set(ids)) == len(entries) == 8
    assert "Tiny Large: Input price, $2.50 → $2.20" in [entry.findtext("{*}title") for entry in entries]
    assert "Tiny <b>Small</b> & co: Name, Tiny Small (Azure) → Tiny <b>Small</b> & co" in [
        entry.findtext("{*}title") for entry in entries
    ]
    for entry in entries:
        (link,) = entry.findall("{*}link")
        assert (await refreshed_site.get(link.attrib["href"])).status_code == 200
        assert entry.findtext("{*}updated") == "2026-11-24T12:00:00Z"
    # A change keeps its id, so feed readers show it once.
    again = ElementTree.fromstring((await refreshed_site.get("/changes.atom?kind=price-changed")).content)  # noqa: S314 - our own
    assert {entry.findtext("{*}id") for entry in again.findall("{*}entry")} <= set(ids)
    page = parse_page((await refreshed_site.get("/changes")).text)
    assert "./changes.atom" in page.attributes("link", "href")


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


# Comparison


async def test_models_are_compared_side_by_side(site: httpx.AsyncClient) -> None:
    page = await site.get("/compare?models=openai/gpt-4.1-mini&models=openai/gpt-4.1,openai/gpt-4.1-nano")
    text = visible_text(page)
    assert "Context window 1,047,576 tokens 1,047,576 tokens 1,047,576 tokens" in text
    assert "Input price per 1M tokens $0.40 $2.00 $0.10 (best)" in text
    differing = await site.get("/compare?models=openai/gpt-4.1-mini&models=openai/gpt-4.1&only=differences")
    assert "Context window 1,047,576" not in visible_text(differing)
    assert "Input price" in visible_text(differing)
    assert raw_values(page.text) == raw_values(differing.text) == []


@pytest.mark.parametrize(
    ("query_string", "status", "expected"),
    [
        ("", 200, "Pick them here"),
        ("?models=openai/gpt-4.1", 200, "Selected openai/gpt-4.1"),
        ("?models=openai/gpt-4.1&models=nobody/nothing", 400, '"nobody/nothing"'),
        ("?models=openai/gpt-4.1&models=gpt-4.1", 400, "same model"),
        (
            "?" + "&".join(f"models=a/{number}" for number in range(9)),
            400,
            "You can compare 2 to 8 models; this link names 9.",
        ),
        ("?models=openai/gpt-4.1&add=claude", 200, "Add Claude"),
        ("?add=zzzzqqq", 200, "No model matches."),
    ],
)
async def test_models_are_picked_with_a_plain_form(
    site: httpx.AsyncClient, query_string: str, status: int, expected: str
) -> None:
    page = await site.get(f"/compare{query_string}")
    assert page.status_code == status
    assert expected in visible_text(page)
    assert "resolveModel" not in visible_text(page)
    assert raw_values(page.text) == []


# Hostile input

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
        reader = parse_page(page.text)
        assert not [given for tag, given in reader.elements if tag == "script" and "src" not in given], path
        assert not [given for _, given in reader.elements if any(name.startswith("on") for name in given)], path
        assert "alert(1)" not in html.unescape(" ".join(reader.links)) or "javascript:" not in "".join(
            link for link in reader.links if link.startswith("javascript")
        )
        assert "$49" not in reader.text
        assert "4949" not in reader.text


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


async def test_all_urls_are_relative_so_that_a_proxy_prefix_works(site: httpx.AsyncClient) -> None:
    for path in PAGES:
        reader = parse_page((await site.get(path)).text)
        addresses = [
            *reader.links,
            *reader.attributes("link", "href"),
            *reader.attributes("script", "src"),
            *reader.attributes("form", "action"),
        ]
        assert not [address for address in addresses if address.startswith("/")], path


async def test_an_operators_lower_limits_do_not_apply_to_pages(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    url = engine.url.render_as_string(hide_password=False)
    app = create_app(settings_for(url, max_cost=100, max_depth=3, max_tokens=100, max_aliases=1), engine)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://registry.test", headers=HTML) as client:
        for path in ("/", "/models/openai/tiny-large", "/providers", "/providers/openai", "/changes", "/nothing"):
            assert (await client.get(path)).status_code == (404 if path == "/nothing" else 200), path


async def test_a_failure_is_an_error_page_without_internals(tmp_path: Path) -> None:
    # The database has no tables, so every query fails.
    engine = database.create_engine(f"sqlite+aiosqlite:///{tmp_path}/empty.sqlite")
    app = create_app(settings_for(engine.url.render_as_string(hide_password=False)), engine)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://registry.test", headers=HTML) as client:
        for path in ("/", "/models/openai/tiny-large", "/compare?models=a&models=b", "/changes.atom", "/nothing"):
            page = await client.get(path)
            assert page.status_code == 500, path
            assert re.search(r"Something went wrong.*\b[0-9a-f]{12}\b", visible_text(page))
            assert not LEAKS.search(visible_text(page))
            assert raw_values(page.text) == []
    await engine.dispose()


# Formatting

FORMATTED = [
    (formatting.amount("0.4"), "$0.40"),
    (formatting.amount("0"), "$0.00"),
    (formatting.amount("10"), "$10.00"),
    (formatting.amount("0.175"), "$0.175"),
    (formatting.amount("0.00236"), "$0.00236"),
    (formatting.amount("0.39999999999999997"), "$0.40"),
    (formatting.amount("1234.5"), "$1,234.50"),
    (formatting.amount(None), "Unknown"),
    (formatting.total("0.0012345678"), "$0.001235"),
    (formatting.total("12.3456"), "$12.35"),
    (formatting.total("0"), "$0.00"),
    (formatting.total("0.00000000012"), "$0.00000000012"),
    (formatting.tokens(1_047_576), "1,047,576 tokens"),
    (formatting.tokens(1), "1 token"),
    (formatting.tokens(None), "Unknown"),
    (formatting.compact(1_047_576), "1.05M"),
    (formatting.compact(128_000), "128K"),
    (formatting.compact(131_072), "131K"),
    (formatting.compact(999_999), "1M"),
    (formatting.compact(512), "512"),
    (formatting.compact(None), "Unknown"),
    (formatting.long_date("2026-06-17"), "17 June 2026"),
    (formatting.long_date("2024-06"), "June 2024"),
    (formatting.long_date("2023"), "2023"),
    (formatting.long_date(None), "Unknown"),
    (formatting.short_date("2026-06-17"), "17 Jun 2026"),
    (formatting.timestamp("2026-11-23T13:16:19Z"), "23 November 2026, 13:16 UTC"),
    (formatting.timestamp(None), "Never"),
    (formatting.label_list(["TEXT", "IMAGE", "PDF"]), "Text, image, PDF"),
    (formatting.value_range("0", "2"), "0 to 2"),
    (formatting.value_range("1", None), "1 or more"),
    (formatting.value_range(None, "32768"), "up to 32,768"),
    (formatting.value_range(None, None), ""),
    (formatting.field_label("contextWindow"), "Context window"),
    (formatting.field_label("capabilities.FUNCTION_CALLING"), "Function calling"),
    (formatting.field_label("parameters.top_p"), "Parameter top_p"),
    (formatting.field_label("accessType"), "Access type"),
    (formatting.field_label("prices.STANDARD.CACHE_READ"), "Cached input price"),
    (formatting.field_label("prices.BATCH.OUTPUT.over200000"), "Batch output price above 200,000 tokens"),
    (formatting.field_label("prices.STANDARD.INPUT.from16:30"), "Input price from 16:30 UTC"),
    (
        formatting.field_label("prices.PRIORITY.INPUT.since2026-10-12"),
        "Priority input price, effective 12 October 2026",
    ),
    (formatting.field_value("2.5", "prices.STANDARD.INPUT"), "$2.50"),
    (formatting.field_value("INCLUDED", "prices.STANDARD.INPUT"), "Included in subscription"),
    (
        formatting.field_value({"supported": True, "minimum": "0", "maximum": "2", "default": 1}, "parameters.t"),
        "0 to 2; default 1",
    ),
    (formatting.field_value(True, "isFlagship"), "Yes"),
    (formatting.field_value(["TEXT", "AUDIO"], "inputModalities"), "Text, audio"),
    (formatting.field_value("OPEN_WEIGHTS", "accessType"), "Open weights"),
    (formatting.field_value("0.4", "price.input"), "$0.40 per 1M tokens"),
    (formatting.field_value(None, "license"), "Unknown"),
    (formatting.field_value([], "endpoints"), "Unknown"),
    (formatting.field_value({"supported": False}, "parameters.temperature"), "Not supported"),
    (formatting.field_value({"supported": True}, "parameters.temperature"), "Supported"),
    (formatting.literal({"type": "text"}), '{"type":"text"}'),
    (formatting.literal(0.7), "0.7"),
    (formatting.literal("auto"), "auto"),
    (formatting.price(None, "FREE"), "Free"),
    (formatting.price("0.4"), "$0.40"),
    (formatting.pluralize(1, "model"), "1 model"),
    (formatting.pluralize(2_000, "model"), "2,000 models"),
]


@pytest.mark.parametrize(("found", "expected"), FORMATTED)
def test_values_are_formatted_for_people(found: str, expected: str) -> None:
    assert found == expected
