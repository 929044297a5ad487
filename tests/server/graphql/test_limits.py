"""The promise: no document can block the server for others, and no ordinary document is refused."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from graphql import GraphQLError, get_introspection_query, get_operation_ast, parse

from schema.graph import graph
from server.graphql.documents import Documents
from server.graphql.limits import Limits, check_document, check_operation, survey
from server.settings import Settings
from tests.support.registry import Ask
from tests.support.servers import Server, refused, tiny_server

DEFAULT = Settings()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """The tiny registry, served."""
    async with tiny_server(tmp_path_factory.mktemp("limits")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"accept": "application/graphql-response+json"}
    async with server.client(headers=headers) as opened:
        yield opened


async def ask(client: httpx.AsyncClient, query: str, variables: Mapping[str, Any] | None = None) -> httpx.Response:
    return await client.post("/graphql", json={"query": query, "variables": variables})


def cost(query: str, variables: Mapping[str, Any] | None = None) -> int:
    """The cost of a document, with limits too high to matter."""
    document = parse(query)
    operation = get_operation_ast(document)
    assert operation
    return check_operation(graph, document, operation, variables or {}, Limits(10**6, 10**6, 10**12))


def levels(depth: int) -> str:
    """A query with fields nested to this depth, each of which returns one object."""
    pairs = "provider { models(first: 1) { nodes { " * ((depth - 2) // 3)
    left = ["ref", "provider { slug }", "provider { models(first: 1) { totalCount } }"][(depth - 2) % 3]
    return '{ model(ref: "openai/tiny-large") { ' + pairs + left + " } } }" * ((depth - 2) // 3) + " } }"


# Limits


async def test_nesting_is_bounded(client: httpx.AsyncClient) -> None:
    for depth in (13, 14, 15):
        answer = await ask(client, levels(depth))
        assert (answer.status_code, list(answer.json())) == (200, ["data"]), depth
    for depth in (16, 17, 30):
        answer = await ask(client, levels(depth))
        assert answer.status_code == 400
        message = f"The document is nested {depth} levels deep; at most 15 are allowed."
        assert refused(answer.json(), "COST_LIMIT") == message


async def test_nesting_in_fragments_counts(client: httpx.AsyncClient) -> None:
    inner = "fragment F0 on Model { ref }"
    for number in range(1, 6):
        inner += (
            f" fragment F{number} on Model {{ provider {{ models(first: 1) {{ nodes {{ ...F{number - 1} }} }} }} }}"
        )
    message = refused((await ask(client, '{ model(ref: "x") { ...F5 } } ' + inner)).json(), "COST_LIMIT")
    assert message == "The document is nested 17 levels deep; at most 15 are allowed."
    inline = '{ ... on Query { model(ref: "x") { ... { ...F5 } } } } '
    assert refused((await ask(client, inline + inner)).json(), "COST_LIMIT") == message


async def test_aliases_are_bounded(client: httpx.AsyncClient) -> None:
    def aliased(number: int) -> str:
        return "{ registry { " + " ".join(f"a{each}: modelCount" for each in range(number)) + " } }"

    allowed = await ask(client, aliased(100))
    assert allowed.json() == {"data": {"registry": {f"a{each}": 3 for each in range(100)}}}
    message = refused((await ask(client, aliased(101))).json(), "COST_LIMIT")
    assert message.startswith("The document has 101 aliases; at most 100 are allowed.")


async def test_tokens_are_bounded(client: httpx.AsyncClient) -> None:
    fits = "query(" + "$x: Int " * 1_240 + ") { __typename }"  # about 4,960 tokens
    assert "too many" not in (await ask(client, fits)).text.lower()
    answer = await ask(client, "{ " + "__typename " * 5_000 + "}")
    assert answer.status_code == 400
    assert "5000 tokens" in refused(answer.json(), "GRAPHQL_PARSE_FAILED").replace(",", "")


async def test_directives_are_bounded(client: httpx.AsyncClient) -> None:
    allowed = await ask(client, "{ registry { " + "modelCount @include(if: true) " * 100 + "} }")
    assert allowed.json() == {"data": {"registry": {"modelCount": 3}}}
    one_each = await ask(client, "{ registry { " + "modelCount @include(if: true) " * 101 + "} }")
    on_one = await ask(client, "{ registry { modelCount " + "@include(if: true) " * 101 + "} }")
    unknown = await ask(client, "query " + "@a " * 2_000 + "{ __typename }")
    for answer, number in ((one_each, 101), (on_one, 101), (unknown, 2_000)):
        message = refused(answer.json(), "COST_LIMIT")
        assert message == f"The document has {number} directives; at most 100 are allowed."


FIELDS = "A selection has more than 500 fields, including its fragments. Request fewer fields."


@pytest.mark.parametrize(
    "query",
    [
        "{ registry { " + "modelCount " * 501 + "} }",
        "{ registry { ...A ...B } } fragment A on Registry { " + "modelCount " * 300 + "} "
        "fragment B on Registry { " + "modelCount " * 300 + "}",
        "{ registry { ...A ... { modelCount ...A } } } fragment A on Registry { " + "modelCount " * 250 + "}",
        "{ " + "models { nodes { ref } } " * 501 + "}",
    ],
    ids=["written_out", "in_fragments", "in_a_fragment_twice", "with_selections_of_their_own"],
)
async def test_fields_of_a_selection_are_bounded_before_they_are_compared_pairwise(
    client: httpx.AsyncClient, query: str
) -> None:
    answer = await ask(client, query)
    assert answer.status_code == 400
    assert refused(answer.json(), "COST_LIMIT") == FIELDS


@pytest.mark.parametrize(
    "query",
    [
        "{ __schema { types { " + "name " * 4_900 + "} } }",
        "{ __typename } fragment F on Model { " + "ref " * 4_900 + "}",
        "{ __typename } fragment F on Query { " + "models{nodes{ref}}" * 690 + "}",
        "fragment F on Query { " + "models{nodes{ref}}" * 690 + "}",
    ],
    ids=["of_the_schema", "in_an_unused_fragment", "with_selections_of_their_own", "without_an_operation"],
)
async def test_fields_are_bounded_in_unused_fragments_too(client: httpx.AsyncClient, query: str) -> None:
    answer = await ask(client, query)
    assert answer.status_code == 400
    refused(answer.json(), "COST_LIMIT")


async def test_five_hundred_fields_are_allowed(client: httpx.AsyncClient) -> None:
    answer = await ask(client, "{ registry { " + "modelCount " * 500 + "} }")
    assert answer.json() == {"data": {"registry": {"modelCount": 3}}}


# Cost


def test_an_object_costs_one_and_a_page_as_many_objects_as_it_can_return() -> None:
    assert cost("{ registry { modelCount } }") == 1
    assert cost('{ model(ref: "x") { ref provider { slug } } }') == 2
    # A page of ten: the connection's ten entries, each a list of nodes on the way.
    ten, twenty, hundred = (cost(f"{{ models(first: {size}) {{ nodes {{ ref }} }} }}") for size in (10, 20, 100))
    assert (twenty, hundred) == (2 * ten, 10 * ten)
    assert cost("{ models { nodes { ref } } }") == twenty
    assert cost("{ models(last: 10) { nodes { ref } } }") == ten
    assert cost("{ models(first: 10) { edges { node { ref } } } }") >= ten


def test_pages_multiply() -> None:
    inner = cost('{ provider(slug: "x") { models(first: 20) { nodes { ref } } } }')
    nested = cost("{ providers(first: 50) { nodes { models(first: 20) { nodes { ref } } } } }")
    assert 50 * 20 <= 50 * (inner - 1) < nested <= 50 * (inner + 2)


FACETS = "facets { providers { value label count } capabilities { count } inputPrice { min max } }"


def test_facets_are_counted_once_for_a_list_at_any_page_size() -> None:
    bare, small, large = (
        cost(f"{{ models(first: {size}) {{ nodes {{ ref }} {facets} }} }}")
        for size, facets in ((1, ""), (1, FACETS), (100, FACETS))
    )
    assert small - bare == 202  # two lists of a hundred, a range, and the objects that contain them
    assert large - small == cost("{ models(first: 100) { nodes { ref } } }") - bare
    spread = "{ models(first: 100) { nodes { ref } ...A } } fragment A on ModelConnection { ... { " + FACETS + " } }"
    assert cost(spread) == large
    assert cost(f"{{ models(first: 100) {{ nodes {{ ref }} a: {FACETS} b: {FACETS} }} }}") == large + 202


def test_facets_multiply_with_the_pages_above_them() -> None:
    below = "{{ providers(first: {}) {{ nodes {{ models(first: 1) {{ totalCount {} }} }} }} }}"
    bare, one, fifty = (cost(below.format(size, facets)) for size, facets in ((50, ""), (1, FACETS), (50, FACETS)))
    assert fifty == 50 * one == bare + 50 * 202


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ models(first: 70) { nodes { ref } } }", {}),
        ("query($n: Int) { models(first: $n) { nodes { ref } } }", {"n": 70}),
        ("query($n: Int!) { models(last: $n) { nodes { ref } } }", {"n": 70}),
        ("query($n: Int = 70) { models(first: $n) { nodes { ref } } }", {}),
        ("query($n: Int! = 70) { ...F } fragment F on Query { models(first: $n) { nodes { ref } } }", {}),
        ("query($n: Int = 3) { models(first: $n) { nodes { ref } } }", {"n": 70}),
        ("query($n: Int) { models(first: 70, last: $n) { nodes { ref } } }", {"n": None}),
    ],
)
def test_a_page_counts_the_same_however_its_size_is_given(query: str, variables: Mapping[str, Any]) -> None:
    assert cost(query, variables) == cost("{ models(first: 70) { nodes { ref } } }")


def test_a_page_without_a_size_counts_as_the_default_page() -> None:
    twenty = cost("{ models(first: 20) { nodes { ref } } }")
    assert cost("query($n: Int) { models(first: $n) { nodes { ref } } }") == twenty
    assert cost("query($n: Int = 70) { models(first: $n) { nodes { ref } } }", {"n": None}) == twenty


def test_a_list_of_ids_counts_the_same_however_it_is_given() -> None:
    ids = ", ".join(f'"id{number}"' for number in range(90))
    written = cost(f"{{ nodes(ids: [{ids}]) {{ id }} }}")
    assert written >= 90
    given = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert cost(given, {"ids": [f"id{number}" for number in range(90)]}) == written
    assert cost(f"query($ids: [ID!]! = [{ids}]) {{ nodes(ids: $ids) {{ id }} }}") == written


def test_a_comparison_costs_as_much_as_the_models_it_compares() -> None:
    def compared(number: int, selection: str) -> int:
        refs = ", ".join(f'"m{each}"' for each in range(number))
        return cost(f"{{ compare(refs: [{refs}]) {{ {selection} }} }}")

    for selection in ("models { ref }", "rows { field values }", "models { prices { amount } } rows { label }"):
        assert [compared(number, selection) for number in (4, 8)] == [
            4 * compared(1, selection),
            8 * compared(1, selection),
        ]
    # Each model counts once, not once for every other model.
    one = cost('{ model(ref: "x") { provider { models(first: 100) { nodes { ref } } } } }')
    eight = compared(8, "models { provider { models(first: 100) { nodes { ref } } } }")
    assert 8 * one <= eight <= 9 * one
    given = "query($refs: [String!]!) { compare(refs: $refs) { models { ref } } }"
    assert cost(given, {"refs": ["x"] * 8}) == compared(8, "models { ref }")


def test_aliases_of_one_field_add_up() -> None:
    one = cost("{ models(first: 50) { nodes { ref } } }")
    assert cost("{ a: models(first: 50) { nodes { ref } } b: models(first: 50) { nodes { ref } } }") == 2 * one


def test_fields_skipped_at_run_time_count_too() -> None:
    # The cost must not depend on which fields the variables include.
    query = "query($all: Boolean!) { models(first: 50) @include(if: $all) { nodes { ref } } }"
    assert cost(query, {"all": False}) == cost(query, {"all": True}) > 50


def test_the_cost_is_checked_against_the_limit() -> None:
    document = parse("{ models(first: 50) { nodes { ref } } }")
    operation = get_operation_ast(document)
    assert operation
    exact = cost("{ models(first: 50) { nodes { ref } } }")
    assert check_operation(graph, document, operation, {}, Limits(15, 100, exact)) == exact
    with pytest.raises(GraphQLError, match=f"more than {exact - 1} objects, nested lists multiplied"):
        check_operation(graph, document, operation, {}, Limits(15, 100, exact - 1))


NESTED = "models(first: {0}) {{ nodes {{ provider {{ models(first: {0}) {{ nodes {{ provider {{ models(first: {0}) {{ nodes {{ ref }} }} }} }} }} }} }} }}"


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ " + NESTED.format(100) + " }", {}),
        ("query($n: Int!) { " + NESTED.format("$n") + " }", {"n": 100}),
        ("query($n: Int = 100) { " + NESTED.format("$n") + " }", {}),
        ("query($n: Int = 1) { " + NESTED.format("$n") + " }", {"n": 100}),
        ("{ ...F } fragment F on Query { " + NESTED.format(100) + " }", {}),
        ("query A($n: Int = 100) { " + NESTED.format("$n") + " }", {"n": 1_000_000_000}),
    ],
    ids=["literal", "variable", "default", "over_the_default", "fragment", "oversized"],
)
async def test_a_document_that_multiplies_pages_is_refused_before_it_runs(
    client: httpx.AsyncClient, query: str, variables: Mapping[str, Any]
) -> None:
    answer = await ask(client, query, variables)
    assert answer.status_code == 400
    message = refused(answer.json(), "COST_LIMIT")
    assert message.startswith("The document can return more than 100000 objects, nested lists multiplied.")
    assert "Request shorter lists" in message


async def test_the_same_document_with_small_pages_runs(client: httpx.AsyncClient) -> None:
    answer = await ask(client, "query($n: Int = 100) { " + NESTED.format("$n") + " }", {"n": 1})
    small: dict[str, Any] = {"nodes": [{"ref": "openai/tiny-large"}]}
    for _ in range(2):
        small = {"nodes": [{"provider": {"models": small}}]}
    assert (answer.status_code, answer.json()) == (200, {"data": {"models": small}})


async def test_a_page_over_the_maximum_is_refused_with_its_own_message(client: httpx.AsyncClient) -> None:
    for size in (101, 2_147_483_647, -1):
        answer = (await ask(client, "query($n: Int) { models(first: $n) { totalCount } }", {"n": size})).json()
        assert [(error["message"], error["extensions"]["code"]) for error in answer["errors"]] == [
            (f"first must be between 0 and 100 (got {size}); page with after.", "BAD_USER_INPUT")
        ]


OFFERS = '{model(ref:"openai/tiny-large"){offers{offers{offers{ref}}}}}'
FACTS = (
    "{ " + " ".join(f"a{number}: models(first: 100) {{ nodes {{ facts {{ value }} }} }}" for number in range(90)) + " }"
)


@pytest.mark.parametrize("query", [OFFERS, FACTS], ids=["offers_of_offers", "aliases_of_facts"])
async def test_lists_without_pages_multiply_too(client: httpx.AsyncClient, query: str) -> None:
    answer = await ask(client, query)
    assert answer.status_code == 400
    assert refused(answer.json(), "COST_LIMIT").startswith("The document can return more than 100000 objects")


def test_a_plain_list_counts_its_requested_or_maximum_size() -> None:
    def offers(arguments: str) -> int:
        return cost(f'{{ model(ref: "x") {{ offers{arguments} {{ ref provider {{ name }} }} }} }}')

    assert [offers(f"(first: {size})") for size in (1, 60, 150)] == [3, 121, 301]
    assert offers("") == offers("(first: null)") == offers("(first: 1000000000)") == offers("(first: 150)")
    given = 'query($n: Int) { model(ref: "x") { offers(first: $n) { ref provider { name } } } }'
    assert cost(given, {"n": 60}) == cost(given, {"n": 60.0}) == offers("(first: 60)")
    assert cost(given) == cost(given, {"n": None}) == offers("")


def test_a_whole_number_with_a_decimal_point_counts_the_same() -> None:
    query = "query($n: Int) { models(first: $n) { nodes { ref } } }"
    assert cost(query, {"n": 100.0}) == cost(query, {"n": 100}) > cost(query)
    documents = Documents(graph, Limits(15, 100, 100_000), 5_000)
    prepared = documents.prepare(query)
    operation = documents.operation(prepared, None)
    sizes: tuple[dict[str, float], ...] = ({}, {"n": 100.0}, {"n": 1.0}, {"n": 100}, {})
    assert [documents.cost(prepared, operation, size) for size in sizes] == [cost(query, size) for size in sizes]


def test_entries_of_a_list_of_scalars_are_free() -> None:
    assert cost('{ model(ref: "x") { aliases capabilities } }') == cost('{ model(ref: "x") { ref } }') == 1


# Query bombs

DOUBLING = "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }} " for n in range(200))
BOMBS = {
    "doubling_fragments": "{ ...F0 } " + DOUBLING + "fragment F200 on Query { __typename }",
    "doubling_objects": "{ models { nodes { ...F0 } } } "
    + "".join(
        f"fragment F{n} on Model {{ a: provider {{ models {{ nodes {{ ...F{n + 1} }} }} }} "
        f"b: provider {{ models {{ nodes {{ ...F{n + 1} }} }} }} }} "
        for n in range(40)
    )
    + "fragment F40 on Model { ref }",
    "empty_doubling": "{ ...F0 } " + DOUBLING + "fragment F200 on Query { ...F0 }",
    "a_fragment_in_itself": "{ ...F } fragment F on Query { ...F }",
    "a_fragment_below_itself": '{ model(ref: "x") { ...F } } fragment F on Model { provider { models { nodes { ...F } } } }',
    "two_fragments_in_each_other": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "a_ring_of_fragments": "{ ...F0 } "
    + "".join(f"fragment F{n} on Query {{ ...F{(n + 1) % 400} }} " for n in range(400)),
    "a_chain_of_fragments": "{ ...F0 } "
    + "".join(f"fragment F{n} on Query {{ ...F{n + 1} }} " for n in range(600))
    + "fragment F600 on Query { __typename }",
    "nested_introspection": "{ __schema { " + "types { fields { type { " * 12 + "name" + " } } }" * 12 + " } }",
    "a_page_in_a_page": "{ models { nodes { "
    + "provider { models(first: 100) { nodes { " * 4
    + "ref"
    + " } } }" * 4
    + " } } }",
}


@pytest.mark.parametrize("query", BOMBS.values(), ids=BOMBS.keys())
async def test_a_query_bomb_is_refused_and_others_are_answered_meanwhile(client: httpx.AsyncClient, query: str) -> None:
    bomb, other = await asyncio.gather(ask(client, query), ask(client, '{ model(ref: "openai/tiny-large") { name } }'))
    assert other.json() == {"data": {"model": {"name": "Tiny Large"}}}
    assert bomb.status_code == 400
    codes = {error["extensions"]["code"] for error in bomb.json()["errors"]}
    assert codes <= {"COST_LIMIT", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"}
    assert "data" not in bomb.json()
    assert all(len(error["message"]) < 300 for error in bomb.json()["errors"])


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (BOMBS["a_fragment_in_itself"], "Cannot spread fragment 'F' within itself."),
        (BOMBS["a_fragment_below_itself"], "Cannot spread fragment 'F' within itself."),
        (BOMBS["two_fragments_in_each_other"], "Cannot spread fragment 'A' within itself via 'B'."),
    ],
)
async def test_a_cycle_of_fragments_is_reported_by_name(client: httpx.AsyncClient, query: str, message: str) -> None:
    assert refused((await ask(client, query)).json(), "GRAPHQL_VALIDATION_FAILED") == message


# Allowed queries


async def test_the_whole_schema_can_be_introspected(client: httpx.AsyncClient) -> None:
    query = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    )
    answer = await ask(client, query)
    assert (answer.status_code, list(answer.json())) == (200, ["data"])
    names = {type_["name"] for type_ in answer.json()["data"]["__schema"]["types"]}
    assert {"Query", "Model", "ModelConnection", "Decimal"} <= names


HONEST: dict[str, tuple[str, dict[str, Any]]] = {
    "one_model": ("query One($ref: String!) { model(ref: $ref) { ref name status accessType license } }", {"ref": "openai/gpt-4.1-mini"}),
    "a_model_page": (
        """query Page($ref: String!) { model(ref: $ref) {
            ref slug name status accessType license contextWindow maxInputTokens maxOutputTokens knowledgeCutoff
            releaseDate isLatestVersion inputModalities outputModalities capabilities price { input output cacheRead }
            provider { slug name docsUrl } prices { serviceTier meter amount unit minContextTokens }
            parameters { name supported default minimum maximum } } }""",
        {"ref": "openai/gpt-4.1-mini"},
    ),
    "a_list_with_prices": (
        """{ models(first: 50) { nodes {
            ref name contextWindow releaseDate provider { name } prices { serviceTier meter amount } } } }""",
        {},
    ),
    "the_largest_list": ("{ models(first: 100) { totalCount pageInfo { hasNextPage } edges { cursor node { ref prices { amount } } } } }", {}),
    "a_catalogue": (
        """{ providers(first: 24) { nodes { slug name models(first: 20) { nodes {
            ref name contextWindow releaseDate prices { serviceTier meter amount }
            parameters { name supported default minimum maximum } } } } } }""",
        {},
    ),
    "a_page_to_browse": (
        """{ models(first: 100) { totalCount nodes { ref provider { name } price { input } } facets {
            providers { value label count } families { value label count } capabilities { value label count }
            inputModalities { value label count } statuses { value label count } accessTypes { value label count }
            inputPrice { min max } contextWindow { min max } } } }""",
        {},
    ),
    "every_provider_with_facets": (
        """{ providers(first: 100) { nodes { slug models(first: 20) { totalCount nodes { ref } facets {
            families { value label count } capabilities { value label count } statuses { value label count }
            inputPrice { min max } } } } } }""",
        {},
    ),
    "the_cheapest_that_call_tools": (
        """query Cheap($price: Decimal, $n: Int = 20) { models(first: $n, orderBy: {field: INPUT_PRICE},
            filter: {capabilities: [FUNCTION_CALLING], minContextWindow: 128000, maxInputPrice: $price}) {
            nodes { ref name contextWindow releaseDate price { input } provider { name } } } }""",
        {"price": "1"},
    ),
    "eight_side_by_side": (
        """query Eight($refs: [String!]!) { compare(refs: $refs) {
            models { ref name provider { name } offers { ref price { input } } facts { field value source { name } } }
            all: rows { field label values unit differs best } rows(onlyDifferences: true) { label values best } } }""",
        {"refs": ["gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "o3", "o4-mini", "gemini-2.5-pro", "gemini-2.5-flash", "claude-opus-4-5"]},
    ),
}  # fmt: skip


SERVER = Path(__file__).parents[3] / "server"
DOCUMENTS = [*SERVER.glob("pages/documents/*.graphql"), *SERVER.glob("graphiql/examples/*.graphql")]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_servers_own_documents_stay_within_the_limits(path: Path) -> None:
    document = parse(path.read_text(encoding="utf-8"))
    operation = get_operation_ast(document)
    assert operation
    most = {"first": 100, "newest": 100, "refs": ["x"] * 8}
    limits = Limits(DEFAULT.max_depth, DEFAULT.max_aliases, DEFAULT.max_cost)
    check_document(survey(document), limits)
    assert check_operation(graph, document, operation, most, limits) < DEFAULT.max_cost


@pytest.mark.parametrize("name", HONEST)
async def test_ordinary_queries_are_allowed(full: Ask, name: str) -> None:
    query, variables = HONEST[name]
    data = await full(query, variables)
    (found,) = data.values()
    assert found


def test_the_operator_can_set_the_limits() -> None:
    document = parse("{ a: registry { modelCount } b: registry { modelCount } }")
    check_document(survey(document), Limits(15, 2, 100))
    with pytest.raises(GraphQLError, match="2 aliases; at most 1 are allowed"):
        check_document(survey(document), Limits(15, 1, 100))
    assert (DEFAULT.max_depth, DEFAULT.max_aliases, DEFAULT.max_tokens, DEFAULT.max_cost) == (15, 100, 5_000, 100_000)
