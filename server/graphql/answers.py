"""Answers to queries, kept for as long as they hold: until the next revision, and some only until the day ends.

    KeptResponses     the same request again: its response, message by message
      CORS            for requests with an Origin
        QueryEndpoint another spelling of a query that was answered: the answer; else its execution
          Starlette   everything else: errors, mutations, subscriptions, streams

An answer depends on the revision, the document, the operation and its variables, and on nothing else unless one of
its fields declares a clock. Answers with errors, and those that depend on the instant, are not kept. A request with
`Cache-Control: no-cache` is always executed.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Final

import orjson
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schema import context
from schema.cache import RevisionCache
from schema.context import Revisions
from schema.declarations import Clock
from schema.scalars import ExactNumber
from server.content import REVALIDATE, best_coding, compress, entity_tag, not_modified
from server.graphql.errors import HttpError, RequestError, hide
from server.graphql.execution import Runner, encode
from server.graphql.http import NO_STORE, is_json, read_body, read_query
from server.graphql.negotiation import GRAPHQL, JSON, MULTIPART, negotiate
from server.graphql.operations import PlannedOperation, PreparedOperation

PATH: Final = "/graphql"
ANSWER_BYTES: Final = 20 * 1024 * 1024
RESPONSE_BYTES: Final = 8 * 1024 * 1024
"""Bytes kept of answers, and of the requests that were answered with them."""
LONGEST_KEPT: Final = 16 * 1024
"""Bytes of a body up to which a request is recognized as a whole."""
MESSAGE_BYTES: Final = 1_500
"""What the messages of a response take besides the content. Measured."""
ANSWER: Final = "modelmeta.answer"
"""Member of the scope that holds the answer a response was made from."""
LONGEST_UNINTERRUPTED: Final = 50_000
"""Bytes that are compressed while other requests wait; longer contents are compressed in a thread."""
SMALLEST_COMPRESSED: Final = 1_000
"""Bytes below which compressing gains nothing."""
VARYING: Final = frozenset(
    {b"accept", b"accept-encoding", b"cache-control", b"content-type", b"if-none-match", b"origin"}
)
"""Headers that a response depends on."""


@dataclass(eq=False)
class Answer:
    """The content of a response, and for how long it holds."""

    content: bytes
    revision: int | None
    """The revision it holds for; None if it can't be kept."""
    day: date | None
    """The UTC day it holds for; None for any."""
    failed: bool
    """Whether it has errors."""
    refused: bool
    """Whether nothing was executed."""
    codings: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """The content in each coding that was asked for."""

    @cached_property
    def tag(self) -> str:
        return entity_tag(self.content)

    def etag(self, coding: str) -> str:
        """The entity tag of the content in a coding."""
        return self.tag if coding == "identity" else f'{self.tag[:-1]}-{coding}"'

    def holds(self, revision: int | None) -> bool:
        return self.revision == revision and (self.day is None or self.day == today())

    async def coded(self, coding: str) -> bytes:
        if coding == "identity":
            return self.content
        if coding not in self.codings:
            if len(self.content) > LONGEST_UNINTERRUPTED:
                self.codings[coding] = await asyncio.to_thread(compress, self.content, coding)
            else:
                self.codings[coding] = compress(self.content, coding)
        return self.codings[coding]


def today() -> date:
    return context.utc_now().date()


class Answers:
    """Executes queries, each once for as long as its answer holds."""

    def __init__(self, runner: Runner, watch: Revisions) -> None:
        self.runner, self.watch = runner, watch
        self._kept: RevisionCache[Answer] = RevisionCache(ANSWER_BYTES)
        self.responses: RevisionCache[tuple[Answer, Sequence[Message]]] = RevisionCache(RESPONSE_BYTES)
        """What was sent in response to exactly the same request."""

    async def answer(self, operation: PreparedOperation, *, execute: bool = False) -> Answer:
        """The answer to a query: kept, under way for somebody else, or from an execution."""
        planned = self.runner.plan(operation)
        revision = self.watch.current()
        kept = None if revision is None else self._kept.at(revision)
        variables = variables_key(operation.request.variables)
        key = operation.prepared.text, operation.request.operation_name, variables, today()

        async def work() -> tuple[Answer, int]:
            answer = await self._execute(operation, planned)
            # What does not hold for this revision is given to those who wait for it, but is too large to be kept.
            own = 2 * len(answer.content) + len(operation.prepared.text) + len(variables or b"")
            return answer, own if answer.holds(revision) else ANSWER_BYTES

        if planned is None or planned.plan.clock is Clock.INSTANT or kept is None or variables is None or execute:
            return (await work())[0]
        return await kept.load(key, work)

    async def _execute(self, operation: PreparedOperation, planned: PlannedOperation | None) -> Answer:
        executed = await self.runner.execute(operation, planned)
        response = executed.response
        keeps = "errors" not in response and executed.clock is not Clock.INSTANT
        return Answer(
            encode(response),
            executed.revision if keeps else None,
            executed.day if executed.clock is Clock.DAY else None,
            refused="data" not in response,
            failed="errors" in response,
        )


def variables_key(variables: Mapping[str, object]) -> bytes | None:
    """The variables as canonical JSON; None if they have no such form."""
    try:
        return orjson.dumps(variables, default=digits, option=orjson.OPT_SORT_KEYS) if variables else b""
    except (TypeError, orjson.JSONEncodeError):
        return None


def digits(value: object) -> Sequence[str]:
    """A number with a fraction as its own digits, in a form that no other variable has."""
    if isinstance(value, ExactNumber):
        return "number", value.text
    raise TypeError(f"{type(value).__name__} has no canonical form.")


class QueryEndpoint:
    """Answers queries sent as JSON or in the URL; whatever else there is goes to the application behind it."""

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        self.app, self.max_body_bytes = app, max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] not in ("POST", "GET", "HEAD"):
            return await self.app(scope, receive, send)
        http, body = HttpRequest(scope), b""
        declared = http.headers.get("content-length", "0")
        if not declared.isdigit() or int(declared) > self.max_body_bytes:
            return await self.app(scope, receive, send)
        if scope["method"] == "POST":
            body, receive = await read_ahead(receive, self.max_body_bytes)
        try:
            response = await self.respond(http, body)
        except Exception as error:
            response = HttpError(500, hide(error, "a query"), "INTERNAL_SERVER_ERROR").response()
        return await (response or self.app)(scope, receive, send)

    async def respond(self, http: HttpRequest, body: bytes) -> Response | None:
        """The response to a valid query; None for anything else."""
        headers, answers = http.headers, http.state["answers"]
        accept = headers.get("accept")
        media = negotiate(accept)
        if media == MULTIPART:
            media = negotiate(accept, exclude=MULTIPART) or JSON
        if media not in (JSON, GRAPHQL):
            return None
        try:
            if http.method != "POST":
                request = read_query(http.query_params)
            elif is_json(headers.get("content-type", "")):
                request = read_body(body)
            else:
                return None
            operation = answers.runner.prepare(request)
        except RequestError:
            return None
        if operation.is_mutation or operation.is_subscription:
            return None
        execute = "no-cache" in headers.get("cache-control", "")
        answer = await answers.answer(operation, execute=execute)
        if not execute:
            http.scope[ANSWER] = answer
        return await respond(http, answer, media)


async def respond(http: HttpRequest, answer: Answer, media: str) -> Response:
    """The answer in the best coding that the client accepts, or 304 if the client already has it."""
    headers = {"x-content-type-options": "nosniff", "vary": "Accept, Accept-Encoding"}
    if answer.revision is not None:
        headers["modelmeta-revision"] = str(answer.revision)
    coding = best_coding(http) if len(answer.content) >= SMALLEST_COMPRESSED else "identity"
    if coding != "identity":
        headers["content-encoding"] = coding
    if http.method == "POST" or answer.failed:
        headers |= NO_STORE
    else:
        headers |= {**REVALIDATE, "etag": answer.etag(coding)}
        if response := not_modified(http, headers):
            return response
    status = 400 if answer.refused and media == GRAPHQL else 200
    return Response(await answer.coded(coding), status, headers, f"{media}; charset=utf-8")


async def read_ahead(receive: Receive, most: int) -> tuple[bytes, Receive]:
    """The body, as far as it is needed to see that it is too large; and what the application behind receives."""
    messages: list[Message] = []
    body = b""
    while True:
        message = await receive()
        messages.append(message)
        body += message.get("body", b"")
        if not message.get("more_body") or len(body) > most:
            break
    return body, replayed(messages, receive)


def replayed(messages: Sequence[Message], receive: Receive) -> Receive:
    """What the application behind receives: the messages that were read already, then those that follow."""
    pending = iter(messages)

    async def again() -> Message:
        return next(pending, None) or await receive()

    return again


class KeptResponses:
    """Sends the response to a request that was answered before, without reading what the request says."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            return await self.app(scope, receive, send)
        varying: list[tuple[bytes, bytes]] = []
        for header in scope["headers"]:
            name, value = header
            if name in VARYING:
                varying.append(header)
            elif name == b"content-length" and not (value.isdigit() and int(value) <= LONGEST_KEPT):
                return await self.app(scope, receive, send)
        message = await receive()
        if message.get("more_body") or len(message.get("body", b"")) > LONGEST_KEPT:
            return await self.app(scope, replayed([message], receive), send)
        answers: Answers = scope["state"]["answers"]
        revision = answers.watch.current()
        kept = None if revision is None else answers.responses.at(revision)
        if kept is None:
            return await self.app(scope, replayed([message], receive), send)
        texts = [scope["query_string"], message.get("body", b""), *(value for _, value in varying)]
        key = scope["method"], *texts, *(name for name, _ in varying)
        found = kept.get(key)
        if found is not None and found[0].holds(revision):
            for part in found[1]:
                await send(part)
            return None
        parts: list[Message] = []

        async def keep(part: Message) -> None:
            parts.append(part)
            await send(part)

        await self.app(scope, replayed([message], receive), keep)
        answer: Answer | None = scope.get(ANSWER)
        if answer is not None and answer.holds(revision):
            kept.put(key, (answer, parts), MESSAGE_BYTES + sum(map(len, texts)) + len(answer.content))
        return None
