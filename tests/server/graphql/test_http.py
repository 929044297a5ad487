"""The promise: /graphql follows GraphQL over HTTP to the letter, and answers any input clearly, never with a 500."""

import asyncio
import hashlib
import json
import re
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from schema.graph import sdl
from server import database
from tests.support.registry import settings_for
from tests.support.servers import CODES, LEAKS, Server, in_process, locked, refused, serving, tiny_database, tiny_server

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
QUERY = '{ model(ref: "openai/tiny-large") { name price { input } } }'
ANSWER = {"data": {"model": {"name": "Tiny Large", "price": {"input": "2.5"}}}}
COUNT = "{ models { totalCount } }"
"""A query of what is not read before anybody asks."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server of the tiny registry."""
    async with tiny_server(tmp_path_factory.mktemp("endpoint")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with server.client() as opened:
        yield opened


async def post(client: httpx.AsyncClient, body: bytes, accept: str = GRAPHQL) -> httpx.Response:
    return await client.post("/graphql", content=body, headers={"content-type": JSON, "accept": accept})


async def ask(client: httpx.AsyncClient, query: str, *, accept: str = GRAPHQL, **more: Any) -> httpx.Response:
    return await post(client, json.dumps({"query": query, **more}).encode(), accept)


# Requests


async def test_a_post_is_answered(client: httpx.AsyncClient) -> None:
    answer = await ask(client, QUERY)
    assert (answer.status_code, answer.json()) == (200, ANSWER)
    assert answer.headers["cache-control"] == "no-store"


async def test_a_get_is_answered(client: httpx.AsyncClient) -> None:
    query = "query Named($ref: String!) { model(ref: $ref) { ref } } query Other { registry { modelCount } }"
    variables = json.dumps({"ref": "azure/tiny-small"})
    answer = await client.get("/graphql", params={"query": query, "variables": variables, "operationName": "Named"})
    assert (answer.status_code, answer.json()) == (200, {"data": {"model": {"ref": "azure/tiny-small"}}})


async def test_a_head_request_gets_the_headers_of_a_get_and_no_body(client: httpx.AsyncClient) -> None:
    got, headed = (
        await client.get("/graphql", params={"query": QUERY}),
        await client.head("/graphql", params={"query": QUERY}),
    )
    assert (headed.status_code, headed.content) == (200, b"")
    for name in ("etag", "content-type", "content-length", "cache-control"):
        assert headed.headers[name] == got.headers[name]


@pytest.mark.parametrize("nothing", [None, ""])
async def test_an_empty_operation_name_is_ignored(client: httpx.AsyncClient, nothing: str | None) -> None:
    assert (await ask(client, QUERY, operationName=nothing)).json() == ANSWER
    assert (await client.get("/graphql", params={"query": QUERY, "operationName": nothing or ""})).json() == ANSWER


@pytest.mark.parametrize("price", ['"0.1"', "0.1", "1e-1", '"0.10"', "0.1000"])
async def test_decimals_are_exact_in_every_notation(client: httpx.AsyncClient, price: str) -> None:
    # tiny-small costs 0.1: a float would be slightly more, and a lower price must not match.
    query = "query($most: Decimal!) { models(filter: {maxInputPrice: $most}) { nodes { ref price { input } } } }"
    small = {"data": {"models": {"nodes": [{"ref": "openai/tiny-small", "price": {"input": "0.1"}}]}}}
    none: dict[str, Any] = {"data": {"models": {"nodes": []}}}
    body = f'{{"query": {json.dumps(query)}, "variables": {{"most": {price}}}}}'.encode()
    assert (await post(client, body)).json() == small
    got = await client.get("/graphql", params={"query": query, "variables": f'{{"most": {price}}}'})
    assert got.json() == small
    written = query.replace("$most: Decimal!", "").replace("query()", "").replace("$most", price)
    assert (await ask(client, written)).json() == small
    for below in ("0.099999999999999999", '"0.099999999999999999"'):
        less = f'{{"query": {json.dumps(query)}, "variables": {{"most": {below}}}}}'.encode()
        assert (await post(client, less)).json() == none


@pytest.mark.parametrize("price", ["0.0999999999999999999999999", "1e-30", "100000000000000000000", "1e30"])
async def test_a_price_with_more_digits_than_are_stored_gets_an_answer(client: httpx.AsyncClient, price: str) -> None:
    query = f'{{ models(filter: {{maxInputPrice: "{price}"}}) {{ totalCount }} }}'
    answer = (await ask(client, query)).json()
    codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
    # Both are correct: the models with a lower price, or an error about the number.
    assert codes == ["BAD_USER_INPUT"] or answer == {
        "data": {"models": {"totalCount": 2 if price[0] == "1" and "-" not in price else 0}}
    }


# Accept


async def test_errors_before_execution_are_400_for_graphql_clients_and_200_for_json_clients(
    client: httpx.AsyncClient,
) -> None:
    for query, variables in (
        ("{", {}),
        ("{ nope }", {}),
        ("query($n: Int!) { models(first: $n) { totalCount } }", {"n": "x"}),
    ):
        strict = await ask(client, query, variables=variables)
        legacy = await ask(client, query, variables=variables, accept=JSON)
        assert (strict.status_code, strict.headers["content-type"]) == (400, f"{GRAPHQL}; charset=utf-8")
        assert (legacy.status_code, legacy.headers["content-type"]) == (200, f"{JSON}; charset=utf-8")
        assert strict.json() == legacy.json()
        refused(strict.json())


async def test_an_error_during_execution_is_200_with_partial_data(client: httpx.AsyncClient) -> None:
    query = "query($ref: String!) { registry { modelCount } model(ref: $ref) { ref } }"
    answer = await ask(client, query, variables={"ref": "x" * 501})
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "data": {"registry": {"modelCount": 3}, "model": None},
            "errors": [
                {
                    "message": "ref must have at most 500 characters (got 501).",
                    "path": ["model"],
                    "locations": [{"line": 1, "column": 48}],
                    "extensions": {"code": "BAD_USER_INPUT"},
                }
            ],
        },
    )


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("*/*", JSON),
        ("application/json;q=0.5, application/graphql-response+json;q=0.6", GRAPHQL),
        ("application/json;q=0.6, application/graphql-response+json;q=0.5", JSON),
        ("application/graphql-response+json, application/json, text/event-stream, multipart/mixed", GRAPHQL),
        ("multipart/mixed;boundary=graphql;subscriptionSpec=1.0, application/graphql-response+json", GRAPHQL),
        ("multipart/mixed;boundary=graphql;subscriptionSpec=1.0, application/json", JSON),
    ],
)
async def test_the_response_has_the_preferred_media_type(client: httpx.AsyncClient, accept: str, media: str) -> None:
    for answer in (
        await ask(client, QUERY, accept=accept),
        await client.get("/graphql", params={"query": QUERY}, headers={"accept": accept}),
    ):
        assert (answer.status_code, answer.headers["content-type"]) == (200, f"{media}; charset=utf-8")
        assert answer.json() == ANSWER


async def test_a_client_that_accepts_no_supported_type_is_told_the_supported_ones(client: httpx.AsyncClient) -> None:
    for answer in (
        await ask(client, QUERY, accept="text/html"),
        await client.get("/graphql", params={"query": QUERY}, headers={"accept": "image/png"}),
    ):
        assert answer.status_code == 406
        assert refused(answer.json(), "NOT_ACCEPTABLE") == f"Accept must allow {GRAPHQL} or {JSON}."


async def test_a_query_can_be_answered_as_server_sent_events(client: httpx.AsyncClient) -> None:
    for answer in (
        await ask(client, QUERY, accept="text/event-stream"),
        await client.get("/graphql", params={"query": QUERY}, headers={"accept": "text/event-stream"}),
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].partition(";")[0] == "text/event-stream"
        assert answer.headers["cache-control"] == "no-store"
        first, last, rest = answer.text.split("\n\n")
        event, data = first.split("\n")
        assert (event, json.loads(data.removeprefix("data: "))) == ("event: next", ANSWER)
        assert (last, rest) == ("event: complete\ndata:", "")


async def test_a_refused_query_is_plain_json_for_a_client_of_events(client: httpx.AsyncClient) -> None:
    answer = await ask(client, "{ nope }", accept="text/event-stream")
    assert (answer.status_code, answer.headers["content-type"]) == (400, JSON)
    refused(answer.json(), "GRAPHQL_VALIDATION_FAILED")


# Content-Type and size


@pytest.mark.parametrize(
    "media",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/jsonp",
    ],
)
async def test_only_json_is_accepted_because_other_sites_can_send_the_rest(
    client: httpx.AsyncClient, media: str
) -> None:
    body = json.dumps({"query": QUERY}).encode()
    answer = await client.post("/graphql", content=body, headers={"content-type": media})
    assert answer.status_code == 415
    assert refused(answer.json(), "UNSUPPORTED_MEDIA_TYPE") == "Content-Type must be application/json."


async def test_a_body_without_a_content_type_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", content=json.dumps({"query": QUERY}).encode())
    assert answer.status_code == 415
    refused(answer.json(), "UNSUPPORTED_MEDIA_TYPE")


async def test_the_content_type_may_name_utf_8(client: httpx.AsyncClient) -> None:
    body = json.dumps({"query": QUERY}).encode()
    answer = await client.post("/graphql", content=body, headers={"content-type": "Application/JSON; charset=UTF-8"})
    assert answer.json() == ANSWER


async def raw(server: Server, request: bytes) -> tuple[int, dict[str, Any]]:
    """Sends bytes and reads one response; the request may be incomplete."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        async with asyncio.timeout(15):
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = re.search(r"(?i)content-length: (\d+)", head)
            assert length, head
            return int(head.split()[1]), json.loads(await reader.readexactly(int(length[1])))
    finally:
        writer.close()


async def test_a_body_declared_too_large_is_refused_before_it_is_sent(server: Server) -> None:
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 131073\r\n\r\n"
    status, answer = await raw(server, head)
    assert status == 413
    assert refused(answer, "PAYLOAD_TOO_LARGE") == "The body is larger than 131072 bytes."


async def test_a_body_of_undeclared_length_is_refused_once_it_is_too_large(server: Server) -> None:
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    status, answer = await raw(server, head + 9 * chunk)  # and no end
    assert status == 413
    refused(answer, "PAYLOAD_TOO_LARGE")


async def test_the_largest_allowed_body_is_accepted(client: httpx.AsyncClient) -> None:
    body = json.dumps({"query": QUERY}).encode().ljust(131_072)
    assert (await post(client, body)).json() == ANSWER
    assert (await post(client, body + b" ")).status_code == 413


# Bodies that are not requests

OK = b'{"query": "{__typename}", '
BODIES = {
    "nothing": b"",
    "no_json": b"query { registry }",
    "python": b"{'query': '{__typename}'}",
    "half": b'{"query": "{__typename}"',
    "two": b'{"query": "{__typename}"} {}',
    "a_comma_too_many": b'{"query": "{__typename}",}',
    "NaN": OK + b'"variables": {"x": NaN}}',
    "Infinity": OK + b'"variables": {"x": Infinity}}',
    "minus_Infinity": OK + b'"variables": {"x": -Infinity}}',
    "beyond_any_float": OK + b'"variables": {"x": 1e999}}',
    "a_billion_digits": OK + b'"variables": {"x": 1e999999999}}',
    "a_digit_too_far": OK + b'"variables": {"x": 1e-999999999}}',
    "a_key_twice": b'{"query": "{a}", "query": "{__typename}"}',
    "a_key_twice_below": OK + b'"variables": {"x": [{"y": 1, "y": 2}]}}',
    "5000_digits": OK + b'"variables": {"x": ' + b"9" * 5_000 + b"}}",
    "deep_lists": b"[" * 60_000,
    "deep_objects": b'{"a":' * 20_000,
    "deep_variables": OK + b'"variables": {"x": ' + b"[" * 50_000 + b"]" * 50_000 + b"}}",
    "invalid_utf_8": OK + b'"variables": {"x": "\xff"}}',
    "half_a_character": OK + b'"operationName": "\xc3"}',
    "an_encoded_surrogate": OK + b'"operationName": "\xed\xa0\x80"}',
    "utf_16": '{"query": "{__typename}"}'.encode("utf-16"),
    "utf_16_without_a_mark": '{"query": "{__typename}"}'.encode("utf-16-le"),
    "utf_32": '{"query": "{__typename}"}'.encode("utf-32"),
    "an_empty_list": b"[]",
    "a_batch": b'[{"query": "{__typename}"}]',
    "null": b"null",
    "true": b"true",
    "a_number": b"42",
    "a_string": b'"{__typename}"',
    "an_empty_object": b"{}",
    "no_query": b'{"variables": {}}',
    "a_null_query": b'{"query": null}',
    "an_empty_query": b'{"query": ""}',
    "a_number_for_a_query": b'{"query": 1}',
    "a_list_for_a_query": b'{"query": ["{__typename}"]}',
    "an_object_for_a_query": b'{"query": {}}',
    "a_surrogate_in_the_query": b'{"query": "{ model(ref: \\"\\ud800\\") { ref } }"}',
    "a_list_for_variables": OK + b'"variables": []}',
    "a_string_for_variables": OK + b'"variables": "{}"}',
    "false_for_variables": OK + b'"variables": false}',
    "a_number_for_a_name": OK + b'"operationName": 1}',
    "a_list_for_a_name": OK + b'"operationName": []}',
    "a_surrogate_in_a_name": OK + b'"operationName": "\\ud800"}',
    "a_list_for_extensions": OK + b'"extensions": []}',
    "a_string_for_extensions": OK + b'"extensions": "x"}',
    "no_persisted_query": OK + b'"extensions": {"persistedQuery": 1}}',
    "no_hash": OK + b'"extensions": {"persistedQuery": {"version": 1}}}',
    "a_hash_that_is_none": OK + b'"extensions": {"persistedQuery": {"sha256Hash": "abc"}}}',
    "a_hash_of_no_letters": OK + b'"extensions": {"persistedQuery": {"sha256Hash": [1]}}}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_a_body_that_is_not_a_request_gets_400_and_one_clear_error(
    client: httpx.AsyncClient, body: bytes
) -> None:
    answer = await post(client, body)
    assert answer.status_code == 400, answer.text
    refused(answer.json())


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"query": ""},
        {"query": "{__typename}", "variables": "nope"},
        {"query": "{__typename}", "variables": "[]"},
        {"query": "{__typename}", "variables": '{"x": NaN}'},
        {"query": "{__typename}", "variables": '{"x": 1, "x": 2}'},
        {"query": "{__typename}", "variables": '{"x": ' + "9" * 5_000 + "}"},
        {"query": "{__typename}", "variables": "[" * 5_000},
        {"query": "{__typename}", "extensions": "1"},
        {"query": ["{__typename}", "{__typename}"]},
    ],
    ids=lambda given: urlencode(given, doseq=True)[:60] or "nothing",
)
async def test_a_url_that_is_not_a_request_gets_400_and_one_clear_error(
    client: httpx.AsyncClient, parameters: dict[str, str | list[str]]
) -> None:
    answer = await client.get("/graphql", params=httpx.QueryParams(parameters), headers={"accept": GRAPHQL})
    assert answer.status_code == 400, answer.text
    refused(answer.json())


@pytest.mark.parametrize(
    ("declared", "use", "value"),
    [
        ("String!", "model(ref: $x) { ref }", "\ud800"),
        ("String!", "family(slug: $x) { slug }", "\ud800"),
        ("ID!", "node(id: $x) { id }", "\udfff"),
        ("[String!]", "models(filter: {providers: $x}) { totalCount }", ["a\ud800"]),
        ("String!", "models(after: $x) { totalCount }", "\ud800"),
        ("Decimal!", "models(filter: {maxInputPrice: $x}) { totalCount }", "\ud800"),
    ],
)
async def test_half_a_surrogate_pair_in_a_variable_is_a_client_error(
    client: httpx.AsyncClient, declared: str, use: str, value: Any
) -> None:
    answer = await ask(client, f"query($x: {declared}) {{ {use} }}", variables={"x": value})
    assert answer.status_code in (200, 400)
    for error in answer.json().get("errors", []):
        assert error["extensions"]["code"] in ("BAD_REQUEST", "BAD_USER_INPUT", "BAD_CURSOR"), error


@pytest.mark.parametrize(
    ("declared", "use", "value"),
    [
        ("Int", "models(first: $x) { totalCount }", 1.5),
        ("String!", "model(ref: $x) { ref }", 1.5),
        ("ID!", "node(id: $x) { id }", 1.5),
        ("Boolean!", "__typename @skip(if: $x)", 1.5),
        ("ModelOrderField!", "models(orderBy: {field: $x}) { totalCount }", 1.5),
        ("Date", "models(filter: {releasedAfter: $x}) { totalCount }", 1.5),
        ("[ID!]!", "nodes(ids: $x) { id }", {"a": {"b": 1.5}}),
        ("ModelFilter", "models(filter: $x) { totalCount }", {"nope": None}),
    ],
)
async def test_a_variable_of_the_wrong_type_is_explained_in_graphql_terms(
    client: httpx.AsyncClient, declared: str, use: str, value: Any
) -> None:
    answer = await ask(client, f"query($x: {declared}) {{ {use} }}", variables={"x": value})
    assert answer.status_code == 400
    message = refused(answer.json(), "BAD_USER_INPUT")
    assert "$x" in message
    assert "instance" not in message, "a Python object shows"


@pytest.mark.parametrize("levels", [20, 100, 250, 500, 900])
async def test_deep_variables_get_one_clear_error(client: httpx.AsyncClient, levels: int) -> None:
    deep: dict[str, Any] = {}
    for _ in range(levels):
        deep = {"not": deep}
    answer = await ask(client, "query($f: ModelFilter) { models(filter: $f) { totalCount } }", variables={"f": deep})
    assert answer.status_code in (200, 400)
    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["BAD_USER_INPUT"]
    assert not LEAKS.search(answer.text)


# Methods and paths


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_other_methods_are_refused_with_the_allowed_ones(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, "/graphql")
    assert answer.status_code == 405
    refused(answer.json(), "METHOD_NOT_ALLOWED")
    allowed = {each.strip() for each in answer.headers["allow"].split(",")}
    assert {"GET", "POST"} <= allowed <= {"GET", "HEAD", "POST", "OPTIONS"}


@pytest.mark.parametrize(
    "path", ["/nothing", "/graphql/nothing", "/graphiql/assets/nothing.js", "/.env", "/graphql%00"]
)
async def test_an_unknown_path_answers_in_graphqls_shape(client: httpx.AsyncClient, path: str) -> None:
    for answer in (await client.get(path), await client.post(path, json={"query": QUERY})):
        assert answer.status_code in (404, 405)
        assert answer.headers["content-type"] == JSON
        refused(answer.json())
    assert (await client.get(path)).json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_a_mutation_is_not_executed_by_get(client: httpx.AsyncClient) -> None:
    answer = await client.get("/graphql", params={"query": "mutation { __typename }"}, headers={"accept": GRAPHQL})
    if answer.status_code == 400:  # also if the schema has no mutations
        refused(answer.json(), "GRAPHQL_VALIDATION_FAILED")
        sdl = await ask(client, "{ __schema { mutationType { name } } }")
        assert sdl.json() == {"data": {"__schema": {"mutationType": None}}}
    else:
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        refused(answer.json(), "METHOD_NOT_ALLOWED")


# Persisted queries, as Apollo's link sends them


def persisted(text: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(text.encode()).hexdigest()}}


async def test_a_persisted_query_is_registered_once_and_then_sent_by_its_hash(client: httpx.AsyncClient) -> None:
    query = '{ model(ref: "openai/tiny-small") { name } }'
    whole = {"data": {"model": {"name": "Tiny Small"}}}
    unknown = await post(client, json.dumps({"extensions": persisted(query)}).encode(), JSON)
    assert (unknown.status_code, unknown.json()) == (
        200,
        {"errors": [{"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}]},
    )
    assert (await ask(client, query, extensions=persisted(query))).json() == whole
    assert (await post(client, json.dumps({"extensions": persisted(query)}).encode())).json() == whole
    got = await client.get("/graphql", params={"extensions": json.dumps(persisted(query))})
    assert (got.status_code, got.json()) == (200, whole)
    assert got.headers["etag"]


async def test_a_persisted_query_can_be_registered_by_get(client: httpx.AsyncClient) -> None:
    query = '{ model(ref: "azure/tiny-small") { name } }'
    whole = {"data": {"model": {"name": "Tiny Small (Azure)"}}}
    extensions = json.dumps(persisted(query))
    unknown = await client.get("/graphql", params={"extensions": extensions})
    assert unknown.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    assert unknown.headers["cache-control"] == "no-store"
    assert (await client.get("/graphql", params={"query": query, "extensions": extensions})).json() == whole
    assert (await client.get("/graphql", params={"extensions": extensions})).json() == whole


async def test_a_hash_of_another_text_registers_nothing(client: httpx.AsyncClient) -> None:
    wrong = persisted("{ registry { modelCount } } # never sent")
    answer = await ask(client, QUERY, extensions=wrong)
    assert answer.status_code == 400
    refused(answer.json(), "BAD_USER_INPUT")
    after = await post(client, json.dumps({"extensions": wrong}).encode())
    refused(after.json(), "PERSISTED_QUERY_NOT_FOUND")


# Caching


async def test_a_get_response_has_an_etag_and_is_not_sent_twice(client: httpx.AsyncClient) -> None:
    first = await client.get("/graphql", params={"query": QUERY})
    tag = first.headers["etag"]
    assert "must-revalidate" in first.headers["cache-control"]
    assert "accept" in first.headers["vary"].lower()
    for held in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await client.get("/graphql", params={"query": QUERY}, headers={"if-none-match": held})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    changed = await client.get("/graphql", params={"query": QUERY}, headers={"if-none-match": '"other"'})
    assert (changed.status_code, changed.json()) == (200, ANSWER)
    other = await client.get("/graphql", params={"query": "{ registry { modelCount } }"})
    assert other.headers["etag"] != tag


async def test_a_response_with_errors_is_not_cacheable(client: httpx.AsyncClient) -> None:
    for query in ("{ nope }", "{ models(first: 101) { totalCount } }"):
        answer = await client.get("/graphql", params={"query": query})
        assert "errors" in answer.json()
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


# Errors


async def test_every_error_has_a_code_and_reveals_no_internals(client: httpx.AsyncClient) -> None:
    for query, code in (
        ("{", "GRAPHQL_PARSE_FAILED"),
        ('{ model(ref: "x', "GRAPHQL_PARSE_FAILED"),
        ("{ model(ref: \x00) { ref } }", "GRAPHQL_PARSE_FAILED"),
        ("{ nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ model { ref } }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($x: Nope) { __typename }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ models(first: -1) { totalCount } }", "BAD_USER_INPUT"),
        ("{ models(first: 101) { totalCount } }", "BAD_USER_INPUT"),
        ("{ models(first: 1, last: 1) { totalCount } }", "BAD_USER_INPUT"),
        ('{ models(after: "garbage") { totalCount } }', "BAD_CURSOR"),
        ('{ models(before: "WyJhIiwxLDJd") { totalCount } }', "BAD_CURSOR"),
        ('{ models(filter: {releasedAfter: "2026-02-30"}) { totalCount } }', "GRAPHQL_VALIDATION_FAILED"),
        ("query A { __typename } query B { __typename }", "BAD_USER_INPUT"),
    ):
        errors = (await ask(client, query)).json()["errors"]
        assert code in [error["extensions"]["code"] for error in errors], (query, errors)
        for error in errors:
            assert CODES.match(error["extensions"]["code"])
            assert not LEAKS.search(json.dumps(error)), error
            assert error["message"].strip()


async def test_data_is_absent_when_nothing_was_executed(client: httpx.AsyncClient) -> None:
    for accept in (GRAPHQL, JSON):
        for query in (
            "{",
            "{ nope }",
            "query($n: Int!) { models(first: $n) { totalCount } }",
            "query A {__typename} query B {__typename}",
        ):
            assert list((await ask(client, query, accept=accept)).json()) == ["errors"]
    ran = await ask(client, "{ models(first: 101) { totalCount } }")
    assert (ran.status_code, ran.json()["data"]) == (200, None)


async def test_at_most_twenty_errors_are_sent(client: httpx.AsyncClient) -> None:
    unknown = await ask(client, "{ " + " ".join(f"nope{number}" for number in range(60)) + " }")
    wrong = await ask(client, "query($i: [ID!]!) { nodes(ids: $i) { id } }", variables={"i": [{}] * 60})
    many = " ".join(f"m{number}: model(ref: $r) {{ ref }}" for number in range(60))
    failing = await ask(client, f"query($r: String!) {{ {many} }}", variables={"r": "x" * 501})
    assert [len(each.json()["errors"]) for each in (unknown, wrong, failing)] == [20, 20, 20]
    assert failing.json()["data"] == {f"m{number}": None for number in range(60)}


async def test_an_unexpected_error_is_replaced_by_the_id_of_its_log_entry(tmp_path: Path) -> None:
    async with tiny_database(tmp_path) as url, serving(url, tmp_path) as server, server.client() as client:
        connection = sqlite3.connect(str(sa.make_url(url).database))
        connection.execute("DROP TABLE claim")
        connection.close()
        answer = await ask(client, '{ registry { modelCount } model(ref: "openai/tiny-large") { facts { field } } }')
        content = answer.json()
        (error,) = content["errors"]
        assert (answer.status_code, content["data"]) == (200, {"registry": {"modelCount": 3}, "model": None})
        assert error["extensions"] == {"code": "INTERNAL_SERVER_ERROR"}
        assert error["path"] == ["model", "facts"]
        assert not LEAKS.search(answer.text)
        found = re.search(r"Quote ([0-9a-f]{12}) when", error["message"])
        assert found
        assert f"error {found[1]}" in server.output
        assert "no such table: claim" in server.output


async def test_an_operation_that_takes_too_long_gets_a_timeout_error(tmp_path: Path) -> None:
    async with tiny_database(tmp_path) as url:
        engine = database.create_engine(url)
        message = "The operation took longer than 1e-06 s. Ask for less."
        late = {"errors": [{"message": message, "extensions": {"code": "TIMEOUT"}}], "data": None}
        # No query is that fast, and the next one is answered as usual.
        for seconds, answer in ((1e-6, late), (5, ANSWER)):
            async with in_process(settings_for(url, operation_timeout=seconds), engine) as client:
                assert (await ask(client, QUERY)).json() == answer
        await engine.dispose()


async def test_a_timeout_cancels_the_statement_on_postgresql(tmp_path: Path) -> None:
    async with (
        tiny_database(tmp_path, "postgresql") as url,
        serving(url, tmp_path, operation_timeout="0.5") as server,
        server.client() as client,
    ):
        async with locked(url) as until:
            slow = asyncio.create_task(ask(client, COUNT))
            await until(1)
            assert [error["extensions"]["code"] for error in (await slow).json()["errors"]] == ["TIMEOUT"]
            await until(0)
        assert (await ask(client, COUNT)).json() == {"data": {"models": {"totalCount": 3}}}


async def test_readiness_fails_when_the_registry_cannot_be_read(tmp_path: Path) -> None:
    async with tiny_database(tmp_path) as url, serving(url, tmp_path) as server, server.client() as client:
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()) == (200, {"status": "ok", "revision": 1})
        connection = sqlite3.connect(str(sa.make_url(url).database))
        connection.execute("DROP TABLE revision")
        connection.close()
        unready, alive = await client.get("/readyz"), await client.get("/healthz")
        assert (unready.status_code, unready.json()) == (503, {"status": "not ready", "revision": None})
        assert (alive.status_code, alive.json()) == (200, {"status": "ok"})


async def test_the_schema_is_served_for_generators(client: httpx.AsyncClient) -> None:
    answer = await client.get("/schema.graphql")
    assert answer.text == sdl()
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


# Headers


async def test_every_response_forbids_sniffing_and_names_no_software(client: httpx.AsyncClient) -> None:
    for answer in (
        await ask(client, QUERY),
        await client.get("/graphql", params={"query": QUERY}),
        await post(client, b"nope"),
        await client.get("/nothing"),
        await client.delete("/graphql"),
        await client.get("/graphiql"),
        await client.get("/healthz"),
        await ask(client, QUERY, accept="text/event-stream"),
    ):
        assert set(answer.headers.get_list("x-content-type-options")) == {"nosniff"}, answer.url
        assert "server" not in answer.headers
        assert "x-powered-by" not in answer.headers


PREFLIGHT = {
    "origin": "https://other.example",
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type, apollo-require-preflight",
}


async def test_any_origin_may_send_requests_by_default(client: httpx.AsyncClient) -> None:
    preflight = await client.options("/graphql", headers=PREFLIGHT)
    assert preflight.status_code in (200, 204)
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert {"GET", "POST"} <= {each.strip() for each in preflight.headers["access-control-allow-methods"].split(",")}
    assert "content-type" in preflight.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in preflight.headers
    headers = {"origin": "https://other.example", "content-type": JSON}
    for body in (json.dumps({"query": QUERY}).encode(), b"nope"):
        answer = await client.post("/graphql", content=body, headers=headers)
        assert answer.headers["access-control-allow-origin"] == "*"


async def test_the_operator_can_limit_the_origins(tmp_path: Path) -> None:
    async with tiny_database(tmp_path) as url:
        engine = database.create_engine(url)
        for origins, allowed in (
            ("https://other.example, https://third.example", "https://other.example"),
            ("https://third.example", None),
            ("", None),
        ):
            async with in_process(settings_for(url, cors_origins=origins), engine) as client:
                preflight = await client.options("/graphql", headers=PREFLIGHT)
                assert preflight.headers.get("access-control-allow-origin") == allowed
                headers = {"origin": "https://other.example"}
                answer = await client.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
                assert answer.json() == {"data": {"__typename": "Query"}}
                assert answer.headers.get("access-control-allow-origin") == allowed
        await engine.dispose()
