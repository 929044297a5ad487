"""The promise: changes can be found by every filter, newest first, and their pages do not shift."""

import base64
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from schema import tables
from schema.enums import ChangeKind, Meter, ProviderKind
from schema.lists.cursors import Listing, encode
from schema.lists.filters import ChangeFilter
from schema.lists.listings import NEWEST_CHANGES
from seeds.catalogue import Catalogue, ModelClaims, ProviderClaims, RateClaim
from seeds.store.rows import insert
from server import database
from tests.support.registry import NOW, Ask, asker, create_database, drop_database, put, tiny
from tests.support.subscribers import priced_registry

Change = dict[str, Any]
ALL = """query($filter: ChangeFilter, $after: String) { changes(filter: $filter, first: 100, after: $after) {
  totalCount nodes { kind field before after observedAt model { ref } provider { slug } revision { number } }
  pageInfo { hasNextPage endCursor } } }"""
DAY = timedelta(days=1)


def dearer() -> list[Catalogue]:
    """The tiny registry a day later: a price, a limit and a capability have changed."""
    catalogues = tiny()
    large = catalogues[2].models[0]
    large.facts["max_output_tokens"] = 65_536
    large.capabilities["FINE_TUNING"] = True
    catalogues[1].models[0].rates[0] = RateClaim(Meter.INPUT, catalogues[1].models[0].rates[0].amount * 2)  # type: ignore[operator] # it has an amount
    return catalogues


def smaller() -> list[Catalogue]:
    """The tiny registry without its small models, and with one more provider, which has a model of its own."""
    catalogues = tiny()
    catalogues[0].providers["acme"] = ProviderClaims("Acme", ProviderKind.GATEWAY)
    catalogues[2].models = [model for model in catalogues[2].models if model.slug != "tiny-small"]
    catalogues[2].models.append(ModelClaims("acme", "anew", facts={"name": "Anew"}))
    return catalogues


# Two revisions, checked by eye


async def test_changes_of_a_refresh_are_listed_newest_first(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    await put(engine, dearer(), NOW + DAY)
    ask = asker(engine)
    query = """{ changes { totalCount edges { node { kind field before after observedAt
      model { ref } provider { slug } revision { number createdAt changeCount } } }
      pageInfo { hasNextPage hasPreviousPage } } }"""
    shared = {
        "observedAt": "2026-11-24T12:00:00Z",
        "model": {"ref": "openai/tiny-large"},
        "provider": {"slug": "openai"},
        "revision": {"number": 2, "createdAt": "2026-11-24T12:00:00Z", "changeCount": 3},
    }
    moved = [
        {"kind": "PRICE_CHANGED", "field": "prices.STANDARD.INPUT", "before": "2.5", "after": "5"},
        {"kind": "LIMIT_CHANGED", "field": "maxOutputTokens", "before": 32_768, "after": 65_536},
        {"kind": "FACT_CHANGED", "field": "capabilities.FINE_TUNING", "before": False, "after": True},
    ]
    assert await ask(query) == {
        "changes": {
            "totalCount": 3,
            "edges": [{"node": each | shared} for each in moved],
            "pageInfo": {"hasNextPage": False, "hasPreviousPage": False},
        }
    }


async def test_models_and_revisions_list_their_changes(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    await put(engine, dearer(), NOW + DAY)
    await put(engine, smaller(), NOW + 2 * DAY)
    query = """{
      model(ref: "openai/tiny-small") { changes { totalCount nodes { kind field before after revision { number } } } }
      models(orderBy: {field: NAME}) { nodes { ref changes(first: 1) { totalCount nodes { kind } pageInfo { hasNextPage } } } }
      changes(first: 1) { nodes { revision { number changeCount changes(last: 2) { totalCount nodes { kind provider { slug } } pageInfo { hasPreviousPage } } } } }
      registry { revision { changes(first: 0) { totalCount nodes { kind } } } }
    }"""
    retired = {"kind": "MODEL_RETIRED", "field": "status", "before": "ACTIVE", "after": "RETIRED"}
    assert await asker(engine)(query) == {
        "model": {"changes": {"totalCount": 1, "nodes": [{**retired, "revision": {"number": 3}}]}},
        "models": {
            "nodes": [
                {
                    "ref": "acme/anew",
                    "changes": {
                        "totalCount": 1,
                        "nodes": [{"kind": "MODEL_ADDED"}],
                        "pageInfo": {"hasNextPage": False},
                    },
                },
                {
                    "ref": "openai/tiny-large",
                    "changes": {
                        "totalCount": 6,
                        "nodes": [{"kind": "PRICE_CHANGED"}],
                        "pageInfo": {"hasNextPage": True},
                    },
                },
                {
                    "ref": "openai/tiny-small",
                    "changes": {
                        "totalCount": 1,
                        "nodes": [{"kind": "MODEL_RETIRED"}],
                        "pageInfo": {"hasNextPage": False},
                    },
                },
                {
                    "ref": "azure/tiny-small",
                    "changes": {
                        "totalCount": 1,
                        "nodes": [{"kind": "MODEL_RETIRED"}],
                        "pageInfo": {"hasNextPage": False},
                    },
                },
            ]
        },
        "changes": {
            "nodes": [
                {
                    "revision": {
                        "number": 3,
                        "changeCount": 7,
                        "changes": {
                            "totalCount": 7,
                            "nodes": [
                                {"kind": "MODEL_RETIRED", "provider": {"slug": "azure"}},
                                {"kind": "PROVIDER_ADDED", "provider": {"slug": "acme"}},
                            ],
                            "pageInfo": {"hasPreviousPage": True},
                        },
                    }
                }
            ]
        },
        "registry": {"revision": {"changes": {"totalCount": 7, "nodes": []}}},
    }


async def test_a_change_is_found_by_its_id(engine: AsyncEngine) -> None:
    await put(engine, tiny())
    await put(engine, dearer(), NOW + DAY)
    ask = asker(engine)
    nodes = (await ask("{ changes { nodes { id field } } }"))["changes"]["nodes"]
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Change { field } } }"
    strange = [
        base64.b64encode(f"Change:{key}".encode()).decode() for key in ("0", "01", "-1", "²", "9" * 9, "9" * 30, "x")
    ]
    answer = await ask(query, {"ids": [*(node["id"] for node in nodes), *strange]})
    assert answer["nodes"] == [{"__typename": "Change", **node} for node in nodes] + [None] * len(strange)
    assert len({node["id"] for node in nodes}) == 3


async def test_a_first_load_has_no_changes(ask: Ask) -> None:
    query = "{ changes { totalCount nodes { kind } } registry { revision { changes { totalCount } } } }"
    assert await ask(query) == {
        "changes": {"totalCount": 0, "nodes": []},
        "registry": {"revision": {"changes": {"totalCount": 0}}},
    }


# Pages


async def test_a_cursor_continues_at_its_place_after_later_refreshes(engine: AsyncEngine) -> None:
    await put(engine, priced_registry(1, 10))
    await put(engine, priced_registry(2, 10), NOW + DAY)
    ask = asker(engine)
    query = """query($first: Int, $after: String, $last: Int, $before: String) {
      changes(first: $first, after: $after, last: $last, before: $before, filter: {kinds: [PRICE_CHANGED]}) {
        nodes { field model { ref } revision { number } }
        pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }"""
    whole = (await ask(query))["changes"]["nodes"]
    page = (await ask(query, {"first": 7}))["changes"]
    await put(engine, priced_registry(3, 10), NOW + 2 * DAY)
    rest = (await ask(query, {"first": 100, "after": page["pageInfo"]["endCursor"]}))["changes"]
    assert page["nodes"] + rest["nodes"] == whole
    assert len(whole) == 20
    # Backward: later changes come before the first page, the oldest of them last.
    newer = (await ask(query, {"last": 5, "before": page["pageInfo"]["startCursor"]}))["changes"]
    assert [each["revision"]["number"] for each in newer["nodes"]] == [3] * 5
    assert newer["nodes"] == (await ask(query, {"first": 20}))["changes"]["nodes"][-5:]
    assert (newer["pageInfo"]["hasPreviousPage"], newer["pageInfo"]["hasNextPage"]) == (True, True)


@pytest.mark.parametrize("key", ["abc", 2**31, -(2**40), 1.5, True, None, [], {"id": 1}, "1"])
async def test_a_forged_cursor_is_refused(engine: AsyncEngine, key: Any) -> None:
    await put(engine, tiny())
    stamp = Listing(tables.Change, NEWEST_CHANGES, (), '["changes",null]').stamp
    query = "query($cursor: String) { changes(after: $cursor) { nodes { kind } } }"
    ask = asker(engine)
    assert await ask(query, {"cursor": encode(stamp, None, 1)}) == {"changes": {"nodes": []}}
    (error,) = (await ask(query, {"cursor": encode(stamp, None, key)}, errors=True))["errors"]
    assert error["extensions"]["code"] == "BAD_CURSOR"


async def test_a_page_of_models_and_all_their_changes_is_one_statement_each(engine: AsyncEngine) -> None:
    await put(engine, priced_registry(1, 15))
    await put(engine, priced_registry(2, 15), NOW + DAY)
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    query = """{ models(first: 20) { nodes { ref changes(first: 2) { totalCount
      nodes { field revision { number changes(first: 3) { nodes { field } } } model { ref } provider { slug } } } } } }"""
    nodes = (await asker(engine)(query))["models"]["nodes"]
    assert sum(len(node["changes"]["nodes"]) for node in nodes) == 30
    # Models, their changes, how many; then the changes' models, providers, revisions, and changes of those.
    selects = [statement for statement in seen if statement.lstrip().upper().startswith(("SELECT", "WITH"))]
    assert len(selects) == 7, selects


# Filters

REVISIONS = [tiny(), dearer(), smaller(), tiny(), priced_registry(4, 2), priced_registry(5, 2)]
ODD = (
    "prices",
    "Prices.STANDARD",
    "price.input",
    "prices_old.BATCH",
    "prices%",
    "capabilities",
    "contextWindow.x",
    None,
)
"""Names of facts of which some begin, or almost begin, with others."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def eventful(kind: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ask]:
    """A registry with six revisions, and a few unusual changes."""
    url = await create_database(kind, tmp_path_factory.mktemp("eventful"))
    engine = database.create_engine(url)
    await database.prepare(engine)
    for number, catalogues in enumerate(REVISIONS):
        await put(engine, catalogues, NOW + number * DAY)
    odd = [
        {
            "revision_number": 1 + number % 6,
            "kind": ChangeKind.FACT_CHANGED,
            "model_ref": ref,
            "provider_slug": provider,
            "field": name,
            "before": None,
            "after": None,
            "observed_at": datetime(2026, 11, 20 + number, 1, 2, 3, tzinfo=UTC),
        }
        for number, name in enumerate(ODD)
        for ref, provider in (("openai/gone", "openai"), (None, None))
    ]
    async with database.writing(engine) as connection:
        await insert(connection, tables.Change, odd)
    yield asker(engine)
    await engine.dispose()
    await drop_database(url)


async def found(ask: Ask, filter: dict[str, Any] | None = None) -> list[Change]:
    """All changes that match, in listing order."""
    nodes: list[Change] = []
    cursor: str | None = None
    while True:
        page = (await ask(ALL, {"filter": filter, "after": cursor}))["changes"]
        nodes += page["nodes"]
        cursor = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            assert page["totalCount"] == len(nodes)
            return nodes


SPELLINGS = {
    "openai/tiny-large": "openai/tiny-large",
    "openai:tiny-small": "openai/tiny-small",
    "tiny-small@azure": "azure/tiny-small",
    "tiny-small": "openai/tiny-small",
    " tiny-large ": "openai/tiny-large",
    "daily-000": "openai/daily-000",
    "openai/Tiny-Large": "openai/tiny-large",
    "nobody's": None,
    "": None,
}
"""Reference -> the model it means."""
moments = st.datetimes(datetime(2026, 11, 19), datetime(2026, 12, 1)).map(lambda moment: moment.isoformat() + "Z")  # noqa: DTZ001 - the Z says it
FILTERS: dict[str, tuple[st.SearchStrategy[Any], Callable[[Change, Any], bool]]] = {
    "kinds": (
        st.lists(st.sampled_from([kind.name for kind in ChangeKind]), max_size=3),
        lambda change, value: change["kind"] in value,
    ),
    "models": (
        st.lists(st.sampled_from(sorted(SPELLINGS)), max_size=3),
        lambda change, value: (
            change["model"] is not None and change["model"]["ref"] in {SPELLINGS[each] for each in value}
        ),
    ),
    "providers": (
        st.lists(st.sampled_from(["openai", "azure", "acme", "OpenAI", "nobody"]), max_size=2),
        lambda change, value: change["provider"] is not None and change["provider"]["slug"] in value,
    ),
    "fields": (
        st.lists(
            st.sampled_from([*filter(None, ODD), "prices.STANDARD", "PRICES", "prices.", "name", "", "contextWindow"]),
            max_size=2,
        ),
        lambda change, value: (
            change["field"] is not None
            and any(change["field"] == each or change["field"].startswith(f"{each}.") for each in value)
        ),
    ),
    "since": (
        moments,
        lambda change, value: datetime.fromisoformat(change["observedAt"]) >= datetime.fromisoformat(value),
    ),
    "sinceRevision": (st.integers(-1, 7), lambda change, value: change["revision"]["number"] > value),
}


def test_every_filter_is_checked_here() -> None:
    from schema.graph import graph

    assert set(graph.type_map["ChangeFilter"].fields) == set(FILTERS)  # type: ignore[attr-defined] # it is an input


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def everything(eventful: Ask) -> list[Change]:
    """All changes of the registry."""
    changes = await found(eventful)
    assert len(changes) > 30
    assert {each["kind"] for each in changes} >= {"PROVIDER_ADDED", "MODEL_ADDED", "MODEL_RETIRED", "MODEL_RETURNED"}
    return changes


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(filter=st.fixed_dictionaries({}, optional={name: values for name, (values, _) in FILTERS.items()}))
async def test_filters_match_a_plain_check(eventful: Ask, everything: list[Change], filter: dict[str, Any]) -> None:
    expected = [each for each in everything if all(FILTERS[name][1](each, value) for name, value in filter.items())]
    assert await found(eventful, filter) == expected


async def test_a_model_no_provider_serves_any_more_is_found_by_its_exact_reference(eventful: Ask) -> None:
    changes = await found(eventful, {"models": ["openai/gone"]})
    assert [each["field"] for each in changes] == list(reversed(ODD))
    assert {each["model"] for each in changes} == {None}


@pytest.mark.parametrize("filter", [{"models": ["x"] * 201}, {"fields": ["x"] * 201}, {"kinds": ["MODEL_ADDED"] * 201}])
async def test_a_filter_that_is_too_large_is_refused(eventful: Ask, filter: dict[str, Any]) -> None:
    (error,) = (await eventful(ALL, {"filter": filter}, errors=True))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "at most 200" in error["message"]


async def test_the_largest_filter_is_answered(eventful: Ask) -> None:
    names = [f"name {number}" for number in range(199)]
    filter = {"models": [*names, "tiny-large"], "fields": [*names, "prices"], "providers": [*names, "openai"]}
    assert await found(eventful, filter) == await found(eventful, {"models": ["tiny-large"], "fields": ["prices"]})


@pytest.mark.parametrize("name", ["\x00", "%", "_", "'", "é", "💰" * 300, "x" * 500, "a\\"])
async def test_unknown_names_find_nothing(eventful: Ask, name: str) -> None:
    for filter in ({"models": [name]}, {"providers": [name]}, {"fields": [name]}):
        assert await found(eventful, filter) == []


@pytest.mark.parametrize("name", ["models", "providers", "fields"])
async def test_a_text_longer_than_any_name_is_refused(eventful: Ask, name: str) -> None:
    (error,) = (await eventful(ALL, {"filter": {name: ["x" * 501]}}, errors=True))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "500 characters" in error["message"]


async def test_every_filter_has_an_index_in_the_order_of_changes(engine: AsyncEngine) -> None:
    def indexes(sync: sa.Connection) -> set[str | None]:
        return {index["column_names"][0] for index in sa.inspect(sync).get_indexes("change")}

    async with database.reading(engine) as connection:
        leading = await connection.run_sync(indexes)
    assert leading == {"revision_number", "kind", "model_ref", "provider_slug", "field", "observed_at"}
    assert len(leading) == len(FILTERS) == len(ChangeFilter.__annotations__)
    assert {index.columns.keys()[-1] for index in tables.Table.metadata.tables["change"].indexes} == {"id"}
