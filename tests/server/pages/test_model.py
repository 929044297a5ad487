"""The promise: a model page shows what is known, says what is unknown, and calculates costs without JavaScript."""

import re
from urllib.parse import quote, urljoin

import httpx
import pytest

from tests.support.html import parse_page, raw_values
from tests.support.pages import HTML, visible_text
from tests.support.registry import Ask
from tests.support.servers import Server


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
        "Deprecation date No date announced",
        "A dash (—) means unknown",
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
        parsed = parse_page(page.text)
        assert ("button", slug) in [(tag, attributes.get("data-copy")) for tag, attributes in parsed.elements]
        (canonical,) = [
            attributes["href"]
            for tag, attributes in parsed.elements
            if tag == "link" and attributes["rel"] == "canonical"
        ]
        again = await site.get(urljoin(str(page.url), canonical))
        assert (again.status_code, parse_page(again.text).headings[0]) == (200, parsed.headings[0])


async def test_an_alias_of_a_model_redirects_to_its_page(site: httpx.AsyncClient) -> None:
    redirect = await site.get("/models/openai/gpt-4.1-mini-2025-04-14")
    assert redirect.status_code == 302
    assert urljoin(str(redirect.url), redirect.headers["location"]) == "http://registry.test/models/openai/gpt-4.1-mini"
