"""GraphQL over HTTP: POST and GET, answers by Accept, streams for subscriptions."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from schema.column_types import is_array, is_object
from schema.errors import ClientError
from schema.scalars import ExactNumber
from server.graphql.connection_limits import Places, address
from server.graphql.execution import (
    Ready,
    Request,
    RequestError,
    Runner,
    encode,
    hide,
    is_mutation,
    is_subscription,
    refusal,
)
from server.graphql.negotiation import EVENTS, GRAPHQL, JSON, MULTIPART, preferred
from server.graphql.streaming import FORMS, Form, Stream
from server.settings import Settings

NEVER_STORED = {"Cache-Control": "no-store"}
REVALIDATED = {"Cache-Control": "public, max-age=0, must-revalidate"}


class HttpError(Exception):
    """A request that is no GraphQL request; answered in GraphQL's shape all the same."""

    def __init__(
        self, status: int, message: str, code: str = "BAD_REQUEST", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.headers = status, code, headers or {}

    def response(self, media: str = JSON) -> Response:
        error = RequestError([ClientError(str(self), self.code)])
        return Response(encode(refusal(error)), self.status, {**NEVER_STORED, **self.headers}, media)


class Endpoint:
    """Answers `/graphql` over HTTP."""

    def __init__(self, runner: Runner, settings: Settings, places: Places) -> None:
        self.runner, self.settings, self.places = runner, settings, places

    async def __call__(self, http: HttpRequest) -> Response:
        try:
            media = preferred(http.headers.get("accept"))
            if media is None:
                raise HttpError(406, f"Accept has to allow {GRAPHQL} or {JSON}.", "NOT_ACCEPTABLE")
            if http.method == "POST":
                request = replace(read_body(await self.body(http)), token=bearer(http.headers.get("authorization")))
            elif http.method in ("GET", "HEAD"):
                request = read_query(http.query_params)
            else:
                raise HttpError(
                    405,
                    f"{http.method} is not supported: use POST or GET.",
                    "METHOD_NOT_ALLOWED",
                    {"Allow": "GET, POST"},
                )
            return await self.answer(http, request, media)
        except HttpError as error:
            return error.response()
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:
            return HttpError(500, hide(error, "a request"), "INTERNAL_SERVER_ERROR").response()

    async def body(self, http: HttpRequest) -> bytes:
        kind = http.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != JSON:
            # A form or plain text is what other sites can make a browser send.
            raise HttpError(415, f"Content-Type has to be {JSON}.", "UNSUPPORTED_MEDIA_TYPE")
        limit = self.settings.max_body_bytes
        declared = http.headers.get("content-length", "")
        too_large = HttpError(
            413, f"The body is larger than {limit} bytes.", "PAYLOAD_TOO_LARGE", {"Connection": "close"}
        )
        if declared.isdigit() and int(declared) > limit:
            raise too_large
        body = bytearray()
        async for chunk in http.stream():
            body += chunk
            if len(body) > limit:
                raise too_large
        return bytes(body)

    async def answer(self, http: HttpRequest, request: Request, media: str) -> Response:
        strict = media == GRAPHQL
        try:
            ready = self.runner.check(request)
        except RequestError as error:
            if media in (EVENTS, MULTIPART):
                return Response(encode(refusal(error)), 400, NEVER_STORED, JSON)
            return Response(encode(refusal(error)), 400 if strict else 200, NEVER_STORED, f"{media}; charset=utf-8")
        if is_mutation(ready) and http.method != "POST":
            raise HttpError(405, "A mutation can't be sent by GET: use POST.", "METHOD_NOT_ALLOWED", {"Allow": "POST"})
        if media == EVENTS or (media == MULTIPART and is_subscription(ready)):
            return self.stream(http, ready, FORMS[media])
        if is_subscription(ready):
            raise HttpError(
                406, f"A subscription needs Accept: {EVENTS} or {MULTIPART}, or a WebSocket.", "NOT_ACCEPTABLE"
            )
        if media == MULTIPART:
            media = preferred(http.headers.get("accept"), without=MULTIPART) or JSON
        response = await self.runner.run(ready)
        status = 400 if media == GRAPHQL and "data" not in response else 200
        content = encode(response)
        if http.method == "POST" or "errors" in response:
            return Response(content, status, NEVER_STORED, f"{media}; charset=utf-8")
        return conditional(http, content, media)

    def stream(self, http: HttpRequest, ready: Ready, form: Form) -> Response:
        """The answers of an operation as they come. Raises HttpError when the client has too many streams already."""
        if http.method == "HEAD":
            return Response(headers=NEVER_STORED, media_type=form.media)
        client = address(http.scope)
        if not self.places.take(client):
            raise HttpError(429, "Too many streams are open. Close one first.", "RATE_LIMITED", {"Retry-After": "10"})
        return Stream(form, form.chunks(self.runner, ready), self.settings, partial(self.places.leave, client))


def bearer(header: Any) -> str | None:
    """The token of an Authorization header; None where there is none."""
    scheme, _, token = (header if isinstance(header, str) else "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def conditional(http: HttpRequest, content: bytes, media: str) -> Response:
    """A GET answer with an ETag; 304 when the client holds it already."""
    tag = f'"{hashlib.blake2s(content, digest_size=12).hexdigest()}"'
    headers = {**REVALIDATED, "ETag": tag, "Vary": "Accept"}
    held = [each.strip().removeprefix("W/") for each in http.headers.get("if-none-match", "").split(",")]
    if tag in held or "*" in held:
        return Response(status_code=304, headers=headers)
    return Response(content, 200, headers, f"{media}; charset=utf-8")


def _number(text: str) -> ExactNumber:
    """A JSON number with a fraction or exponent: a float that remembers its digits."""
    try:
        if abs(Decimal(text).adjusted()) > 60:
            raise ValueError("a number is too large or too small")
    except InvalidOperation:
        raise ValueError("a number can't be read") from None
    return ExactNumber(text)


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def read_json(text: bytes | str, what: str) -> Any:
    """Parsed JSON, stricter than Python's: no NaN, no double keys, UTF-8 only. Raises HttpError."""
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        return json.loads(text, parse_float=_number, parse_constant=_constant, object_pairs_hook=_object)
    except RecursionError:
        raise HttpError(400, f"{what} nests too deeply.") from None
    except UnicodeDecodeError:
        raise HttpError(400, f"{what} is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise HttpError(400, f"{what} is not JSON: {error.msg} at position {error.pos}.") from None
    except ValueError as error:
        reason = "a number has too many digits" if "integer string conversion" in str(error) else str(error)
        raise HttpError(400, f"{what} is not acceptable JSON: {reason}.") from None


def read_body(body: bytes) -> Request:
    content = read_json(body, "The body")
    if isinstance(content, list):
        raise HttpError(400, "Several operations in one request are not supported: send them one by one.")
    if not is_object(content):
        raise HttpError(400, "The body has to be a JSON object with a query.")
    return to_request(content)


def read_query(parameters: Any) -> Request:
    content: dict[str, Any] = {}
    for name in ("query", "variables", "operationName", "extensions"):
        values = parameters.getlist(name)
        if len(values) > 1:
            raise HttpError(400, f"The parameter {name} is given {len(values)} times.")
        if values and values[0] != "":
            content[name] = (
                read_json(values[0], f"The parameter {name}") if name in ("variables", "extensions") else values[0]
            )
    return to_request(content)


def to_request(content: Mapping[str, Any]) -> Request:
    """The request in a JSON object. Raises HttpError when a member has the wrong type."""
    query, name = content.get("query"), content.get("operationName")
    variables, extensions = content.get("variables"), content.get("extensions")
    for key, value in (("query", query), ("operationName", name)):
        if value is not None and not isinstance(value, str):
            raise HttpError(400, f"{key} has to be a string.")
    for key, value in (("variables", variables), ("extensions", extensions)):
        if value is not None and not isinstance(value, dict):
            raise HttpError(400, f"{key} has to be a JSON object.")
    extended: Mapping[str, Any] = extensions or {}
    if not query and not extended.get("persistedQuery"):
        raise HttpError(400, "The request has no query.")
    if halved(query) or halved(name) or halved(variables):
        raise HttpError(400, "The request holds half of a surrogate pair.")
    # An empty name is none: clients send it for the only operation of a document.
    return Request(query, variables or {}, name or None, extended)


def halved(value: Any) -> bool:
    """Whether a text somewhere in a JSON value holds half of a surrogate pair, which no encoding can carry on."""
    stack = [value]
    while stack:
        each = stack.pop()
        if isinstance(each, str):
            if any("\ud800" <= character <= "\udfff" for character in each):
                return True
        elif is_object(each):
            stack += [*each.keys(), *each.values()]
        elif is_array(each):
            stack += each
    return False
