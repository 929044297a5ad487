"""The promise: every page is complete as the server sends it, says nothing it does not know, and trusts nothing it is asked."""

import asyncio
import html
import http.client
import json
import random
import re
from collections.abc import AsyncIterator
from datetime import timedelta
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
from server.pages import filters
from server.pages.chart import chart
from tests.support.html import read, unfit
from tests.support.registry import NOW, Ask, put, settings_for, tiny
from tests.support.servers import LEAKS, Server, in_process, serving, tiny_server

HTML = {"accept": "text/html,application/xhtml+xml"}
SAMPLE = {"sqlite": 300, "postgresql": 40}
"""Models looked at of the whole registry."""
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
    settings = settings_for(full_engine.url.render_as_string(hide_password=False))
    async with in_process(settings, full_engine, headers=HTML) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """The tiny registry, served."""
    async with tiny_server(tmp_path_factory.mktemp("pages")) as running:
        yield running


def shown(response: httpx.Response) -> str:
    """What readers of a page see."""
    assert response.headers["content-type"] == "text/html; charset=utf-8", response.text[:200]
    return read(response.text).text


# What every page is


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_whole_and_says_nothing_raw(site: httpx.AsyncClient, path: str) -> None:
    page = await site.get(path)
    reader = read(page.text)
    assert page.status_code == 200
    assert unfit(page.text) == []
    assert [name for name, _ in reader.headings].count("h1") == 1
    assert reader.attributes("html", "lang") == ["en"]
    (canonical,) = [given["href"] for tag, given in reader.elements if tag == "link" and given["rel"] == "canonical"]
    assert (await site.get(urljoin(str(page.url), canonical))).status_code == 200
    assert all(reader.attributes("meta", "content"))


@pytest.mark.parametrize("path", [*PAGES, "/models/nobody/nothing", "/nothing", "/compare?models=a&models=b"])
async def test_pages_ask_nothing_of_others_and_run_only_our_scripts(site: httpx.AsyncClient, path: str) -> None:
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
    reader = read(page.text)
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
async def test_a_page_is_sent_once_and_then_only_asked_after(site: httpx.AsyncClient, path: str) -> None:
    page = await site.get(path)
    again = await site.get(path, headers={"if-none-match": page.headers["etag"]})
    other = await site.get(path, headers={"if-none-match": '"something else"'})
    assert page.headers["cache-control"] == "public, max-age=0, must-revalidate"
    assert "accept-encoding" in page.headers["vary"]
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", page.headers["etag"])
    assert "content-security-policy" in again.headers
    assert (other.status_code, other.text) == (200, page.text)


@pytest.mark.parametrize("path", ["/", "/models/openai/tiny-large", "/nothing", "/providers/openai"])
async def test_a_real_server_answers_head_with_the_same_headers_and_no_body(server: Server, path: str) -> None:
    async with server.client(headers=HTML) as client:
        got, head = await client.get(path), await client.head(path)
    assert head.content == b""
    same = ("content-type", "etag", "cache-control", "content-security-policy", "content-length", "content-encoding")
    assert head.status_code == got.status_code
    assert {name: head.headers.get(name) for name in same} == {name: got.headers.get(name) for name in same}


async def test_pages_and_files_come_packed_as_the_client_takes_it(server: Server) -> None:
    async with server.client() as client:
        style = read((await client.get("/")).text).attributes("link", "href")[-1]
        for path in ("/", "/models/openai/tiny-large", style):
            plain = await client.get(path, headers={"accept-encoding": "identity"})
            assert "content-encoding" not in plain.headers
            for coding, asked in (("br", "gzip, br"), ("gzip", "gzip"), ("gzip", "br;q=0, gzip"), (None, "zstd;q=1")):
                packed = await client.get(path, headers={"accept-encoding": asked})
                assert packed.headers.get("content-encoding") == coding
                assert packed.content == plain.content


async def test_files_are_named_by_what_they_hold_and_kept_for_good(site: httpx.AsyncClient) -> None:
    reader = read((await site.get("/models/openai/gpt-4.1-mini")).text)
    files = [
        *reader.attributes("script", "src"),
        *[one for one in reader.attributes("link", "href") if "static/" in one],
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
async def test_other_methods_are_refused(site: httpx.AsyncClient, path: str) -> None:
    refused = await site.post(path, data={"q": "x"})
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD") or refused.status_code == 405


async def test_a_models_page_with_all_it_needs_is_under_sixty_kilobytes(site: httpx.AsyncClient) -> None:
    for ref in ("openai/gpt-4.1-mini", "google/gemini-2.5-pro", "openai/gpt-oss-120b", "moonshotai/kimi-k2.5"):
        for coding in ("br", "gzip"):
            headers = {"accept-encoding": coding}
            async with site.stream("GET", f"/models/{ref}", headers=headers) as page:
                size = len(b"".join([chunk async for chunk in page.aiter_raw()]))
            reader = read((await site.get(f"/models/{ref}")).text)
            for file in [*reader.attributes("script", "src"), *reader.attributes("link", "href")]:
                if "static/" in file:
                    async with site.stream("GET", urljoin(f"/models/{ref}", file), headers=headers) as part:
                        size += len(b"".join([chunk async for chunk in part.aiter_raw()]))
            assert size < 60_000


async def test_no_link_of_the_main_pages_is_dead(site: httpx.AsyncClient) -> None:
    links: set[str] = set()
    for path in [*PAGES, "/models/nobody/gpt"]:
        page = await site.get(path)
        links |= {urljoin(str(page.url), link) for link in read(page.text).links if not link.startswith("#")}
    ours = sorted(link for link in links if link.startswith("http://registry.test/") and "/graphiql" not in link)
    assert len(ours) > 200
    for link in random.Random(7).sample(ours, 120):  # noqa: S311 - a sample, not a secret
        found = await site.get(link, headers=HTML)
        assert found.status_code in (200, 302), link


# What the pages say


async def test_a_models_page_leads_with_what_decides(server: Server) -> None:
    async with server.client(headers=HTML) as client:
        text = shown(await client.get("/models/openai/tiny-large"))
    for said in (
        "Tiny Large Active",
        "Context window 200,000 tokens",
        "Maximum output 32,768 tokens",
        "Input price $2.50 per 1M tokens",
        "Output price $10.00 per 1M tokens",
        "Reads Text, image",
        "Writes Text",
        "Knowledge until June 2025",
        "Cached input",
        "$0.25",
        "Batch",
        "Long context",
        "Not published: a rate of its own for priority.",
        "Temperature temperature",
        "Model id tiny-large",
        "Access type Closed",
    ):
        assert said in text, said


async def test_what_is_not_known_is_said_in_words(server: Server) -> None:
    async with server.client(headers=HTML) as client:
        text = shown(await client.get("/models/azure/tiny-small"))
    for said in (
        "Context window Not published",
        "Maximum output Not published",
        "Input price Not published",
        "Reads Not published",
        "API Not published",
        "Knowledge until Not published",
        "No price per token is published, so a cost can’t be calculated.",
        "No source lists the parameters it takes.",
        "Deprecated",
    ):
        assert said in text, said
    assert "$0.00" not in text
    assert "Free" not in text


async def test_disagreement_is_shown_with_who_says_what(server: Server) -> None:
    async with server.client(headers=HTML) as client:
        text = shown(await client.get("/models/openai/tiny-large"))
    at = text.index("Fact Shown here Others say")
    assert re.search(r"Input price .+\$2\.50 per 1M tokens genai-prices \$2\.00 per 1M tokens models\.dev", text[at:])
    assert re.search(r"Output price .+\$10\.00 per 1M tokens genai-prices \$9\.00 per 1M tokens models\.dev", text[at:])


COSTS = [
    ("", "$12.50 for 1,000 requests $0.0125 each."),
    ("?input=3000&output=500&requests=1", "$0.0125 for 1 request"),
    ("?input=3,000&cached=1000&output=500&requests=1000", "$10.25 for 1,000 requests"),
    ("?input=3000&output=500&requests=1000&tier=batch", "$6.25 for 1,000 requests $0.00625 each, at the batch tier."),
    ("?input=200000&output=0&requests=1", "$1.00 for 1 request"),
    ("?input=0&output=0&requests=5", "$0.00 for 5 requests"),
    (
        "?input=1000000000000&output=0&requests=1000000000000",
        "$5,000,000,000,000,000,000.00 for 1,000,000,000,000 requests",
    ),
    ("?input=ten", "“ten” is no number of input tokens per request"),
    ("?input=-5", "“-5” is no number of input tokens per request"),
    ("?input=10&cached=20", "Cached tokens are part of the input tokens"),
    ("?tier=flex&input=10", "Input, output: not published, so what this comes to is not known."),
]


@pytest.mark.parametrize(("asked", "said"), COSTS)
async def test_a_cost_is_calculated_by_a_plain_form(server: Server, asked: str, said: str) -> None:
    async with server.client(headers=HTML) as client:
        page = await client.get(f"/models/openai/tiny-large{asked}")
        separator = "&" if asked else "?"
        part = await client.get(f"/models/openai/tiny-large{asked}{separator}part=cost")
    assert said in shown(page)
    assert said in shown(part)
    assert unfit(page.text) == []
    assert "<html" not in part.text


async def test_a_free_model_is_free_and_one_in_a_subscription_is_included(site: httpx.AsyncClient, full: Ask) -> None:
    query = "query($p: PricePublication!) { models(filter: {pricePublication: [$p]}, first: 3) { nodes { ref } } }"
    for publication, said in (("FREE", "Free"), ("INCLUDED", "Included in the subscription")):
        for node in (await full(query, {"p": publication}))["models"]["nodes"]:
            text = shown(await site.get(f"/models/{quote(node['ref'])}"))
            assert f"Input price {said}" in text, node
            assert f"Output price {said}" in text, node


async def test_a_price_that_moved_has_a_chart_and_its_table(site: httpx.AsyncClient) -> None:
    page = await site.get("/models/openrouter/deepseek/deepseek-v4-flash")
    reader = read(page.text)
    assert [given["role"] for tag, given in reader.elements if tag == "svg"] == ["img"]
    assert len([given for tag, given in reader.elements if tag == "path" and "line" in given.get("class", "")]) == 2
    assert "Price history Meter From To USD per 1M tokens" in reader.text
    still = shown(await site.get("/models/openai/gpt-4.1-mini"))
    assert "Price history No change on record." in still


def test_a_chart_draws_each_rate_from_its_first_day_to_its_last() -> None:
    def rate(meter: str, amount: str | None, start: str | None, end: str | None) -> dict[str, Any]:
        return {
            "meter": meter,
            "amount": amount,
            "minContextTokens": 0,
            "dailyWindow": None,
            "effectiveFrom": start,
            "effectiveTo": end,
        }

    day = filters.datetime.fromisoformat("2026-11-01").date()
    history = [
        rate("INPUT", "2", None, "2026-10-01"),
        rate("INPUT", "1", "2026-10-01", None),
        rate("OUTPUT", "4", None, None),
    ]
    drawn = chart(history, day)
    assert drawn is not None
    assert [mark.text for mark in drawn.amounts] == ["0", "2", "4"]
    assert [line.meter for line in drawn.lines] == ["INPUT", "OUTPUT"]
    assert re.fullmatch(r"M64(\.0)? [\d.]+H[\d.]+V[\d.]+H628(\.0)?", drawn.lines[0].path)
    assert chart(history[2:], day) is None
    assert chart([], day) is None
    assert chart([rate("INPUT", None, None, None)], day) is None


# Every model, every provider


async def test_no_models_page_says_anything_raw(site: httpx.AsyncClient, full: Ask, kind: str) -> None:
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
        assert unfit(answer.text, own=[ref]) == [], ref


async def test_no_providers_page_says_anything_raw(site: httpx.AsyncClient, full: Ask) -> None:
    query = "{ a: providers(first: 100) { nodes { slug } pageInfo { endCursor } totalCount } }"
    first = (await full(query))["a"]
    cursor = first["pageInfo"]["endCursor"]
    rest = await full("query($c: String) { providers(first: 100, after: $c) { nodes { slug } } }", {"c": cursor})
    slugs = [node["slug"] for node in [*first["nodes"], *rest["providers"]["nodes"]]]
    assert len(slugs) == first["totalCount"] > 150
    for slug in slugs:
        answer = await site.get(f"/providers/{quote(slug)}")
        assert answer.status_code == 200, slug
        assert unfit(answer.text) == [], slug


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
        assert unfit(answer.text) == [], slug


ODD = [
    "cloudflare-ai-gateway/workers-ai/@cf/deepseek-ai/deepseek-r1-distill-qwen-32b",
    "openrouter/cognitivecomputations/dolphin-mistral-24b-venice-edition:free",
    "kilo/~anthropic/claude-haiku-latest",
    "nano-gpt/Llama-3.3+(3.1v3.3)-70B-Hanami-x1",
    "nano-gpt/NousResearch 2/Hermes-4-70B:thinking",
    "atomic-chat/Qwen3_5-9B-Q4_K_M",
]


@pytest.mark.parametrize("ref", ODD)
async def test_a_models_id_may_hold_what_it_likes(site: httpx.AsyncClient, ref: str) -> None:
    slug = ref.partition("/")[2]
    for spelt in (quote(ref, safe="/"), quote(ref, safe="/:@+~()")):
        page = await site.get(f"/models/{spelt}")
        assert page.status_code == 200, spelt
        reader = read(page.text)
        assert ("button", slug) in [(tag, given.get("data-copy")) for tag, given in reader.elements]
        (canonical,) = [
            given["href"] for tag, given in reader.elements if tag == "link" and given["rel"] == "canonical"
        ]
        again = await site.get(urljoin(str(page.url), canonical))
        assert (again.status_code, read(again.text).headings[0]) == (200, reader.headings[0])


async def test_another_name_of_a_model_leads_to_its_page(site: httpx.AsyncClient) -> None:
    moved = await site.get("/models/openai/gpt-4.1-mini-2025-04-14")
    assert moved.status_code == 302
    assert urljoin(str(moved.url), moved.headers["location"]) == "http://registry.test/models/openai/gpt-4.1-mini"


# State in the address

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


def listed(response: httpx.Response) -> list[str]:
    """The references of a page's table, in its order."""
    return [
        given["value"] for _, given in read(response.text).elements if given.get("form") == "pick" and "value" in given
    ]


@pytest.mark.parametrize(("asked", "meant"), STATES)
async def test_the_address_says_what_is_listed(
    site: httpx.AsyncClient, full: Ask, asked: str, meant: dict[str, Any]
) -> None:
    page = await site.get(f"/{asked}")
    expected = (await full(LISTED, meant))["models"]
    assert listed(page) == [node["ref"] for node in expected["nodes"]]
    assert f"{expected['totalCount']:,} model" in shown(page)
    part = await site.get(f"/{asked}{'&' if asked else '?'}part=list")
    assert listed(part) == listed(page)
    assert "<html" not in part.text


async def test_facets_count_what_their_choice_would_bring(site: httpx.AsyncClient) -> None:
    page = await site.get("/?sellers=all&capability=vision")
    counts = re.findall(
        r'name="(\w+)" value="([^"]+)"( checked)?> <span>[^<]+</span> <span class="tally">([\d,]+)</span>', page.text
    )
    assert ("capability", "vision", " checked") in {each[:3] for each in counts}
    assert {name for name, *_ in counts} == {"input", "capability", "access", "status", "provider", "family"}
    for name, value, _, count in [
        each for each in counts if each[1] in ("image", "reasoning", "openai", "deprecated", "gpt-4.1")
    ]:
        found = await site.get(f"/?sellers=all&capability=vision&{name}={value}")
        assert f"{count} model" in shown(found), (name, value)


async def test_pages_follow_one_another_there_and_back(site: httpx.AsyncClient) -> None:
    first = await site.get("/?provider=openai&sort=name")
    (forth,) = [given["href"] for _, given in read(first.text).elements if given.get("rel") == "next"]
    second = await site.get(urljoin(str(first.url), forth))
    (back,) = [given["href"] for _, given in read(second.text).elements if given.get("rel") == "prev"]
    assert not set(listed(first)) & set(listed(second))
    assert len(listed(second)) == 40
    assert listed(await site.get(urljoin(str(second.url), back))) == listed(first)


async def test_headers_sort_and_say_which_way(site: httpx.AsyncClient) -> None:
    page = await site.get("/?q=mini")
    assert not [given for tag, given in read(page.text).elements if tag == "th" and "aria-sort" in given]
    for name, usual, other in (("context", "descending", "ascending"), ("input-price", "ascending", "descending")):
        once = await site.get(f"/?q=mini&sort={name}")
        assert [given["aria-sort"] for _, given in read(once.text).elements if "aria-sort" in given] == [usual]
        (turn,) = [link for link in read(once.text).links if f"sort={name}" in link and "order=" in link]
        twice = await site.get(urljoin(str(once.url), turn))
        assert [given["aria-sort"] for _, given in read(twice.text).elements if "aria-sort" in given] == [other]


async def test_each_filter_in_force_can_be_taken_off(site: httpx.AsyncClient) -> None:
    page = await site.get("/?q=gpt&capability=vision&context=200k&price=5&provider=openai")
    reader = read(page.text)
    for said in ("Capability: Vision", "Context: 200K or more", "Input: $5 or less", "Provider: OpenAI"):
        assert said in reader.text, said
    off = [link for link in reader.links if "q=gpt" in link and "sort" not in link and "capability" not in link]
    assert any("provider=openai" in link and "context=200000" in link and "price=5" in link for link in off)


UNREADABLE = [
    ("?capability=flying", "Capability: “flying” left out"),
    ("?status=ACTIVEISH&status=active", "Status: “ACTIVEISH” left out"),
    ("?context=lots", "“lots” is no number of tokens"),
    ("?price=cheap", "“cheap” is no price"),
    ("?context=99999999999", "is no number of tokens"),
    ("?sort=weight&order=up", "889 models"),
    ("?sellers=nobody", "889 models"),
]


@pytest.mark.parametrize(("asked", "said"), UNREADABLE)
async def test_what_cannot_be_read_is_said_and_left_out(site: httpx.AsyncClient, asked: str, said: str) -> None:
    page = await site.get(f"/{asked}")
    assert page.status_code == 200
    assert said in shown(page).replace(str(len(listed(page))), str(len(listed(page))))


async def test_a_cursor_of_nowhere_is_a_page_that_says_so(site: httpx.AsyncClient) -> None:
    for path in ("/?after=nowhere", "/?before=%00", "/providers/openai?after=x", "/families/gpt-4.1?after=x"):
        page = await site.get(path)
        assert page.status_code == 400
        assert "This can’t be read" in shown(page)
        assert unfit(page.text) == []


# This page's query


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_leads_to_its_own_query(site: httpx.AsyncClient, full: Ask, path: str) -> None:
    page = await site.get(path)
    (link,) = {link for link in read(page.text).links if "graphiql?" in link}
    address = urlsplit(urljoin(str(page.url), link))
    asked = parse_qs(address.query)
    assert address.path == "/graphiql"
    assert asked["query"][0].startswith("# ")
    data = await full(asked["query"][0], json.loads(asked.get("variables", ["{}"])[0]))
    assert data["registry"]["revision"]["number"] == 1
    assert (await site.get(f"/graphiql?{address.query}")).status_code == 200
    if path == "/models/openai/gpt-4.1-mini":
        assert data["model"]["name"] == "GPT-4.1 mini"


# What is not there


@pytest.mark.parametrize(
    ("path", "said", "near"),
    [
        ("/models/openai/gpt-4.1-mny", "No such model", "openai/gpt-4.1-mini"),
        ("/models/nobody/claude-opus", "No such model", "claude-opus"),
        ("/providers/opnai", "No such provider", "openai"),
        ("/families/gpt-4.11", "No such family", "gpt-4.1"),
    ],
)
async def test_what_is_not_there_is_a_page_with_near_misses(
    site: httpx.AsyncClient, path: str, said: str, near: str
) -> None:
    page = await site.get(path)
    assert page.status_code == 404
    assert said in shown(page)
    assert near in page.text
    assert page.headers["cache-control"] == "no-store"
    assert [given["name"] for tag, given in read(page.text).elements if tag == "input"] == ["q"]
    assert unfit(page.text) == []


async def test_nothing_is_there_for_people_and_for_programs(site: httpx.AsyncClient) -> None:
    page, answer = await site.get("/nothing"), await site.get("/nothing", headers={"accept": "*/*"})
    assert (page.status_code, answer.status_code) == (404, 404)
    assert "There is nothing here" in shown(page)
    assert answer.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"


# What changed


def moved() -> list[Catalogue]:
    """The tiny registry a day later: a price, a limit, a capability and a status have moved, a model has come."""
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
async def later(engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    """The tiny registry after a refresh that changed something."""
    await put(engine, tiny())
    await put(engine, moved(), NOW + timedelta(days=1))
    settings = settings_for(engine.url.render_as_string(hide_password=False))
    async with in_process(settings, engine, headers=HTML) as client:
        yield client


async def test_changes_read_as_sentences(later: httpx.AsyncClient) -> None:
    page = await later.get("/changes")
    text = shown(page)
    assert unfit(page.text) == []
    for said in (
        "Revision 2 24 November 2026, 12:00 UTC",
        "Tiny Large OpenAI Input price $2.50 $2.20",
        "Tiny Large OpenAI Batch input price $1.25 $1.10",
        "Tiny Large OpenAI Context window 200,000 tokens 300,000 tokens",
        "Tiny Large OpenAI Vision Not listed Yes",
        "Tiny Large OpenAI Parameter top_p Not listed Supported",
        "Tiny Small OpenAI Status Active Retired",
        "Tiny Next OpenAI Model added",
    ):
        assert said in text, said


@pytest.mark.parametrize(
    ("asked", "count", "said"),
    [
        ("?kind=price-changed", "2 changes", "Input price"),
        ("?kind=model-added&kind=model-retired", "2 changes", "Tiny Next"),
        ("?model=openai/tiny-small", "1 change", "Retired"),
        ("?provider=azure", "1 change", "Name"),
        ("?since=2026-11-25", "0 changes", "No change fits."),
        ("?since=2026-11-24", "8 changes", "Vision"),
        ("?since=tomorrow", "8 changes", "“tomorrow” is no day"),
        ("?kind=weather", "8 changes", "“weather” is no kind of change"),
    ],
)
async def test_changes_are_narrowed_by_the_address(later: httpx.AsyncClient, asked: str, count: str, said: str) -> None:
    page = await later.get(f"/changes{asked}")
    assert f"{count}." in shown(page)
    assert said in shown(page)
    feed = ElementTree.fromstring((await later.get(f"/changes.atom{asked}")).content)  # noqa: S314 - our own
    assert len(feed.findall("{*}entry")) == int(count.split()[0])


async def test_a_models_page_says_what_changed_about_it(later: httpx.AsyncClient) -> None:
    text = shown(await later.get("/models/openai/tiny-large"))
    assert "24 Nov 2026 Context window 200,000 tokens 300,000 tokens" in text[text.index("Found Change Before After") :]
    still = shown(await later.get("/models/openai/tiny-next"))
    assert "24 Nov 2026 Model added" in still


async def test_the_feed_is_atom_that_readers_can_follow(later: httpx.AsyncClient) -> None:
    answer = await later.get("/changes.atom")
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
        assert (await later.get(link.attrib["href"])).status_code == 200
        assert entry.findtext("{*}updated") == "2026-11-24T12:00:00Z"
    # The same change keeps its id: readers show it once.
    again = ElementTree.fromstring((await later.get("/changes.atom?kind=price-changed")).content)  # noqa: S314 - our own
    assert {entry.findtext("{*}id") for entry in again.findall("{*}entry")} <= set(ids)
    page = read((await later.get("/changes")).text)
    assert "./changes.atom" in page.attributes("link", "href")


async def test_pages_of_a_refresh_are_new_at_once(engine: AsyncEngine, tmp_path: Path) -> None:
    await put(engine, tiny())
    path, url = "/models/openai/tiny-large", engine.url.render_as_string(hide_password=False)
    async with serving(url, tmp_path) as server, server.client(headers=HTML) as client:
        before = await client.get(path)
        assert (await client.get(path)).headers["etag"] == before.headers["etag"]
        await put(engine, moved(), NOW + timedelta(days=1))
        async with asyncio.timeout(10):
            while (after := await client.get(path)).headers["etag"] == before.headers["etag"]:
                await asyncio.sleep(0.05)
    assert "Input price $2.50" in shown(before)
    assert "Input price $2.20" in shown(after)


# Comparing


async def test_models_stand_side_by_side(site: httpx.AsyncClient) -> None:
    page = await site.get("/compare?models=openai/gpt-4.1-mini&models=openai/gpt-4.1,openai/gpt-4.1-nano")
    text = shown(page)
    assert "Context window 1,047,576 tokens 1,047,576 tokens 1,047,576 tokens" in text
    assert "Input price per 1M tokens $0.40 $2.00 $0.10 (best)" in text
    differing = await site.get("/compare?models=openai/gpt-4.1-mini&models=openai/gpt-4.1&only=differences")
    assert "Context window 1,047,576" not in shown(differing)
    assert "Input price" in shown(differing)
    assert unfit(page.text) == unfit(differing.text) == []


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ("", 200, "Choose them here"),
        ("?models=openai/gpt-4.1", 200, "Chosen openai/gpt-4.1"),
        ("?models=openai/gpt-4.1&models=nobody/nothing", 400, 'No model is called "nobody/nothing".'),
        ("?models=openai/gpt-4.1&models=gpt-4.1", 400, "mean the same model"),
        ("?" + "&".join(f"models=a/{number}" for number in range(9)), 400, "9 models are too many: 2 to 8 fit"),
        ("?models=openai/gpt-4.1&add=claude", 200, "Add Claude"),
        ("?add=zzzzqqq", 200, "No model is called that."),
    ],
)
async def test_models_are_chosen_by_a_plain_form(site: httpx.AsyncClient, asked: str, status: int, said: str) -> None:
    page = await site.get(f"/compare{asked}")
    assert page.status_code == status
    assert said in shown(page)
    assert "resolveModel" not in shown(page)
    assert unfit(page.text) == []


# Trust

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


PAGES_ASKED = (
    "/",
    "/models/openai/gpt-4.1",
    "/providers",
    "/providers/openai",
    "/families/gpt-4.1",
    "/compare",
    "/changes",
    "/changes.atom",
)
"""Pages that read an address; on PostgreSQL two of them, whose parameters go furthest into the database."""


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_whatever_is_asked_comes_back_as_text(site: httpx.AsyncClient, kind: str, payload: str) -> None:
    payload = payload.encode("utf-16", "surrogatepass").decode("utf-16")
    spelt = quote(payload)
    paths = [
        f"{path}?{name}={spelt}"
        for path in (PAGES_ASKED if kind == "sqlite" else ("/", "/changes"))
        for name in PARAMETERS
    ]
    paths += [f"/models/{spelt}/{spelt}", f"/providers/{spelt}", f"/families/{spelt}", f"/{spelt}"]
    for path in paths:
        page = await site.get(path)
        assert page.status_code in (200, 302, 400, 404, 414), path
        if page.status_code == 302:
            continue
        if payload.startswith(("<", '"', "'")):
            assert payload not in page.text, path
        reader = read(page.text)
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
def test_too_much_is_answered_in_a_page(server: Server, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.request("GET", path, headers=HTML)
        page = connection.getresponse()
        text = page.read().decode()
    finally:
        connection.close()
    assert page.status in (200, 400, 404, 414, 431), page.status
    if str(page.getheader("content-type")).startswith("text/html"):
        assert unfit(text) == []
    assert not LEAKS.search(read(text).text)


async def test_a_prefix_in_front_needs_no_telling(site: httpx.AsyncClient) -> None:
    for path in PAGES:
        reader = read((await site.get(path)).text)
        addresses = [
            *reader.links,
            *reader.attributes("link", "href"),
            *reader.attributes("script", "src"),
            *reader.attributes("form", "action"),
        ]
        assert not [address for address in addresses if address.startswith("/")], path


async def test_an_operators_lower_limits_are_meant_for_others(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    url = engine.url.render_as_string(hide_password=False)
    settings = settings_for(url, max_cost=100, max_depth=3, max_tokens=100, max_aliases=1)
    async with in_process(settings, engine, headers=HTML) as client:
        for path in ("/", "/models/openai/tiny-large", "/providers", "/providers/openai", "/changes", "/nothing"):
            assert (await client.get(path)).status_code == (404 if path == "/nothing" else 200), path


async def test_trouble_is_a_page_that_gives_nothing_away(tmp_path: Path) -> None:
    # No tables: whatever is asked of this database fails.
    engine = database.create_engine(f"sqlite+aiosqlite:///{tmp_path}/empty.sqlite")
    settings = settings_for(engine.url.render_as_string(hide_password=False))
    async with in_process(settings, engine, headers=HTML) as client:
        for path in ("/", "/models/openai/tiny-large", "/compare?models=a&models=b", "/changes.atom", "/nothing"):
            page = await client.get(path)
            assert page.status_code == 500, path
            assert re.search(r"Something went wrong.*Quote [0-9a-f]{12} when you report it", shown(page))
            assert not LEAKS.search(shown(page))
            assert unfit(page.text) == []
    await engine.dispose()


# How values read

READINGS = [
    (filters.amount("0.4"), "$0.40"),
    (filters.amount("0"), "$0.00"),
    (filters.amount("10"), "$10.00"),
    (filters.amount("0.175"), "$0.175"),
    (filters.amount("0.00236"), "$0.00236"),
    (filters.amount("0.39999999999999997"), "$0.40"),
    (filters.amount("1234.5"), "$1,234.50"),
    (filters.amount(None), "Not published"),
    (filters.money("0.0012345678"), "$0.001235"),
    (filters.money("12.3456"), "$12.35"),
    (filters.money("0"), "$0.00"),
    (filters.money("0.00000000012"), "$0.00000000012"),
    (filters.tokens(1_047_576), "1,047,576 tokens"),
    (filters.tokens(1), "1 token"),
    (filters.tokens(None), "Not published"),
    (filters.short(1_047_576), "1.05M"),
    (filters.short(128_000), "128K"),
    (filters.short(131_072), "131K"),
    (filters.short(999_999), "1M"),
    (filters.short(512), "512"),
    (filters.short(None), "Not published"),
    (filters.day("2026-06-17"), "17 June 2026"),
    (filters.day("2024-06"), "June 2024"),
    (filters.day("2023"), "2023"),
    (filters.day(None), "Not published"),
    (filters.date("2026-06-17"), "17 Jun 2026"),
    (filters.moment("2026-11-23T13:16:19Z"), "23 November 2026, 13:16 UTC"),
    (filters.moment(None), "Never"),
    (filters.words(["TEXT", "IMAGE", "PDF"]), "Text, image, PDF"),
    (filters.span("0", "2"), "0 to 2"),
    (filters.span("1", None), "1 or more"),
    (filters.span(None, "32768"), "up to 32,768"),
    (filters.span(None, None), ""),
    (filters.heading("contextWindow"), "Context window"),
    (filters.heading("capabilities.FUNCTION_CALLING"), "Function calling"),
    (filters.heading("parameters.top_p"), "Parameter top_p"),
    (filters.heading("accessType"), "Access type"),
    (filters.heading("prices.STANDARD.CACHE_READ"), "Cached input price"),
    (filters.heading("prices.BATCH.OUTPUT.over200000"), "Batch output price above 200,000 tokens"),
    (filters.heading("prices.STANDARD.INPUT.from16:30"), "Input price from 16:30 UTC"),
    (filters.heading("prices.PRIORITY.INPUT.since2026-10-12"), "Priority input price, in force from 12 October 2026"),
    (filters.told("2.5", "prices.STANDARD.INPUT"), "$2.50"),
    (filters.told("INCLUDED", "prices.STANDARD.INPUT"), "Included in the subscription"),
    (
        filters.told({"supported": True, "minimum": "0", "maximum": "2", "default": 1}, "parameters.t"),
        "0 to 2; default 1",
    ),
    (filters.told(True, "isFlagship"), "Yes"),
    (filters.told(["TEXT", "AUDIO"], "inputModalities"), "Text, audio"),
    (filters.told("OPEN_WEIGHTS", "accessType"), "Open weights"),
    (filters.told("0.4", "price.input"), "$0.40 per 1M tokens"),
    (filters.told(None, "license"), "Not published"),
    (filters.told([], "endpoints"), "Not published"),
    (filters.told({"supported": False}, "parameters.temperature"), "Not supported"),
    (filters.told({"supported": True}, "parameters.temperature"), "Supported"),
    (filters.reading({"type": "text"}), '{"type":"text"}'),
    (filters.reading(0.7), "0.7"),
    (filters.reading("auto"), "auto"),
    (filters.priced(None, "FREE"), "Free"),
    (filters.priced("0.4"), "$0.40"),
    (filters.plural(1, "model"), "1 model"),
    (filters.plural(2_000, "model"), "2,000 models"),
]


@pytest.mark.parametrize(("found", "expected"), READINGS)
def test_values_read_as_people_write_them(found: str, expected: str) -> None:
    assert found == expected
