"""The promise: a document is parsed and validated once, cached within bounds, and refused with a helpful message."""

import hashlib

import pytest
from graphql import GraphQLError

from schema.cache import ENTRY_BYTES
from schema.graph import graph
from server.graphql.documents import Documents
from server.graphql.errors import MAX_ERRORS
from server.graphql.limits import Limits
from tests.support.servers import LEAKS


@pytest.fixture
def documents() -> Documents:
    return Documents(graph, Limits(depth=15, aliases=100, cost=100_000), max_tokens=5_000)


def code(error: GraphQLError) -> object:
    return (error.extensions or {})["code"]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_document_that_comes_again_is_cached(documents: Documents) -> None:
    first, second, third = (documents.prepare("{ registry { modelCount } }") for _ in range(3))
    assert first.document is not None
    assert second is not first
    assert third is second
    assert documents.prepare("{ registry { familyCount } }") is not second


def test_documents_that_come_once_push_none_out(documents: Documents) -> None:
    _, cached = (documents.prepare("{ registry { modelCount } }") for _ in range(2))
    # Each would take a quarter of the cache.
    for number in range(8):
        documents.prepare(
            "{ registry { "
            + " ".join(f"a{number}: modelCount" for number in range(90))
            + " } }"
            + f"# {number}" * 5_000
        )
    assert documents.prepare("{ registry { modelCount } }") is cached


def test_a_refused_document_is_refused_again(documents: Documents) -> None:
    for _ in range(2):
        prepared = documents.prepare("{ nope }")
        assert prepared.document is None
        assert [(error.message, code(error)) for error in prepared.errors] == [
            ("Cannot query field 'nope' on type 'Query'. Did you mean 'node' or 'nodes'?", "GRAPHQL_VALIDATION_FAILED")
        ]


def test_a_syntax_error_says_where(documents: Documents) -> None:
    (error,) = documents.prepare("{\n  registry {\n").errors
    assert code(error) == "GRAPHQL_PARSE_FAILED"
    assert error.formatted.get("locations") == [{"line": 3, "column": 1}]
    assert error.message == "Syntax Error: Expected Name, found <EOF>."


def test_at_most_twenty_errors_are_found(documents: Documents) -> None:
    errors = documents.prepare("{ " + " ".join(f"nope{number}" for number in range(200)) + " }").errors
    assert len(errors) == MAX_ERRORS == 20
    assert {code(error) for error in errors} == {"GRAPHQL_VALIDATION_FAILED"}


@pytest.mark.parametrize(
    "text",
    [
        "{" + "registry{" * 2_000 + "}" * 2_000 + "}",
        "{" + "...{" * 1_200 + "__typename" + "}" * 1_200 + "}",
        "{ nodes(ids: " + "[" * 2_000 + "]" * 2_000 + ") { id } }",
        "{ models(filter: " + "{not:" * 1_000 + "}" * 1_000 + ") { totalCount } }",
        "query($x: " + "[" * 2_000 + "ID" + "]" * 2_000 + ") { __typename }",
    ],
    ids=["fields", "inline_fragments", "lists", "objects", "types"],
)
def test_deep_nesting_is_refused_before_it_exhausts_memory_or_the_stack(documents: Documents, text: str) -> None:
    (error,) = documents.prepare(text).errors
    assert code(error) in ("GRAPHQL_PARSE_FAILED", "COST_LIMIT")
    assert "deep" in error.message
    assert not LEAKS.search(error.message)


def test_the_operation_to_execute_must_be_unambiguous(documents: Documents) -> None:
    two = documents.prepare("query A { registry { modelCount } } query B { registry { familyCount } }")
    for name in ("A", "B"):
        found = documents.operation(two, name).name
        assert found
        assert found.value == name
    for name, message in (
        (None, "The document has no operation, or several: choose one with operationName."),
        ("", "The document has no operation, or several: choose one with operationName."),
        ("C", 'The document has no operation named "C".'),
    ):
        with pytest.raises(GraphQLError) as caught:
            documents.operation(two, name)
        assert (caught.value.message, code(caught.value)) == (message, "BAD_USER_INPUT")
    one = documents.prepare("query Only { registry { modelCount } }")
    assert documents.operation(one, None) is documents.operation(one, "Only")
    with pytest.raises(GraphQLError, match="no operation named"):
        documents.operation(one, "Other")


def test_the_cost_depends_on_the_variables_and_the_operation(documents: Documents) -> None:
    prepared = documents.prepare(
        """query Models($n: Int = 7) { models(first: $n) { nodes { ref } } }
        query Both($n: Int = 7) { models(first: $n) { nodes { ref } } providers(first: $n) { nodes { slug } } }"""
    )
    models, both = documents.operation(prepared, "Models"), documents.operation(prepared, "Both")
    costs = {size: documents.cost(prepared, models, {"n": size}) for size in (1, 50, 100)}
    assert costs[1] < costs[50] < costs[100]
    assert documents.cost(prepared, models, {}) == documents.cost(prepared, models, {"n": 7})
    assert documents.cost(prepared, both, {"n": 50}) == 2 * costs[50]
    # Again, from the cache.
    assert {size: documents.cost(prepared, models, {"n": size}) for size in (1, 50, 100)} == costs


def test_a_persisted_query_is_found_by_its_hash(documents: Documents) -> None:
    text = "{ registry { modelCount } }"
    with pytest.raises(GraphQLError) as caught:
        documents.persisted(digest(text), None)
    assert (caught.value.message, code(caught.value)) == ("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
    assert documents.persisted(digest(text), text) == text
    assert documents.persisted(digest(text), None) == text


def test_a_hash_may_be_in_upper_case(documents: Documents) -> None:
    text = "{ registry { modelCount } }"
    documents.persisted(digest(text).upper(), text)
    assert documents.persisted(digest(text), None) == text
    assert documents.persisted(digest(text).upper(), None) == text


def test_a_text_with_another_hash_is_refused_and_not_stored(documents: Documents) -> None:
    mine, other = "{ registry { modelCount } }", "{ registry { familyCount } }"
    documents.persisted(digest(mine), mine)
    with pytest.raises(GraphQLError) as caught:
        documents.persisted(digest(mine), other)
    assert code(caught.value) == "BAD_USER_INPUT"
    assert documents.persisted(digest(mine), None) == mine


def test_persisted_queries_are_bounded_and_the_oldest_are_dropped_first(documents: Documents) -> None:
    texts = [f"{{ a{number} }} #".ljust(100_000) for number in range(100)]
    for text in texts:
        documents.persisted(digest(text), text)
    kept = 8 * 1024 * 1024 // (100_000 + ENTRY_BYTES)
    for text in texts[-kept:]:
        assert documents.persisted(digest(text), None) == text
    for text in texts[:-kept]:
        with pytest.raises(GraphQLError, match="PersistedQueryNotFound"):
            documents.persisted(digest(text), None)
