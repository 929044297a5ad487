"""The promise: the URL determines the list, and every list can be linked to."""

import re
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from tests.support.html import parse_page, raw_values
from tests.support.pages import listed_refs, visible_text
from tests.support.registry import Ask

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
    (next_link,) = [
        attributes["href"] for _, attributes in parse_page(first.text).elements if attributes.get("rel") == "next"
    ]
    second = await site.get(urljoin(str(first.url), next_link))
    (previous_link,) = [
        attributes["href"] for _, attributes in parse_page(second.text).elements if attributes.get("rel") == "prev"
    ]
    assert not set(listed_refs(first)) & set(listed_refs(second))
    assert len(listed_refs(second)) == 40
    assert listed_refs(await site.get(urljoin(str(second.url), previous_link))) == listed_refs(first)


async def test_column_headers_sort_and_show_the_direction(site: httpx.AsyncClient) -> None:
    page = await site.get("/?q=mini")
    assert not [
        attributes for tag, attributes in parse_page(page.text).elements if tag == "th" and "aria-sort" in attributes
    ]
    for name, usual, other in (("context", "descending", "ascending"), ("input-price", "ascending", "descending")):
        once = await site.get(f"/?q=mini&sort={name}")
        assert [
            attributes["aria-sort"] for _, attributes in parse_page(once.text).elements if "aria-sort" in attributes
        ] == [usual]
        (reverse_link,) = [link for link in parse_page(once.text).links if f"sort={name}" in link and "order=" in link]
        twice = await site.get(urljoin(str(once.url), reverse_link))
        assert [
            attributes["aria-sort"] for _, attributes in parse_page(twice.text).elements if "aria-sort" in attributes
        ] == [other]


async def test_each_active_filter_can_be_removed(site: httpx.AsyncClient) -> None:
    page = await site.get("/?q=gpt&capability=vision&context=200k&price=5&provider=openai")
    parsed = parse_page(page.text)
    for expected in ("Capability: Vision", "Context: at least 200K", "Input price: up to $5", "Provider: OpenAI"):
        assert expected in parsed.text, expected
    without_capability = [
        link for link in parsed.links if "q=gpt" in link and "sort" not in link and "capability" not in link
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
