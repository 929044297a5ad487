"""Runs one operation: from a request's text and variables to its answer, with errors as clients may see them."""

import asyncio
import hmac
import logging
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeGuard, cast

import orjson
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    Node,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    execution,
)
from sqlalchemy.ext.asyncio import AsyncEngine
from strawberry.execution.is_awaitable import optimized_is_awaitable

from schema.column_types import is_object
from schema.context import Context, Refresh, RegistrySettings, State
from schema.errors import ClientError
from schema.graph import graph
from schema.single_flight import Shared
from schema.subscription import event_key
from seeds.store.sources import LIVE
from server.database.revisions import Watch
from server.graphql.documents import MOST_ERRORS, Documents, coded
from server.graphql.limits import Limits, walk
from server.settings import Settings

log = logging.getLogger("modelmeta")
MUTATION_GRACE = 120.0
"""Seconds a refresh may take on top of fetching."""
SHARED_FOR = 5.0
"""Seconds within which subscribers share the answer to an event: what it says may depend on the time of day."""
MOST_TOLD = 8 * 1024 * 1024
"""Bytes of such answers that are kept."""
core: Any = execution  # whose own types are known in part only
Result = ExecutionResult | Awaitable[ExecutionResult]
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

    text: str
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

    def __init__(
        self, engine: AsyncEngine, settings: Settings, watch: Watch | None = None, refresh: Refresh | None = None
    ) -> None:
        self.engine, self.settings, self.watch, self.refresh = engine, settings, watch, refresh
        limits = Limits(settings.max_depth, settings.max_aliases, settings.max_cost)
        self.graph = graph
        self.documents = Documents(self.graph, limits, settings.max_tokens)
        self.shown = RegistrySettings(settings.refresh_interval, LIVE)
        self.state = State()
        self.told: Shared[bytes] = Shared(len, MOST_TOLD)

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
                    raise ClientError(
                        "extensions.persistedQuery needs sha256Hash, the SHA-256 of the query in hexadecimal."
                    )
                text = self.documents.persisted(digest, text)
            if not text:
                raise ClientError("The request has no query.")
            prepared = self.documents.prepare(text)
            if prepared.errors:
                raise RequestError(prepared.errors)
            assert prepared.document
            operation = self.documents.operation(prepared, request.operation_name)
            cost = self.documents.cost(prepared, operation, request.variables)
            return Ready(text, prepared.document, operation, request, cost)
        except GraphQLError as error:
            raise RequestError([error]) from error

    async def run(self, ready: Ready) -> dict[str, Any]:
        """The answer as GraphQL's response map. An answer without `data` was refused before it ran."""
        seconds = self.settings.operation_timeout
        if is_mutation(ready):
            seconds = max(seconds, self.settings.fetch_timeout + MUTATION_GRACE)
        return await self._answered(
            lambda context: core.execute(
                self.graph,
                ready.document,
                context_value=context,
                variable_values=dict(ready.request.variables),
                operation_name=ready.request.operation_name,
                is_awaitable=is_awaitable,
            ),
            seconds,
            self.refresh_for(ready.request),
        )

    async def events(self, ready: Ready) -> AsyncGenerator[bytes]:
        """The encoded answers of a subscription, each read in a transaction of its own.

        Subscribers who hear the same event in the same words share its answer. Raises RequestError when it can't begin.
        """
        executor, source = await self._begun(ready)
        words = _words(ready)

        async def told(event: Any) -> bytes:
            return encode(await self._answered(partial(_executed, executor.build_per_event_executor(event))))

        async with aclosing(source):
            async for event in source:
                if words is None:
                    yield await told(event)
                else:
                    latest = self.watch.number if self.watch else 0
                    moment = int(time.monotonic() / SHARED_FOR)
                    yield await self.told.get((words, event_key(event), latest, moment), partial(told, event))

    async def _begun(self, ready: Ready) -> tuple[Any, AsyncGenerator[Any]]:
        """A subscription's executor and source of events."""
        context = Context(self.engine, settings=self.shown, state=self.state, watch=self.watch)
        executor = core.Executor.build(
            self.graph,
            ready.document,
            context_value=context,
            raw_variable_values=dict(ready.request.variables),
            operation_name=ready.request.operation_name,
            is_awaitable=is_awaitable,
        )
        if not isinstance(executor, core.Executor):
            raise RequestError(executor)
        try:
            async with asyncio.timeout(self.settings.operation_timeout):
                found = core.create_source_event_stream(executor)
                source = await found if is_awaitable(found) else found
        except TimeoutError:
            raise RequestError([late(self.settings.operation_timeout)]) from None
        finally:
            await context.close()
        if isinstance(source, ExecutionResult):
            raise RequestError(source.errors or [])
        return executor, source

    async def _answered(
        self, work: Callable[[Context], Result], seconds: float | None = None, refresh: Refresh | None = None
    ) -> dict[str, Any]:
        """The response map of one execution, which gets a transaction of its own and has to keep the deadline."""
        context = Context(self.engine, settings=self.shown, state=self.state, watch=self.watch, refresh=refresh)
        seconds = self.settings.operation_timeout if seconds is None else seconds
        try:
            async with asyncio.timeout(seconds):
                found = work(context)
                result = found if isinstance(found, ExecutionResult) else await found
        except TimeoutError:
            return {"errors": [formatted(late(seconds))], "data": None}
        finally:
            await context.close()
        return answer(result)


def late(seconds: float) -> ClientError:
    return ClientError(f"The operation took longer than {seconds:g} s. Ask for less.", "TIMEOUT")


def _words(ready: Ready) -> Hashable:
    """All that the answers of a subscription depend on besides the event; None where that can't be compared.

    What is given to its one field chooses the events, and is in none of their answers.
    """
    parts: list[Node] = [each for each in ready.document.definitions if isinstance(each, FragmentDefinitionNode)]
    for each in ready.operation.selection_set.selections:
        if isinstance(each, FieldNode):
            parts += [*(each.directives or ()), *([each.selection_set] if each.selection_set else ())]
        else:
            parts.append(each)
    names = {node.name.value for part in parts for node in walk(part) if isinstance(node, VariableNode)}
    given = [(name, value) for name, value in sorted(ready.request.variables.items()) if name in names]
    if not all(isinstance(value, (str, int)) or value is None for _, value in given):
        return None
    # True equals 1, but they don't mean the same.
    values = tuple((name, f"{type(value)}", value) for name, value in given)
    return ready.text, ready.request.operation_name, values


def _executed(executor: Any, context: Context) -> Result:
    """One event's execution. The executor is a copy made for the event, and so is the context."""
    executor.context_value = context
    result: Result = core.execute_subscription_event(executor)
    return result


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
