"""GraphQL over HTTP: reads requests, and responds to all but the queries that `answers.py` answers."""

import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from schema.column_types import is_array, is_object
from schema.scalars import ExactNumber
from schema.strict_json import JsonError, JsonParser, JsonValue
from server.graphql.connection_limits import ConnectionLimits, client_address
from server.graphql.errors import HttpError, RequestError, error_response, hide
from server.graphql.execution import Runner, encode
from server.graphql.negotiation import EVENTS, GRAPHQL, JSON, MULTIPART, negotiate
from server.graphql.operations import PreparedOperation, Request
from server.graphql.streaming import STREAM_FORMATS, Stream, StreamFormat
from server.settings import Settings

NO_STORE: Final = {"cache-control": "no-store"}
SURROGATE: Final = re.compile("[\ud800-\udfff]")
REQUEST_JSON: Final = JsonParser(decimal=ExactNumber, max_digits=sys.int_info.default_max_str_digits, max_exponent=60)


class GraphQLEndpoint:
    """Answers `/graphql` over HTTP."""

    def __init__(self, runner: Runner, settings: Settings, limits: ConnectionLimits) -> None:
        self.runner, self.settings, self.limits = runner, settings, limits

    async def __call__(self, http: HttpRequest[Any]) -> Response:
        try:
            media = negotiate(http.headers.get("accept"))
            if media is None:
                raise HttpError(406, f"Accept must allow {GRAPHQL} or {JSON}.", "NOT_ACCEPTABLE")
            if http.method == "POST":
                token = bearer_token(http.headers.get("authorization"))
                request = replace(read_body(await self.body(http)), token=token)
            elif http.method in ("GET", "HEAD"):
                request = read_query(http.query_params)
            else:
                message, headers = f"{http.method} is not supported: use POST or GET.", {"allow": "GET, POST"}
                raise HttpError(405, message, "METHOD_NOT_ALLOWED", headers)
            return await self.respond(http, request, media)
        except HttpError as error:
            return error.response()
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:
            return HttpError(500, hide(error, "a request"), "INTERNAL_SERVER_ERROR").response()

    async def body(self, http: HttpRequest[Any]) -> bytes:
        if not is_json(http.headers.get("content-type", "")):
            # Forms and plain text are what other sites can make a browser send.
            raise HttpError(415, f"Content-Type must be {JSON}.", "UNSUPPORTED_MEDIA_TYPE")
        limit = self.settings.max_body_bytes
        declared = http.headers.get("content-length", "")
        message = f"The body is larger than {limit} bytes."
        too_large = HttpError(413, message, "PAYLOAD_TOO_LARGE", {"connection": "close"})
        if declared.isdigit() and int(declared) > limit:
            raise too_large
        body = bytearray()
        async for chunk in http.stream():
            body += chunk
            if len(body) > limit:
                raise too_large
        return bytes(body)

    async def respond(self, http: HttpRequest[Any], request: Request, media: str) -> Response:
        try:
            operation = self.runner.prepare(request)
        except RequestError as error:
            content = encode(error_response(error))
            if media in (EVENTS, MULTIPART):
                return Response(content, 400, NO_STORE, JSON)
            return Response(content, 400 if media == GRAPHQL else 200, NO_STORE, f"{media}; charset=utf-8")
        if operation.is_mutation and http.method != "POST":
            raise HttpError(405, "Mutations can't be sent by GET: use POST.", "METHOD_NOT_ALLOWED", {"allow": "POST"})
        if media == EVENTS or (media == MULTIPART and operation.is_subscription):
            return self.stream(http, operation, STREAM_FORMATS[media])
        if operation.is_subscription:
            message = f"Subscriptions need Accept: {EVENTS} or {MULTIPART}, or a WebSocket."
            raise HttpError(406, message, "NOT_ACCEPTABLE")
        if media == MULTIPART:
            media = negotiate(http.headers.get("accept"), exclude=MULTIPART) or JSON
        # A mutation: QueryEndpoint answers the queries.
        response = await self.runner.run(operation)
        status = 400 if media == GRAPHQL and "data" not in response else 200
        return Response(encode(response), status, NO_STORE, f"{media}; charset=utf-8")

    def stream(self, http: HttpRequest[Any], operation: PreparedOperation, format: StreamFormat) -> Response:
        """The responses as they come. Raises HttpError when the client has too many streams already."""
        if http.method == "HEAD":
            return Response(headers=NO_STORE, media_type=format.media_type)
        address = client_address(http.scope)
        if not self.limits.acquire(address):
            raise HttpError(429, "Too many open streams. Close one first.", "RATE_LIMITED", {"retry-after": "10"})
        chunks = format.chunks(self.runner, operation)
        return Stream(format, chunks, self.settings, partial(self.limits.release, address))


def is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == JSON


def bearer_token(header: object) -> str | None:
    """The token of an Authorization header; None if it has another form."""
    scheme, _, token = (header if isinstance(header, str) else "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def read_json(content: bytes | str, name: str) -> JsonValue:
    """The JSON value. Raises HttpError with the name of the content."""
    try:
        return REQUEST_JSON.parse(content)
    except JsonError as error:
        raise HttpError(400, f"{name} is not valid JSON: {error}.") from error


def read_body(body: bytes) -> Request:
    content = read_json(body, "The body")
    if isinstance(content, list):
        raise HttpError(400, "Batches are not supported: send one operation per request.")
    if not is_object(content):
        raise HttpError(400, "The body must be a JSON object with a query.")
    return read_request(content)


def read_query(parameters: QueryParams) -> Request:
    content: dict[str, object] = {}
    for name in ("query", "variables", "operationName", "extensions"):
        values = parameters.getlist(name)
        if len(values) > 1:
            raise HttpError(400, f"The parameter {name} is given {len(values)} times.")
        if values and values[0] != "":
            is_json = name in ("variables", "extensions")
            content[name] = read_json(values[0], f"The parameter {name}") if is_json else values[0]
    return read_request(content)


def read_request(content: Mapping[str, object]) -> Request:
    """The request in a JSON object. Raises HttpError when a member has the wrong type."""
    query, name = content.get("query"), content.get("operationName")
    variables, extensions = content.get("variables"), content.get("extensions")
    for key, value in (("query", query), ("operationName", name)):
        if value is not None and not isinstance(value, str):
            raise HttpError(400, f"{key} must be a string.")
    for key, value in (("variables", variables), ("extensions", extensions)):
        if value is not None and not is_object(value):
            raise HttpError(400, f"{key} must be a JSON object.")
    extensions = extensions if is_object(extensions) else {}
    if not query and not extensions.get("persistedQuery"):
        raise HttpError(400, "The request has no query.")
    if any(map(has_lone_surrogate, (query, name, variables))):
        raise HttpError(400, "The request contains half of a surrogate pair.")
    return Request(
        query if isinstance(query, str) else None,
        variables if is_object(variables) else {},
        # Clients send an empty name for the only operation of a document.
        name if isinstance(name, str) and name else None,
        extensions,
    )


def has_lone_surrogate(value: object) -> bool:
    """Whether a text anywhere in a JSON value contains half of a surrogate pair, which no encoding can carry on."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            if SURROGATE.search(item):
                return True
        elif is_object(item):
            stack += [*item.keys(), *item.values()]
        elif is_array(item):
            stack += item
    return False
