"""Plans: what they look like, what they cover, and what running them reads."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from server.database.revisions import Watch
from server.graphql.execution import Runner, encode
from server.graphql.operations import PreparedOperation, Request
from tests.support.registry import settings_for
from tests.support.servers import modelmeta, tiny_database

pytestmark = pytest.mark.asyncio(loop_scope="session")
MODELS = """{ models(first: 20, orderBy: {field: NAME, direction: ASC}) {
  nodes { name provider { name } prices { amount source { name } } } pageInfo { hasNextPage } } }"""


@pytest_asyncio.fixture(loop_scope="session")
async def runner(full_engine: AsyncEngine) -> AsyncIterator[Runner]:
    settings = settings_for(full_engine.url.render_as_string(hide_password=False))
    async with Watch(full_engine).running() as watch:
        await watch.look()
        yield Runner(full_engine, settings, watch)


def prepared(runner: Runner, text: str, **variables: object) -> PreparedOperation:
    return runner.prepare(Request(text, variables, None, {}))


async def test_a_plan_says_what_it_loads_and_what_it_depends_on(runner: Runner) -> None:
    text = "query($ref: String!, $all: Boolean!) { model(ref: $ref) { ...Card isNew @include(if: $all) } }"
    fragment = "fragment Card on Model { title: name provider { name } price { input } }"
    shown = runner.explain(prepared(runner, f"{text} {fragment}", ref="x", all=True))
    assert shown.splitlines() == [
        "Query",
        "  model: Query.model <- models_by_reference (arguments from variables)",
        "    title",
        "    provider: Model.provider <- Provider by slug",
        "      name",
        "    price: Model.price",
        "      input",
        "    isNew: Model.isNew (changes with the day)",
    ]
    without = runner.explain(prepared(runner, f"{text} {fragment}", ref="x", all=False))
    assert "isNew" not in without


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{ __schema { queryType { name } } }", "introspection (__schema)"),
        ("mutation { refreshRegistry { sources { slug } } }", "a mutation"),
    ],
)
async def test_what_no_plan_covers_is_said_with_its_reason(runner: Runner, text: str, reason: str) -> None:
    assert runner.explain(prepared(runner, text)) == f"graphql-core executes it, because it has {reason}."


async def test_invalid_variables_are_left_to_graphql_core(runner: Runner) -> None:
    operation = prepared(runner, "query($first: Int) { models(first: $first) { totalCount } }", first="many")
    assert runner.plan(operation) is None
    assert "invalid" in runner.explain(operation)


async def test_each_batch_function_is_called_once_for_a_level(runner: Runner, statements: list[str]) -> None:
    await runner.run(prepared(runner, MODELS))
    read = [text for text in statements if text.startswith("SELECT") and "revision" not in text]
    # The page, and below it providers, rates and sources.
    assert len(read) == 4, read


async def test_what_was_read_is_not_read_again_at_the_same_revision(runner: Runner, statements: list[str]) -> None:
    answers = [encode(await runner.run(prepared(runner, MODELS))) for _ in range(2)]
    # Sources are written by every refresh: they are never kept.
    assert [table for table in ("model", "provider", "rate") if any(f"FROM {table}" in text for text in statements)]
    statements.clear()
    # By now the objects of the list are kept as they are sent.
    answers.append(encode(await runner.run(prepared(runner, MODELS))))
    assert statements == []
    assert answers[0] == answers[1] == answers[2]


async def test_the_command_line_explains(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with tiny_database(tmp_path_factory.mktemp("explain")) as url:
        explained = modelmeta("query", "{ registry { modelCount } }", "--explain", database_url=url)
    assert (explained.returncode, explained.stderr) == (0, "")
    assert explained.stdout == "Query\n  registry: Query.registry\n    modelCount: Registry.modelCount <- row_counts\n"
