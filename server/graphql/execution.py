"""Runs one operation: from a request's text and variables to its response."""

import asyncio
import hmac
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from hashlib import blake2b
from typing import Final

import orjson
from graphql import (
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    Node,
    VariableNode,
)
from graphql.execution.values import VariableValues
from sqlalchemy.ext.asyncio import AsyncEngine

from schema.cache import Cache, RevisionChangedError
from schema.column_types import is_object
from schema.context import Context, Refresh, RegistrySettings, Revisions, State
from schema.errors import ClientError
from schema.graph import graph
from schema.subscription import event_key
from seeds.store.sources import LIVE
from server.graphql.documents import Documents
from server.graphql.errors import MAX_ERRORS, RequestError, ResponseMap, format_error
from server.graphql.executor import Result, Subscription, execute
from server.graphql.limits import Limits, walk
from server.graphql.operations import Executed, PlannedOperation, PreparedOperation, Request
from server.graphql.plan.plan import Plan
from server.graphql.plan.run import run
from server.settings import Settings

log = logging.getLogger("modelmeta")
ATTEMPTS: Final = 3
"""Runs of a plan, each of which may meet a new revision, before graphql-core executes the operation."""
MUTATION_GRACE: Final = 120.0
"""Seconds a refresh may take on top of fetching."""
EVENT_SHARING: Final = 5.0
"""Seconds for which subscribers share the response to an event: it may depend on the time of day."""
EVENT_CACHE: Final = 8 * 1024 * 1024
"""Bytes of such responses that are kept."""


class Runner:
    """Prepares and executes operations against one database."""

    def __init__(
        self, engine: AsyncEngine, settings: Settings, watch: Revisions | None = None, refresh: Refresh | None = None
    ) -> None:
        self.engine, self.settings, self.watch, self.refresh = engine, settings, watch, refresh
        limits = Limits(settings.max_depth, settings.max_aliases, settings.max_cost)
        self.graph = graph
        self.documents = Documents(self.graph, limits, settings.max_tokens)
        self._registry_settings = RegistrySettings(settings.refresh_interval, LIVE)
        self._state = State()
        self._event_responses: Cache[bytes] = Cache(EVENT_CACHE)

    def prepare(self, request: Request) -> PreparedOperation:
        """Checks everything that can be checked before execution. Raises RequestError."""
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
            definition = self.documents.operation(prepared, request.operation_name)
            cost = self.documents.cost(prepared, definition, request.variables)
            return PreparedOperation(prepared, definition, request, cost)
        except GraphQLError as error:
            raise RequestError([error]) from error

    async def run(self, operation: PreparedOperation) -> ResponseMap:
        """The response map. One without `data` was refused before execution."""
        return (await self.execute(operation, self.plan(operation))).response

    def plan(self, operation: PreparedOperation) -> PlannedOperation | None:
        """The plan of a query and its variables; None where graphql-core has to execute it."""
        if operation.is_mutation:
            return None
        variables = self._variables(operation)
        if variables is None:
            return None
        plan = self.documents.plan(operation.prepared, operation.definition, variables)
        return PlannedOperation(plan, variables) if isinstance(plan, Plan) else None

    def explain(self, operation: PreparedOperation) -> str:
        """How an operation is executed: its plan, or why graphql-core executes it."""
        variables = self._variables(operation)
        if variables is None:
            return "graphql-core executes it, because the variables are invalid."
        plan = self.documents.plan(operation.prepared, operation.definition, variables)
        return str(plan) if isinstance(plan, Plan) else f"graphql-core executes it, because it has {plan}."

    def _variables(self, operation: PreparedOperation) -> VariableValues | None:
        reader = self.documents.variables(operation.prepared, operation.definition)
        return reader.read(operation.request.variables)

    async def execute(self, operation: PreparedOperation, planned: PlannedOperation | None) -> Executed:
        """The response of a query or mutation, by its plan if it has one."""
        seconds, request = self.settings.operation_timeout, operation.request
        if operation.is_mutation:
            seconds = max(seconds, self.settings.fetch_timeout + MUTATION_GRACE)
        try:
            async with asyncio.timeout(seconds):
                if planned is not None and (executed := await self._run_plan(planned)) is not None:
                    return executed
                response = await self._execute(
                    lambda context: execute(
                        self.graph, operation.document, request.operation_name, request.variables, context
                    ),
                    self._refresh_for(request),
                )
        except TimeoutError:
            response = {"errors": [format_error(_timeout_error(seconds))], "data": None}
        return Executed(response)

    async def _run_plan(self, planned: PlannedOperation) -> Executed | None:
        """The response of a plan; None when something goes wrong, and graphql-core has to say what."""
        plan = planned.plan
        for _ in range(ATTEMPTS):
            context = self.context(revision=self.watch.current() if self.watch else None)
            try:
                data = await run(plan, context, planned.variables)
                return Executed({"data": data}, context.revision, plan.clock, context.now.date())
            except RevisionChangedError:
                continue  # everything kept for the request was of a revision that has been replaced
            except Exception as error:
                log.debug("graphql-core executes an operation again: %r", error)
                break
            finally:
                await context.close()
        return None

    async def events(self, operation: PreparedOperation) -> AsyncGenerator[bytes]:
        """The encoded responses of a subscription, each read in its own transaction.

        Subscribers that select the same fields of an event share its response. Raises RequestError when it can't start.
        """
        subscription, source = await self._subscribe(operation)
        selection = _selection_digest(operation)

        async def respond(event: object) -> tuple[bytes, int]:
            content = encode(await self._respond(lambda context: subscription.respond(event, context)))
            return content, len(content)

        async with aclosing(source):
            async for event in source:
                if selection is None:
                    yield (await respond(event))[0]
                else:
                    latest = self.watch.number if self.watch else 0
                    interval = int(time.monotonic() / EVENT_SHARING)
                    key = selection, event_key(event), latest, interval
                    yield await self._event_responses.load(key, partial(respond, event))

    async def _subscribe(self, operation: PreparedOperation) -> tuple[Subscription, AsyncGenerator[object]]:
        request, seconds = operation.request, self.settings.operation_timeout
        context = self.context()
        try:
            async with asyncio.timeout(seconds):
                subscription = Subscription(
                    self.graph, operation.document, request.operation_name, request.variables, context
                )
                return subscription, await subscription.start()
        except TimeoutError:
            raise RequestError([_timeout_error(seconds)]) from None
        finally:
            await context.close()

    async def _respond(self, work: Callable[[Context], Result]) -> ResponseMap:
        """The response map of one execution within the time limit."""
        seconds = self.settings.operation_timeout
        try:
            async with asyncio.timeout(seconds):
                return await self._execute(work)
        except TimeoutError:
            return {"errors": [format_error(_timeout_error(seconds))], "data": None}

    async def _execute(self, work: Callable[[Context], Result], refresh: Refresh | None = None) -> ResponseMap:
        """The response map of one execution, in a transaction of its own."""
        context = self.context(refresh)
        try:
            result = work(context)
            return response_map(result if isinstance(result, ExecutionResult) else await result)
        finally:
            await context.close()

    def context(self, refresh: Refresh | None = None, revision: int | None = None) -> Context:
        """What one execution reads the registry through; to be closed after it."""
        return Context(
            self.engine,
            settings=self._registry_settings,
            state=self._state,
            watch=self.watch,
            refresh=refresh,
            revision=revision,
        )

    def _refresh_for(self, request: Request) -> Refresh | None:
        """The function that refreshes, if the request has the operator's token; else None."""
        secret = self.settings.operator_token
        if secret is None or request.token is None:
            return None
        # In constant time: how long a comparison takes must not tell how much of a guess was right.
        return self.refresh if hmac.compare_digest(secret.encode(), request.token.encode()) else None


def _timeout_error(seconds: float) -> ClientError:
    return ClientError(f"The operation took longer than {seconds:g} s. Ask for less.", "TIMEOUT")


def _selection_digest(operation: PreparedOperation) -> bytes | None:
    """A digest of all that the responses of a subscription depend on besides the event; None if that is too much.

    The arguments of its one field are left out: they select the events and do not change a response.
    """
    parts: list[Node] = [node for node in operation.document.definitions if isinstance(node, FragmentDefinitionNode)]
    for selection in operation.definition.selection_set.selections:
        if isinstance(selection, FieldNode):
            parts += selection.directives or ()
            parts += [selection.selection_set] if selection.selection_set else ()
        else:
            parts.append(selection)
    names = {node.name.value for part in parts for node in walk(part) if isinstance(node, VariableNode)}
    values = [(name, value) for name, value in sorted(operation.request.variables.items()) if name in names]
    if not all(isinstance(value, (str, int)) or value is None for _, value in values):
        return None
    # By their representation, in which True is not 1.
    return blake2b(
        repr((operation.prepared.text, operation.request.operation_name, values)).encode(), digest_size=32
    ).digest()


def response_map(result: ExecutionResult) -> ResponseMap:
    """GraphQL's response map; `data` is left out when nothing was executed."""
    if not result.errors:
        return {"data": result.data}
    errors = [format_error(error) for error in result.errors[:MAX_ERRORS]]
    # An error without a path was found before execution: in the variables, or the operation.
    if result.data is None and all(error.path is None for error in result.errors):
        return {"errors": errors}
    return {"errors": errors, "data": result.data}


def encode(response: object) -> bytes:
    return orjson.dumps(response)
