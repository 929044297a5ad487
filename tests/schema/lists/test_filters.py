"""The promise: a filter selects exactly the models that a plain check in Python selects."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schema.enums import AccessType, Capability, Modality, ModelStatus, PricePublication, ProviderKind
from tests.support.registry import Ask

ALL = """query($after: String) { models(first: 100, after: $after) {
  nodes { ref status accessType contextWindow maxOutputTokens releaseDate knowledgeCutoff
    price { input output publication } provider { slug kind } family { slug }
    capabilities inputModalities outputModalities endpoints useCases parameters { name supported } }
  pageInfo { hasNextPage endCursor } } }"""
Model = dict[str, Any]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def everything(full_engine: Any) -> list[Model]:
    from tests.support.registry import asker

    ask = asker(full_engine)
    found: list[Model] = []
    cursor: str | None = None
    while True:
        page = (await ask(ALL, {"after": cursor}))["models"]
        found += page["nodes"]
        cursor = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


def at_least(path: Callable[[Model], Any], convert: Callable[[Any], Any] = lambda v: v) -> Callable[[Model, Any], bool]:
    return lambda m, v: path(m) is not None and convert(path(m)) >= convert(v)


def at_most(path: Callable[[Model], Any], convert: Callable[[Any], Any] = lambda v: v) -> Callable[[Model, Any], bool]:
    return lambda m, v: path(m) is not None and convert(path(m)) <= convert(v)


def names(enum: Any, most: int = 2) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from([member.name for member in enum]), max_size=most, unique=True)


dates = st.dates(date(2024, 1, 1), date(2026, 11, 1)).map(date.isoformat)
amounts = st.decimals(Decimal("0"), Decimal("20"), places=3).map(str)
FILTERS: dict[str, tuple[st.SearchStrategy[Any], Callable[[Model, Any], bool]]] = {
    "providers": (
        st.lists(st.sampled_from(["openai", "anthropic", "openrouter", "nobody"]), max_size=3),
        lambda m, v: m["provider"]["slug"] in v,
    ),
    "providerKinds": (names(ProviderKind), lambda m, v: m["provider"]["kind"] in v),
    "families": (
        st.lists(st.sampled_from(["gpt-4.1", "claude-sonnet", "qwen3", "nothing"]), max_size=3),
        lambda m, v: m["family"] is not None and m["family"]["slug"] in v,
    ),
    "statuses": (names(ModelStatus, 3), lambda m, v: m["status"] in v),
    "accessTypes": (names(AccessType), lambda m, v: m["accessType"] in v),
    "capabilities": (names(Capability), lambda m, v: set(v) <= set(m["capabilities"])),
    "inputModalities": (names(Modality), lambda m, v: set(v) <= set(m["inputModalities"])),
    "outputModalities": (names(Modality, 1), lambda m, v: set(v) <= set(m["outputModalities"])),
    "endpoints": (
        st.lists(st.sampled_from(["CHAT_COMPLETIONS", "RESPONSES", "BATCH", "EMBEDDINGS"]), max_size=2, unique=True),
        lambda m, v: set(v) <= set(m["endpoints"]),
    ),
    "useCases": (
        st.lists(st.sampled_from(["CODING", "AGENTS", "EMBEDDING", "VISION"]), max_size=2, unique=True),
        lambda m, v: set(v) <= set(m["useCases"]),
    ),
    "parameters": (
        st.lists(st.sampled_from(["temperature", "top_p", "reasoning_effort", "nothing"]), max_size=2, unique=True),
        lambda m, v: set(v) <= {each["name"] for each in m["parameters"] if each["supported"]},
    ),
    "minContextWindow": (
        st.sampled_from([0, 8_192, 128_000, 200_000, 1_047_576]),
        at_least(lambda m: m["contextWindow"]),
    ),
    "minOutputTokens": (st.sampled_from([1, 4_096, 32_768, 100_000]), at_least(lambda m: m["maxOutputTokens"])),
    "maxInputPrice": (amounts, at_most(lambda m: m["price"]["input"], Decimal)),
    "maxOutputPrice": (amounts, at_most(lambda m: m["price"]["output"], Decimal)),
    "pricePublication": (names(PricePublication), lambda m, v: m["price"]["publication"] in v),
    "releasedAfter": (dates, at_least(lambda m: m["releaseDate"])),
    "releasedBefore": (dates, at_most(lambda m: m["releaseDate"])),
    "knowledgeAfter": (dates, at_least(lambda m: m["knowledgeCutoff"])),
}


def fits(model: Model, filter: dict[str, Any]) -> bool:
    for name, value in filter.items():
        match name:
            case "and":
                found = all(fits(model, each) for each in value)
            case "or":
                found = any(fits(model, each) for each in value)
            case "not":
                found = not fits(model, value)
            case _:
                found = FILTERS[name][1](model, value)
        if not found:
            return False
    return True


@st.composite
def plain_filters(draw: st.DrawFn) -> dict[str, Any]:
    chosen = draw(st.lists(st.sampled_from(sorted(FILTERS)), max_size=3, unique=True))
    return {name: draw(FILTERS[name][0]) for name in chosen}


def joined(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    parts: dict[str, st.SearchStrategy[Any]] = {
        "and": st.lists(inner, max_size=2),
        "or": st.lists(inner, max_size=3),
        "not": inner,
    }
    return st.fixed_dictionaries({}, optional=parts)


filters: st.SearchStrategy[dict[str, Any]] = st.recursive(plain_filters(), joined, max_leaves=5)


def test_every_filter_is_checked_here() -> None:
    from schema.graph import graph

    assert set(graph.type_map["ModelFilter"].fields) == {*FILTERS, "and", "or", "not"}  # type: ignore[attr-defined] # an input


@pytest.mark.parametrize("name", sorted(FILTERS))
async def test_each_filter_alone_matches_a_plain_check(full: Ask, everything: list[Model], name: str) -> None:
    await check(full, everything, {name: SAMPLES[name]})


SAMPLES: dict[str, Any] = {
    "providers": ["openai", "anthropic"],
    "providerKinds": ["LAB"],
    "families": ["gpt-4.1"],
    "statuses": ["DEPRECATED", "PREVIEW"],
    "accessTypes": ["OPEN_WEIGHTS"],
    "capabilities": ["FUNCTION_CALLING", "VISION"],
    "inputModalities": ["TEXT", "IMAGE"],
    "outputModalities": ["IMAGE"],
    "endpoints": ["RESPONSES"],
    "useCases": ["CODING"],
    "parameters": ["temperature", "top_p"],
    "minContextWindow": 200_000,
    "minOutputTokens": 32_768,
    "maxInputPrice": "1",
    "maxOutputPrice": "2.5",
    "pricePublication": ["NOT_PUBLISHED"],
    "releasedAfter": "2026-01-01",
    "releasedBefore": "2024-06-30",
    "knowledgeAfter": "2025-06-01",
}


async def check(full: Ask, everything: list[Model], filter: dict[str, Any]) -> None:
    expected = {model["ref"] for model in everything if fits(model, filter)}
    query = "query($filter: ModelFilter) { models(filter: $filter, first: 100) { totalCount nodes { ref } } }"
    found = (await full(query, {"filter": filter}))["models"]
    assert found["totalCount"] == len(expected), filter
    assert {node["ref"] for node in found["nodes"]} <= expected


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(filter=filters)
async def test_random_combinations_of_filters_match_a_plain_check(
    full: Ask, everything: list[Model], filter: dict[str, Any]
) -> None:
    await check(full, everything, filter)


async def test_a_filter_that_is_null_is_ignored(full: Ask) -> None:
    query = "query($filter: ModelFilter) { models(filter: $filter) { totalCount } }"
    everything = (await full(query))["models"]["totalCount"]
    nothing: list[dict[str, Any] | None] = [None, {}, {"providers": None, "not": None}, {"and": []}]
    for filter in nothing:
        assert (await full(query, {"filter": filter}))["models"]["totalCount"] == everything
    assert (await full(query, {"filter": {"or": []}}))["models"]["totalCount"] == 0


async def test_filters_that_are_too_large_are_refused(full: Ask) -> None:
    query = "query($filter: ModelFilter) { models(filter: $filter) { totalCount } }"
    deep: dict[str, Any] = {}
    for _ in range(10):
        deep = {"not": deep}
    for filter in (deep, {"providers": ["x"] * 201}):
        (error,) = (await full(query, {"filter": filter}, errors=True))["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_providers_are_filtered_by_the_models_they_serve(full: Ask) -> None:
    query = """{ providers(first: 100, filter: {kinds: [LAB], models: {outputModalities: [IMAGE]}}) {
      nodes { slug kind models(filter: {outputModalities: [IMAGE]}) { totalCount } } } }"""
    nodes = (await full(query))["providers"]["nodes"]
    assert "openai" in [node["slug"] for node in nodes]
    assert all(node["kind"] == "LAB" and node["models"]["totalCount"] > 0 for node in nodes)
