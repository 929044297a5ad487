"""Kept answers: one execution for all who ask the same, and never an answer that no longer holds."""

import asyncio
import hashlib
import json
import os
import random
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from schema import context
from schema.context import Context
from schema.enums import Meter
from schema.graph import graph
from seeds.catalogue import Catalogue, RateClaim
from server.app import ServerState, create_app, create_state
from server.database import revisions
from server.graphql.execution import Runner, encode, response_map
from server.graphql.executor import execute
from server.graphql.operations import Executed
from server.graphql.parsing import parse
from tests.support.registry import put, settings_for, tiny

pytestmark = pytest.mark.asyncio(loop_scope="session")
PRICES = "{ models { nodes { ref name isNew price { input } prices { meter amount effectiveFrom } } } }"
LARGE = "{" + " ".join(f"a{number}: " + PRICES[1:-1] for number in range(5)) + "}"
"""Its answer is long enough to be compressed."""
QUERIES = (
    PRICES,
    "{ models(orderBy: {field: INPUT_PRICE}) { totalCount nodes { name priceCards { label input } } } }",
    '{ model(ref: "openai/tiny-large") { name provider { name modelCount } offers { ref } } }',
    "{ registry { modelCount revision { number } } }",
    "{ changes { nodes { kind field before after } } }",
    '{ model(ref: "tiny-small") { cost(usage: {inputTokens: 1000}) { total } } }',
)
REVISION = "modelmeta-revision"
STEPS = int(os.environ.get("STEPS", "150"))
SEED = int(os.environ.get("STEPS_SEED") or random.SystemRandom().randrange(10**9))


class Clock:
    """The time of the server, set by the test."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(context, "utc_now", made)
    return made


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The text of every operation that was executed."""
    seen: list[str] = []
    original = Runner.execute

    async def counting(self: Runner, operation: Any, planned: Any) -> Executed:
        seen.append(operation.prepared.text)
        await asyncio.sleep(0.01)
        return await original(self, operation, planned)

    monkeypatch.setattr(Runner, "execute", counting)
    # On a busy machine a poll of PostgreSQL may be late, and then a query is rightly executed again.
    monkeypatch.setattr(revisions, "MAX_AGE", 60)
    return seen


@pytest_asyncio.fixture(loop_scope="session")
async def state(engine: AsyncEngine) -> AsyncIterator[ServerState]:
    await put(engine, tiny())
    made = create_state(settings_for(engine.url.render_as_string(hide_password=False)), engine)
    async with made["watch"].running():
        await made["watch"].look()
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def client(state: ServerState) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(state["runner"].settings)

    async def with_state(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "state": {**state}}, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(with_state), base_url="http://registry.test") as made:
        yield made


async def ask(client: httpx.AsyncClient, query: str, **headers: str) -> httpx.Response:
    return await client.post("/graphql", json={"query": query}, headers=headers)


async def test_the_same_query_is_executed_once_however_it_is_sent(
    client: httpx.AsyncClient, executed: list[str]
) -> None:
    answers = [
        await ask(client, PRICES),
        await ask(client, PRICES),
        await client.post(
            "/graphql",
            content=json.dumps({"variables": {}, "query": PRICES}, indent=2).encode(),
            headers={"content-type": "application/json"},
        ),
        await client.get("/graphql", params={"query": PRICES}),
        await client.post("/graphql", json={"query": PRICES, "extensions": persisted(PRICES)}),
        await client.post("/graphql", json={"extensions": persisted(PRICES)}),
        await ask(client, PRICES, accept="application/graphql-response+json"),
        await ask(client, PRICES, origin="https://example.org"),
    ]
    assert len({answer.content for answer in answers}) == 1
    assert executed == [PRICES]
    assert answers[-1].headers["access-control-allow-origin"] == "*"
    assert {answer.headers[REVISION] for answer in answers} == {"1"}


def persisted(query: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(query.encode()).hexdigest()}}


async def test_identical_queries_under_way_share_one_execution(client: httpx.AsyncClient, executed: list[str]) -> None:
    await asyncio.gather(*(ask(client, PRICES) for _ in range(20)))
    assert executed == [PRICES]


async def test_no_cache_executes(client: httpx.AsyncClient, executed: list[str]) -> None:
    for _ in range(2):
        await ask(client, PRICES, **{"cache-control": "no-cache"})
    assert len(executed) == 2


@pytest.mark.parametrize(
    "query",
    [
        "{ models(first: 1000) { totalCount } }",
        '{ model(ref: "tiny-small") { cost(usage: {inputTokens: 1}) { total } } }',
        "{ registry { nextRefreshAt sources { status lastAttemptAt } } }",
        "{ __schema { queryType { name } } }",
    ],
)
async def test_errors_and_what_changes_at_any_moment_are_executed_each_time(
    client: httpx.AsyncClient, executed: list[str], query: str
) -> None:
    for _ in range(2):
        await ask(client, query)
    assert len(executed) == 2


async def test_a_cost_at_a_given_time_is_kept(client: httpx.AsyncClient, executed: list[str]) -> None:
    query = '{ model(ref: "tiny-small") { cost(asOf: "2026-11-01T00:00:00Z", usage: {inputTokens: 1}) { total } } }'
    for _ in range(2):
        assert "errors" not in (await ask(client, query)).json()
    assert len(executed) == 1


async def test_variables_and_operation_names_make_different_answers(
    client: httpx.AsyncClient, executed: list[str]
) -> None:
    text = "query A($n: Int) { models(first: $n) { nodes { ref } } } query B { registry { modelCount } }"
    seen: set[bytes] = set()
    for name, variables in (("A", {"n": 1}), ("A", {"n": 2}), ("A", {"n": None}), ("A", {}), ("B", {})):
        for _ in range(2):
            body = {"query": text, "operationName": name, "variables": variables}
            seen.add((await client.post("/graphql", json=body)).content)
    assert (len(seen), len(executed)) == (4, 5)


async def test_it_is_compressed_as_the_client_accepts(client: httpx.AsyncClient, executed: list[str]) -> None:
    plain = await ask(client, LARGE, **{"accept-encoding": "identity"})
    for coding in ("br", "gzip"):
        answer = await ask(client, LARGE, **{"accept-encoding": coding})
        assert answer.headers["content-encoding"] == coding
        assert "accept-encoding" in answer.headers["vary"].lower()
        assert answer.content == plain.content
        assert int(answer.headers["content-length"]) < len(plain.content)
    assert len(executed) == 1


async def test_each_coding_has_its_own_entity_tag(client: httpx.AsyncClient, executed: list[str]) -> None:
    tags = set[str]()
    for coding in ("identity", "gzip", "br"):
        headers = {"accept-encoding": coding}
        first = await client.get("/graphql", params={"query": LARGE}, headers=headers)
        tags.add(first.headers["etag"])
        for _ in range(2):
            again = await client.get(
                "/graphql", params={"query": LARGE}, headers={**headers, "if-none-match": first.headers["etag"]}
            )
            assert (again.status_code, again.content) == (304, b"")
    assert (len(tags), len(executed)) == (3, 1)


async def expected(engine: AsyncEngine, query: str) -> bytes:
    """The answer from graphql-core, with nothing kept."""
    made = Context(engine)
    try:
        result: Any = execute(graph, parse(query, 5_000), None, {}, made)
        return encode(response_map(await result))
    finally:
        await made.close()


def changed(step: int, first: date) -> list[Catalogue]:
    """The tiny registry in another state: another name, and a price that comes into force some days later."""
    curated, listed, priced = tiny()
    large = listed.models[0]
    large.facts["name"] = f"Tiny Large {step}"
    large.rates = [
        RateClaim(Meter.INPUT, Decimal(step), effective_to=first + timedelta(days=step % 3)),
        RateClaim(Meter.INPUT, Decimal(step + 1), effective_from=first + timedelta(days=step % 3)),
    ]
    return [curated, listed, priced]


async def test_no_answer_is_older_than_the_revision_it_names_or_wrong_for_its_day(
    engine: AsyncEngine, state: ServerState, client: httpx.AsyncClient, clock: Clock
) -> None:
    print(f"STEPS_SEED={SEED}")
    chance, revision, right = random.Random(SEED), 1, dict[tuple[int, date, str], bytes]()

    async def learn() -> None:
        for query in QUERIES:
            right[revision, clock.now.date(), query] = await expected(engine, query)

    async def read() -> None:
        query, begun = chance.choice(QUERIES), revision
        if chance.random() < 0.5:
            answer = await ask(client, query)
        else:
            answer = await client.get("/graphql", params={"query": query})
        named = int(answer.headers.get(REVISION, 0))
        if named:
            # On PostgreSQL the latest revision is known from a poll.
            assert named >= begun - (engine.dialect.name == "postgresql"), (named, begun)
            assert answer.content == right[named, clock.now.date(), query], (named, query)
        elif begun == revision:
            assert answer.content == right[revision, clock.now.date(), query], query

    await learn()
    for step in range(STEPS):
        match chance.randrange(10):
            case 0:
                clock.now += timedelta(days=1)
                await learn()
            case 1:
                outcome = asyncio.create_task(put(engine, changed(step, clock.now.date()), clock.now))
                # Readers that run beside the writer get the state before it or the state after it.
                pending = [asyncio.create_task(read_beside(client, chance)) for _ in range(5)]
                await outcome
                revision += 1
                await learn()
                for query, named, content in await asyncio.gather(*pending):
                    assert not named or content == right[named, clock.now.date(), query], (named, query)
                if engine.dialect.name == "postgresql":
                    await state["watch"].look()
            case _:
                await asyncio.gather(*(read() for _ in range(chance.randint(1, 4))))


async def read_beside(client: httpx.AsyncClient, chance: random.Random) -> tuple[str, int, bytes]:
    query = chance.choice(QUERIES)
    answer = await ask(client, query)
    return query, int(answer.headers.get(REVISION, 0)), answer.content


async def test_what_a_client_writes_counts_toward_the_memory_of_what_is_kept(
    state: ServerState, client: httpx.AsyncClient
) -> None:
    names = [f"{number:03}" + "x" * 400 for number in range(200)]
    query = "query($names: [String!]) { models(filter: {providers: $names}) { nodes { ref } } }"
    kept = state["runner"].context(revision=1).state.kept.at(1)
    assert kept is not None
    before = kept.bytes
    answer = await client.post("/graphql", json={"query": query, "variables": {"names": names}})
    assert answer.json() == {"data": {"models": {"nodes": []}}}
    assert kept.bytes - before > sum(map(len, names))


async def test_an_unexpected_error_is_hidden_behind_an_id(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(Runner, "execute", broken)
    answer = await ask(client, PRICES)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]["code"]) == (500, "INTERNAL_SERVER_ERROR")
    assert "Quote " in error["message"]
    assert "secret" not in answer.text
