"""Runs one operation: from a request's text and variables to its answer, with errors as clients may see them."""

import asyncio
import hmac
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard, cast

import orjson
from graphql import DocumentNode, ExecutionResult, GraphQLError, OperationDefinitionNode, OperationType
from graphql.execution import execute, subscribe  # pyright: ignore[reportUnknownVariableType] - typed in part
from sqlalchemy.ext.asyncio import AsyncEngine
from strawberry.execution.is_awaitable import optimized_is_awaitable

from schema.columns import is_object
from schema.context import Context, Refresh
from schema.faults import Fault
from schema.root import graph
from seeds.sources import LIVE
from server.documents import MOST_ERRORS, Documents, coded
from server.limits import Limits
from server.settings import Settings

log = logging.getLogger("modelmeta")
MUTATION_GRACE = 120.0
"""Seconds a refresh may take on top of fetching."""
# Strawberry's check is the faster one; its type only says bool.
is_awaitable = cast("Callable[[Any], TypeGuard[Awaitable[Any]]]", optimized_is_awaitable)


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks, whatever carried it here."""

    query: str | None
    variables: Mapping[str, Any]
    operation_name: str | None
    extensions: Mapping[str, Any]
    token: str | None = None
    """What the caller shows to be the operator."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A request whose document is checked: only running it is left."""

    document: DocumentNode
    operation: OperationDefinitionNode
    request: Request
    cost: int


class RequestError(Exception):
    """Errors that kept the operation from running: the answer has no data at all."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


class Runner:
    """Checks and runs operations against one database."""

    def __init__(self, engine: AsyncEngine, settings: Settings, refresh: Refresh | None = None) -> None:
        self.engine, self.settings, self.refresh = engine, settings, refresh
        limits = Limits(settings.max_depth, settings.max_aliases, settings.max_cost)
        self.graph = graph
        self.documents = Documents(self.graph, limits, settings.max_tokens)
        self.shown = {"refresh_interval": settings.refresh_interval, "feeds": LIVE}

    def refresh_for(self, request: Request) -> Refresh | None:
        """The way to refresh, for the operator alone."""
        secret = self.settings.operator_token
        if secret is None or request.token is None:
            return None
        # In constant time: how long a comparison takes must not tell how much of a guess was right.
        return self.refresh if hmac.compare_digest(secret.encode(), request.token.encode()) else None

    def check(self, request: Request) -> Ready:
        """Everything that can be known before running. Raises RequestError."""
        try:
            text = request.query
            persisted = request.extensions.get("persistedQuery")
            if persisted is not None:
                digest = persisted.get("sha256Hash") if is_object(persisted) else None
                if not isinstance(digest, str) or len(digest) != 64:
                    raise Fault("extensions.persistedQuery needs sha256Hash, the SHA-256 of the query in hexadecimal.")
                text = self.documents.persisted(digest, text)
            if not text:
                raise Fault("The request has no query.")
            prepared = self.documents.prepare(text)
            if prepared.errors:
                raise RequestError(prepared.errors)
            assert prepared.document
            operation = self.documents.operation(prepared, request.operation_name)
            cost = self.documents.cost(prepared, operation, request.variables)
            return Ready(prepared.document, operation, request, cost)
        except GraphQLError as error:
            raise RequestError([error]) from error

    async def run(self, ready: Ready) -> dict[str, Any]:
        """The answer as GraphQL's response map. An answer without `data` was refused before it ran."""
        context = Context(self.engine, settings=self.shown, refresh=self.refresh_for(ready.request))
        seconds = self.settings.operation_timeout
        if is_mutation(ready):
            seconds = max(seconds, self.settings.fetch_timeout + MUTATION_GRACE)
        try:
            async with asyncio.timeout(seconds):
                found = execute(
                    self.graph,
                    ready.document,
                    context_value=context,
                    variable_values=dict(ready.request.variables),
                    operation_name=ready.request.operation_name,
                    is_awaitable=is_awaitable,
                )
                result = found if isinstance(found, ExecutionResult) else await found
        except TimeoutError:
            return {
                "errors": [formatted(Fault(f"The operation took longer than {seconds:g} s. Ask for less.", "TIMEOUT"))],
                "data": None,
            }
        finally:
            await context.close()
        return answer(result)

    async def events(self, ready: Ready) -> AsyncIterator[dict[str, Any]]:
        """The answers of a subscription. Raises RequestError when it can't begin."""
        context = Context(self.engine, settings=self.shown)
        try:
            found = subscribe(
                self.graph,
                ready.document,
                context_value=context,
                variable_values=dict(ready.request.variables),
                operation_name=ready.request.operation_name,
            )
            stream = await found if isinstance(found, Awaitable) else found
            if isinstance(stream, ExecutionResult):
                raise RequestError([_seen(error) for error in stream.errors or []])
            async for result in stream:
                yield answer(result)
        finally:
            await context.close()


def answer(result: ExecutionResult) -> dict[str, Any]:
    """The response map of a result; `data` is left out when nothing ran."""
    if not result.errors:
        return {"data": result.data}
    errors = [formatted(error) for error in result.errors[:MOST_ERRORS]]
    # An error without a path was found before anything ran: in the variables, or the operation.
    if result.data is None and all(error.path is None for error in result.errors):
        return {"errors": errors}
    return {"errors": errors, "data": result.data}


def refusal(error: RequestError) -> dict[str, Any]:
    return {"errors": [formatted(each) for each in error.errors[:MOST_ERRORS]]}


def _seen(error: GraphQLError) -> GraphQLError:
    """The error as a client may see it: an unexpected one is logged, and hidden behind an id."""
    original = error.original_error
    if original is None or isinstance(original, GraphQLError):
        inner = original.extensions if isinstance(original, GraphQLError) else None
        if inner:
            error.extensions = {**inner, **(error.extensions or {})}
        return coded(error, "BAD_USER_INPUT")
    return GraphQLError(
        hide(original, f"{error.path}"),
        nodes=error.nodes,
        path=error.path,
        extensions={"code": "INTERNAL_SERVER_ERROR"},
    )


def hide(error: BaseException, where: str) -> str:
    """Logs an unexpected error, and words what the client gets instead: an id that finds it in the log."""
    incident = uuid.uuid4().hex[:12]
    log.error("error %s in %s", incident, where, exc_info=error)
    return f"Something went wrong on our side. Quote {incident} when you report it."


def formatted(error: GraphQLError) -> dict[str, Any]:
    return dict(_seen(error).formatted)


def encode(response: Any) -> bytes:
    return orjson.dumps(response)


def is_mutation(ready: Ready) -> bool:
    return ready.operation.operation is OperationType.MUTATION


def is_subscription(ready: Ready) -> bool:
    return ready.operation.operation is OperationType.SUBSCRIPTION
