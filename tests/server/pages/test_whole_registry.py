"""The promise: no page of the whole registry shows raw values."""

import random
from urllib.parse import quote

import httpx

from tests.support.html import raw_values
from tests.support.registry import Ask

SAMPLE = {"sqlite": 300, "postgresql": 40}
"""How many models of the whole registry are checked."""


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
    sample = random.Random(20261123).sample(refs, SAMPLE[kind])
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
