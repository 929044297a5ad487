"""The promise: facets say how a filtered and searched list divides, exactly as a plain count over all models does.

Each facet ignores its own filter, except facets of traits, whose filter requires all of its values.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col

from schema import tables
from schema.enums import label
from tests.schema.lists import test_filters
from tests.schema.lists.test_filters import Model, filters, fits
from tests.support.registry import Ask

everything = test_filters.everything
LISTS = ("providers", "families", "capabilities", "inputModalities", "statuses", "accessTypes")
FACETS = (
    "facets { " + " ".join(f"{name} {{ value label count }}" for name in LISTS) + " inputPrice { min max } "
    "contextWindow { min max } }"
)
QUERY = f"""query($filter: ModelFilter, $search: String, $order: ModelOrder) {{
  models(filter: $filter, search: $search, orderBy: $order, first: 2) {{ totalCount nodes {{ ref }} {FACETS} }} }}"""
TOTAL = "query($filter: ModelFilter) { models(filter: $filter, first: 0) { totalCount } }"
Names = dict[str, dict[str, str]]
Facets = dict[str, Any]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def names(full_engine: AsyncEngine) -> Names:
    """Slug -> name of providers and families."""
    async with full_engine.connect() as connection:
        return {
            facet: {row.slug: row.name for row in await connection.execute(sa.select(col(table.slug), col(table.name)))}
            for facet, table in (("providers", tables.Provider), ("families", tables.Family))
        }


def counted(values: Iterable[str], label: Callable[[str], str]) -> list[dict[str, Any]]:
    found = [{"value": value, "label": label(value), "count": count} for value, count in Counter(values).items()]
    return sorted(found, key=lambda facet: (-facet["count"], facet["label"], facet["value"]))


def ends(values: Iterable[Any], convert: Callable[[Any], Any]) -> dict[str, Any]:
    found = sorted((value for value in values if value is not None), key=convert)
    return {"min": found[0], "max": found[-1]} if found else {"min": None, "max": None}


def plainly(models: list[Model], filter: dict[str, Any], names: Names) -> Facets:
    """The facets of a filter over some models, counted one by one."""

    def without(own: str) -> list[Model]:
        rest = {name: value for name, value in filter.items() if name != own}
        return [model for model in models if fits(model, rest)]

    left = [model for model in models if fits(model, filter)]
    of_families = [model["family"]["slug"] for model in without("families") if model["family"]]
    return {
        "providers": counted((m["provider"]["slug"] for m in without("providers")), names["providers"].__getitem__),
        "families": counted(of_families, names["families"].__getitem__),
        "capabilities": counted((word for m in left for word in m["capabilities"]), label),
        "inputModalities": counted((word for m in left for word in m["inputModalities"]), label),
        "statuses": counted((m["status"] for m in without("statuses")), label),
        "accessTypes": counted((m["accessType"] for m in without("accessTypes")), label),
        "inputPrice": ends((m["price"]["input"] for m in without("maxInputPrice")), Decimal),
        "contextWindow": ends((m["contextWindow"] for m in without("minContextWindow")), int),
    }


OWN_FILTERS: dict[str, Any] = {
    "providers": ["openai", "anthropic", "nobody"],
    "families": ["gpt-4.1", "claude-sonnet"],
    "capabilities": ["VISION", "FUNCTION_CALLING"],
    "inputModalities": ["TEXT", "IMAGE"],
    "statuses": ["ACTIVE", "DEPRECATED"],
    "accessTypes": ["CLOSED"],
    "maxInputPrice": "2.5",
    "minContextWindow": 128_000,
}
BY_HAND: list[dict[str, Any]] = [
    {},
    *({name: value} for name, value in OWN_FILTERS.items()),
    OWN_FILTERS,
    # Nested conditions apply to every facet, also conditions on the facet's own field.
    {"and": [{"providers": ["openai"]}], "providers": ["anthropic"]},
    {"or": [{"statuses": ["RETIRED"]}, {"families": ["o"]}], "not": {"accessTypes": ["CLOSED"]}},
    {"providers": [], "statuses": ["ACTIVE"]},
    {"or": []},
]


@pytest.mark.parametrize("filter", BY_HAND, ids=lambda given: "+".join(given) or "none")
async def test_facets_match_a_plain_count(
    full: Ask, everything: list[Model], names: Names, filter: dict[str, Any]
) -> None:
    assert (await full(QUERY, {"filter": filter}))["models"]["facets"] == plainly(everything, filter, names)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(filter=filters)
async def test_facets_under_random_filters_match_a_plain_count(
    full: Ask, everything: list[Model], names: Names, filter: dict[str, Any]
) -> None:
    assert (await full(QUERY, {"filter": filter}))["models"]["facets"] == plainly(everything, filter, names), filter


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(filter=filters, data=st.data())
async def test_adding_a_value_to_the_filter_leaves_as_many_models_as_its_facet_says(
    full: Ask, filter: dict[str, Any], data: st.DataObject
) -> None:
    answer = (await full(QUERY, {"filter": filter}))["models"]
    for name in LISTS:
        if not answer["facets"][name]:
            continue
        picked = data.draw(st.sampled_from(answer["facets"][name]), label=name)
        if name in ("capabilities", "inputModalities"):
            # The filter requires all of its values.
            words = {*filter.get(name, ()), picked["value"]}
            assert (await full(TOTAL, {"filter": {**filter, name: sorted(words)}}))["models"]["totalCount"] == (
                picked["count"]
            )
            continue
        alone = await full(TOTAL, {"filter": {**filter, name: [picked["value"]]}})
        assert alone["models"]["totalCount"] == picked["count"]
        given = filter.get(name)
        if given is not None and picked["value"] not in given:
            # The filter requires one of its values.
            more = await full(TOTAL, {"filter": {**filter, name: [*given, picked["value"]]}})
            assert more["models"]["totalCount"] == answer["totalCount"] + picked["count"]


async def refs(full: Ask, search: str) -> set[str]:
    """All models that a search finds."""
    query = """query($search: String, $after: String) { models(search: $search, first: 100, after: $after) {
      nodes { ref } pageInfo { hasNextPage endCursor } } }"""
    found: set[str] = set()
    cursor: str | None = None
    while True:
        page = (await full(query, {"search": search, "after": cursor}))["models"]
        found |= {node["ref"] for node in page["nodes"]}
        cursor = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


@pytest.mark.parametrize("order", [None, {"field": "NAME"}], ids=["by_relevance", "by_name"])
@pytest.mark.parametrize("search", ["gpt", "claude sonet", "qqqzzzqqq"])
async def test_facets_of_a_search_count_its_results(
    full: Ask, everything: list[Model], names: Names, search: str, order: dict[str, str] | None
) -> None:
    found = await refs(full, search)
    searched = [model for model in everything if model["ref"] in found]
    assert len(searched) == len(found)
    for filter in ({}, OWN_FILTERS, {"not": {"capabilities": ["VISION"]}, "providers": ["openrouter"]}):
        answer = await full(QUERY, {"search": search, "order": order, "filter": filter})
        assert answer["models"]["facets"] == plainly(searched, filter, names), filter
    assert bool(found) is (search != "qqqzzzqqq")


async def test_the_largest_search_result_has_facets(full: Ask) -> None:
    answer = (await full(QUERY, {"search": "open"}))["models"]
    assert answer["totalCount"] > 2_000
    assert answer["totalCount"] == sum(facet["count"] for facet in answer["facets"]["providers"])


NESTED = f"""query($filter: ModelFilter, $search: String) {{
  providers(first: 20) {{ nodes {{ slug models(filter: $filter, search: $search, first: 1) {{
    totalCount nodes {{ ref }} {FACETS} }} }} }} }}"""
NESTED_FAMILIES = f"""query($filter: ModelFilter) {{
  families(first: 20) {{ nodes {{ slug models(filter: $filter, first: 1) {{ totalCount {FACETS} }} }} }} }}"""


@pytest.mark.parametrize("filter", [{}, {"capabilities": ["VISION"], "statuses": ["ACTIVE"]}, OWN_FILTERS])
async def test_facets_below_a_provider_or_a_family_count_only_its_models(
    full: Ask, everything: list[Model], names: Names, filter: dict[str, Any]
) -> None:
    for query, field, of in ((NESTED, "providers", "provider"), (NESTED_FAMILIES, "families", "family")):
        nodes = (await full(query, {"filter": filter}))[field]["nodes"]
        assert len(nodes) == 20
        for node in nodes:
            own = [model for model in everything if model[of] and model[of]["slug"] == node["slug"]]
            assert own
            assert node["models"]["facets"] == plainly(own, filter, names), node["slug"]


async def test_facets_of_a_search_below_a_provider_count_its_results_there(
    full: Ask, everything: list[Model], names: Names
) -> None:
    found = await refs(full, "gpt")
    for node in (await full(NESTED, {"search": "gpt"}))["providers"]["nodes"]:
        own = [m for m in everything if m["ref"] in found and m["provider"]["slug"] == node["slug"]]
        assert node["models"]["totalCount"] == len(own)
        assert node["models"]["facets"] == plainly(own, {}, names), node["slug"]


def asked(statements: list[str]) -> list[str]:
    return [statement for statement in statements if statement.lstrip().upper().startswith(("SELECT", "WITH"))]


@pytest.mark.parametrize("order", [None, {"field": "INPUT_PRICE"}], ids=["by_relevance", "by_price"])
@pytest.mark.parametrize("search", [None, "gpt"])
async def test_a_page_its_total_and_every_facet_take_at_most_six_statements(
    full: Ask, statements: list[str], search: str | None, order: dict[str, str] | None
) -> None:
    for filter in BY_HAND:
        statements.clear()
        await full(QUERY, {"filter": filter, "search": search, "order": order})
        assert 0 < len(asked(statements)) <= (3 if search is None else 6), statements


async def test_facets_below_twenty_providers_take_one_statement(full: Ask, statements: list[str]) -> None:
    await full(NESTED.replace(FACETS, ""), {"filter": OWN_FILTERS})
    bare = len(asked(statements))
    statements.clear()
    await full(NESTED, {"filter": OWN_FILTERS})
    assert len(asked(statements)) == bare + 1


async def test_only_requested_facets_are_counted(full: Ask, statements: list[str]) -> None:
    async def cost(facets: str) -> tuple[int, str]:
        statements.clear()
        await full("{ models(first: 1) { nodes { ref } " + facets + " } }")
        return len(asked(statements)), statements[-1]

    assert (await cost(""))[0] == 1
    assert (await cost("facets { __typename }"))[0] == 1
    assert (await cost("facets { statuses @include(if: false) { count } }"))[0] == 1
    number, statement = await cost("facets { statuses { count } }")
    assert number == 2
    assert "GROUP BY" in statement
    assert not any(table in statement for table in ("trait", "provider.", "family.", "UNION"))
    # Under any alias, any number of times.
    assert (await cost("facets { a: statuses { count } b: statuses { value } } more: facets { statuses { label } }"))[
        0
    ] == 2


async def test_lists_under_different_filters_keep_their_own_facets(
    full: Ask, everything: list[Model], names: Names
) -> None:
    query = f"""{{
      a: models(filter: {{providers: ["openai"]}}) {{ {FACETS} }}
      b: models(filter: {{providers: ["anthropic"], statuses: [ACTIVE]}}) {{ {FACETS} }}
      provider(slug: "mistral") {{ models {{ {FACETS} }} }}
      family(slug: "mistral") {{ models {{ {FACETS} }} }} }}"""
    answer = await full(query)
    assert answer["a"]["facets"] == plainly(everything, {"providers": ["openai"]}, names)
    assert answer["b"]["facets"] == plainly(everything, {"providers": ["anthropic"], "statuses": ["ACTIVE"]}, names)
    for of in ("provider", "family"):
        own = [model for model in everything if model[of] and model[of]["slug"] == "mistral"]
        assert answer[of]["models"]["facets"] == plainly(own, {}, names)


async def test_facets_of_the_tiny_registry_can_be_checked_by_eye(ask: Ask) -> None:
    assert (await ask(QUERY, {"filter": {"providers": ["openai"]}}))["models"] == {
        "totalCount": 2,
        "nodes": [{"ref": "openai/tiny-large"}, {"ref": "openai/tiny-small"}],
        "facets": {
            "providers": [
                {"value": "openai", "label": "OpenAI", "count": 2},
                {"value": "azure", "label": "Microsoft Azure", "count": 1},
            ],
            "families": [{"value": "tiny", "label": "Tiny", "count": 2}],
            "capabilities": [
                {"value": "FUNCTION_CALLING", "label": "Function calling", "count": 2},
                {"value": "REASONING", "label": "Reasoning", "count": 1},
            ],
            "inputModalities": [
                {"value": "IMAGE", "label": "Image", "count": 1},
                {"value": "TEXT", "label": "Text", "count": 1},
            ],
            "statuses": [{"value": "ACTIVE", "label": "Active", "count": 2}],
            "accessTypes": [{"value": "CLOSED", "label": "Closed", "count": 2}],
            "inputPrice": {"min": "0.1", "max": "2.5"},
            "contextWindow": {"min": 200_000, "max": 200_000},
        },
    }
